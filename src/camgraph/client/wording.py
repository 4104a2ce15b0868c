"""What to tell the person who looks at a picture that does not come."""

from typing import NamedTuple

from camgraph.control.messages import HAS_PICTURES, StreamState, StreamStatus

_WORDS: dict[StreamState, str] = {
    "starting": "starting",
    "resolving": "looking up the address",
    "opening": "connecting",
    "waiting_for_keyframe": "waiting for a picture",
    "live": "no pictures",
    "degraded": "no pictures",
    "stalled": "no pictures",
    "backing_off": "no signal",
    "unauthorized": "login refused",
    "not_found": "not found",
    "unsupported": "not supported",
    "stopped": "stopped",
}


def words_of(state: StreamState) -> str:
    """Return a state in words, for a list of streams."""
    return state if state in HAS_PICTURES else _WORDS[state]


class Message(NamedTuple):
    """What to tell the person who looks at the tile."""

    name: str
    state: str
    sentence: str


def message_of(status: StreamStatus, *, seen: bool, silent_s: float) -> Message:
    """Return what to tell about a stream that shows no picture.

    `seen`: pictures came since it was asked for them; `silent_s`: how long one is waited for at the most.
    """
    if status.state not in HAS_PICTURES:
        return Message(status.stream, _WORDS[status.state], status.sentence)
    if not seen:
        return Message(status.stream, _WORDS["waiting_for_keyframe"], "")
    return Message(status.stream, _WORDS["live"], f"No picture has come for {silent_s:.0f} s.")
