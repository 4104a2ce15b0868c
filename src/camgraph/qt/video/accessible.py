"""What a screen reader says of a tile."""

from camgraph.client.sentences import without_next_attempt
from camgraph.client.wording import words_of
from camgraph.qt.video.player import Player


def description_of(player: Player | None) -> str:
    """Return the state in words, and why it is so; what counts by the second is left out."""
    if player is None:
        return "no stream"
    status = player.status
    if player.picture is not None:
        return _joined(words_of(status.state), status.sentence if status.state != "live" else "")
    message = player.message
    return _joined(message.state, without_next_attempt(status.sentence) or message.sentence)


def _joined(words: str, sentence: str) -> str:
    return f"{words}: {sentence}" if sentence else words
