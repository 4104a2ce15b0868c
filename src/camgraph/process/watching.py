"""The frames of the requests that a back end watches."""

from collections.abc import Callable, Collection
from typing import Any, Protocol

from camgraph.base.errors import LeaseLimit
from camgraph.base.loop import Loop


class FrameReader(Protocol):
    """Where frames come from: selectable, never waiting."""

    def fileno(self) -> int:
        """Return a descriptor that is readable as long as there may be a frame; the same for all its life."""
        ...

    def read_nowait(self) -> Any:
        """Return the next frame, None if there is none now."""
        ...

    def close(self) -> None:
        """Release everything but the frames handed out."""
        ...


class Watching:
    """Owns a reader for each request, and gives its frames one at a time. In the thread of the loop.

    `give(frame, on_done)` has a frame dealt with; False: that goes on, and `on_done` is called after it.
    `fail(where, error)` is told of a stream's trouble, after which the others go on; `end(code)` ends the
    process.
    """

    def __init__(
        self,
        loop: Loop,
        open_reader: Callable[[Any], FrameReader],
        *,
        give: Callable[[Any, Callable[[], None]], bool],
        fail: Callable[[str, BaseException], None],
        end: Callable[[int], None],
    ) -> None:
        self._loop = loop
        self._open_reader = open_reader
        self._give, self._fail, self._end_process = give, fail, end
        self._watched: list[tuple[Any, FrameReader]] = []
        self._ended = False

    def watch(self, request: Any) -> None:
        """Watch a request, if it is not; raises what opening its reader raises."""
        if not self._ended and all(request != watched for watched, _ in self._watched):
            reader = self._open_reader(request)
            self._watched.append((request, reader))
            self._loop.add(reader.fileno(), lambda: self._read(request, reader))

    def watch_exactly(self, requests: Collection[Any]) -> None:
        """Watch these and no others; what can't be is told."""
        self._stop(lambda request: request not in requests)
        for request in requests:
            try:
                self.watch(request)
            except Exception as error:
                self._fail("watch", error)

    def unwatch(self, which: Any) -> None:
        """Watch a request no longer, or those for the stream of that name."""
        if isinstance(which, str):
            self._stop(lambda request: bool(request.stream == which))
        else:
            self._stop(lambda request: bool(request == which))

    def end(self) -> None:
        """Watch nothing any more, from now on."""
        self._ended = True
        self._stop(lambda request: True)

    def _stop(self, which: Callable[[Any], bool]) -> None:
        for request, reader in [entry for entry in self._watched if which(entry[0])]:
            self._watched.remove((request, reader))
            self._loop.remove(reader.fileno())
            reader.close()

    def _read(self, request: Any, reader: FrameReader) -> None:
        try:
            frame = reader.read_nowait()
        except LeaseLimit as error:
            self._fail("on_frame", error)
            return self._end_process(1)
        except Exception as error:
            # The stream's trouble, not the instance's: its other streams go on.
            self._stop(lambda watched: watched is request)
            return self._fail("watch", error)
        if frame is None:
            return None
        is_done = self._give(frame, lambda: self._read_again(request, reader))
        if not is_done and (request, reader) in self._watched:
            self._loop.remove(reader.fileno())
        return None

    def _read_again(self, request: Any, reader: FrameReader) -> None:
        if (request, reader) in self._watched:
            self._loop.add(reader.fileno(), lambda: self._read(request, reader))
