"""What a presenter knows of the site's streams."""

from camgraph.client.wording import Message, message_of
from camgraph.control.messages import StreamStatus
from camgraph.present.placing import Size


class Streams:
    """The last status of each stream."""

    def __init__(self) -> None:
        self._statuses: dict[str, StreamStatus] = {}

    def hear(self, status: StreamStatus) -> None:
        """Keep a status."""
        if status.reason == "removed":
            self._statuses.pop(status.stream, None)
        else:
            self._statuses[status.stream] = status

    def size_of(self, stream: str | None) -> Size:
        """Return the size of the camera's picture; (0, 0): not known."""
        status = self._statuses.get(stream or "")
        return (0, 0) if status is None else (status.width, status.height)

    def message_of(self, stream: str | None, *, seen: bool, silent_s: float) -> Message | None:
        """Return what to tell where there is no picture of it; None: nothing. `seen`: there was one."""
        if stream is None:
            return None
        status = self._statuses.get(stream)
        if status is None:
            return Message(stream, "not found", "The site has no stream of that name.")
        return message_of(status, seen=seen, silent_s=silent_s)
