"""The rings of one camera: made when a reader asks, shared by equal requests, closed after the last one."""

import functools
import logging
import socket
import time
from collections.abc import Callable

from camgraph.base.loop import Loop
from camgraph.control.messages import RingStatistics
from camgraph.control.published import request_of
from camgraph.media.delivery import Delivery
from camgraph.media.filters import Filters
from camgraph.media.memory import Grants, Memory
from camgraph.media.output import Output, bytes_for
from camgraph.media.packet_outputs import PacketOutput, are_packets, packet_bytes_for
from camgraph.media.sources.pair import Pair
from camgraph.ring.protocol import WHOLE, Hello, RingRequest, refuse

_log = logging.getLogger(__name__)

LINGER_S = 1.0
PART_LINGERS_S = 0.1
"""Who zooms and moves on asks for another part of the picture each time, and for none of them again."""
MAX_RINGS = 64
_USUAL_FPS = 25.0


class Outputs(Delivery):
    """All rings of one camera's streams. What delivers to them may come from another thread, the rest belongs
    to the loop's.

    Readers of pictures that come before the first one wait here: nobody knows its size yet. So do those for
    whose ring, or leases, memory was not granted yet. Of a `pair` of streams, the one that readers need is
    received.
    """

    def __init__(
        self,
        loop: Loop,
        stream: str,
        epoch: int,
        filters: Filters,
        memory: Memory,
        pair: Pair | None = None,
    ) -> None:
        super().__init__()
        self.stream = stream
        self._pair = pair
        self._loop, self._epoch, self._filters = loop, epoch, filters
        self._size: tuple[int, int] | None = None
        self._fps = _USUAL_FPS
        self._waiting: dict[socket.socket, Hello] = {}
        self._readers: dict[socket.socket, Output | PacketOutput] = {}
        self._outputs: dict[RingRequest, Output | PacketOutput] = {}
        self._published: dict[str, RingRequest] = {}
        self._grants = Grants(memory)
        filters.on_attached = self._choose_running

    @property
    def requests(self) -> set[RingRequest]:
        """What readers want, those included that wait."""
        return {*self._outputs, *(hello.request for hello in self._waiting.values())}

    @property
    def touched_bytes(self) -> int:
        """Memory that the rings take by now."""
        return sum(output.writer.touched_bytes for output in self._outputs.values())

    def add_reader(self, sock: socket.socket, hello: Hello) -> None:
        """Serve a reader; owns its connection from now on."""
        self._waiting[sock] = hello
        self._watch(sock)
        self._choose_stream()
        self._settle(hello.request)

    def set_picture(self, width: int, height: int, fps: float) -> None:
        """Tell the size of the pictures to come, and about how many a second (0.0: unknown)."""
        self._size, self._fps = (width, height), fps or _USUAL_FPS
        if self._pair is not None:
            self._pair.note_picture(width, height)
            self._choose_stream()
        self.settle()
        # By then the stream's thread has gone over to the new size.
        self._loop.call_later(LINGER_S, self._cut_all)

    def settle(self) -> None:
        """Let in who need not wait any more."""
        for request in self.requests:
            self._settle(request)

    def follow_filters(self) -> None:
        """Have the filters as they are now decide; end the streams that there are no longer.

        Their readers' connections end: asking again they learn what has become of the stream. So do those of
        readers who were given what a published ring is no longer.
        """
        published = {node.id: request_of(node) for node in self._filters.published}
        changed = {
            request for name, request in self._published.items() if published.get(name) not in (None, request)
        }
        self._published = published
        for sock, hello in list(self._waiting.items()):
            if hello.request.stream not in self._filters.streams or hello.request in changed:
                self._gone(sock)
        for request, output in list(self._outputs.items()):
            if request.stream in self._filters.streams and request not in changed:
                output.tap = self._filters.tap(request.stream)
            else:
                self._end(output)
        self._choose_running()

    def statistics(self) -> tuple[RingStatistics, ...]:
        """Return the figures of every ring."""
        return tuple(output.statistics() for output in self._outputs.values())

    def close(self) -> None:
        """End every ring and connection; the readers see the end at once. Closing twice does nothing."""
        for sock in list(self._waiting):
            self._gone(sock)
        for output in list(self._outputs.values()):
            self._end(output)
        self._grants.close()

    def _settle(self, request: RingRequest) -> None:
        """Get the memory that a request's ring lacks, then let its readers in, as far as it goes now."""
        if self._grants.asks(request):
            return
        if not are_packets(request) and self._size is None:
            return
        if self._pair is not None and self._pair.holds(request):
            return
        output = self._outputs.get(request)
        if output is not None:
            needed = self._planned_bytes(output)
            if needed > self._grants.of(request):
                self._ask(request, needed, functools.partial(self._end, output))
                return
            output.allowed_bytes = self._grants.of(request)
        for sock, hello in list(self._waiting.items()):
            if hello.request != request:
                continue
            try:
                if not self._admit(sock, hello):
                    return
            except (OSError, ValueError) as error:
                level = logging.WARNING if isinstance(error, OSError) else logging.INFO
                _log.log(level, "stream %s: no ring for %s: %s", self.stream, request, error)
                self._refuse(sock, f"the pictures of {request.stream!r} can't be had so: {error}")
        self._cut(request)

    def _choose_stream(self) -> None:
        if self._pair is not None:
            self._pair.follow(self.requests, time.monotonic_ns())

    def _ask(self, request: RingRequest, size_bytes: int, on_refused: Callable[[str], None]) -> None:
        def then(refused: str) -> None:
            if refused:
                on_refused(refused)
            self._settle(request)

        self._grants.ask(request, size_bytes, then)

    def _planned_bytes(self, output: Output | PacketOutput, leases: int = 0) -> int:
        if isinstance(output, PacketOutput):
            return output.planned_bytes(leases)
        # Pictures' rings are made once the size is known.
        return 0 if self._size is None else output.planned_bytes(self._size, leases)

    def _make(self, request: RingRequest) -> Output | PacketOutput:
        # Who reads by a name alone chose no frames of its own to miss.
        patient = self._published.get(request.stream) == request
        if are_packets(request):
            return PacketOutput(
                request,
                self._epoch,
                self._fps,
                on_short=lambda: self._loop.call_soon_threadsafe(lambda: self._settle(request)),
                on_useless=lambda why: self._soon(self._end_useless, request, why),
                patient=patient,
            )
        assert self._size is not None
        return Output(request, self._epoch, self._size, self._fps, patient=patient)

    def _first_bytes(self, hello: Hello) -> int:
        request = hello.request
        if are_packets(request):
            return packet_bytes_for(request, self._fps, hello.leases)
        assert self._size is not None
        return bytes_for(request, self._size, self._fps, hello.leases)

    def _choose_running(self) -> None:
        self.deliver_to(self._outputs.values(), self._filters)

    def _admit(self, sock: socket.socket, hello: Hello) -> bool:
        """Give a waiting reader its ring; False: the memory for it had to be asked for."""
        request = hello.request
        needed = self._first_bytes(hello)
        output = self._outputs.get(request)
        if output is not None:
            needed = self._planned_bytes(output, hello.leases)
        elif len(self._outputs) >= MAX_RINGS:
            raise ValueError(f"{MAX_RINGS} other sizes, formats or rates are being read already")
        if needed > self._grants.of(request):
            self._ask(request, needed, functools.partial(self._refuse, sock))
            return False
        if output is None:
            output = self._make(request)
            output.tap = self._filters.tap(request.stream)
            self._outputs[request] = output
            self._choose_running()
        output.allowed_bytes = self._grants.of(request)
        del self._waiting[sock]
        self._loop.remove(sock)
        if output.writer.add_reader(sock, hello, waits=isinstance(output, PacketOutput)):
            self._readers[sock] = output
            self._watch(sock)
        else:
            self._close_later(output)
        return True

    def _refuse(self, sock: socket.socket, reason: str) -> None:
        if self._waiting.pop(sock, None) is not None:
            self._loop.remove(sock)
            refuse(sock, reason)
            self._choose_stream()

    def _watch(self, sock: socket.socket) -> None:
        # A reader says nothing after its HELLO: readable means that it is gone.
        self._loop.add(sock, lambda: self._gone(sock))

    def _gone(self, sock: socket.socket) -> None:
        self._loop.remove(sock)
        if self._waiting.pop(sock, None) is not None:
            sock.close()
            self._choose_stream()
            return
        output = self._readers.pop(sock, None)
        if output is not None:
            output.writer.remove_reader(sock)
            self._cut(output.request)
            self._close_later(output)

    def _close_later(self, output: Output | PacketOutput) -> None:
        if not output.writer.readers:
            linger_s = LINGER_S if output.request.roi == WHOLE else PART_LINGERS_S
            self._loop.call_later(linger_s, lambda: self._close_unread(output))

    def _close_unread(self, output: Output | PacketOutput) -> None:
        if self._outputs.get(output.request) is output and not output.writer.readers:
            self._end(output)

    def _end(self, output: Output | PacketOutput, reason: str = "") -> None:
        """Close a ring; its readers are told the reason, without one their connections just end."""
        self._outputs.pop(output.request, None)
        self._choose_running()
        for sock in [sock for sock, other in self._readers.items() if other is output]:
            del self._readers[sock]
            self._loop.remove(sock)
            if reason:
                refuse(sock, reason)
        output.writer.close()
        self._cut(output.request)
        self._choose_stream()

    def _soon(self, call: Callable[..., None], *arguments: object) -> None:
        self._loop.call_soon_threadsafe(lambda: call(*arguments))

    def _end_useless(self, request: RingRequest, reason: str) -> None:
        output = self._outputs.get(request)
        if output is not None:
            self._end(output, f"the packets of {request.stream!r} can't be had so: {reason}")

    def _cut(self, request: RingRequest) -> None:
        """Give back what a ring has been granted too much."""
        output = self._outputs.get(request)
        needed = 0
        if output is not None:
            needed = max(output.writer.planned_bytes(), self._planned_bytes(output))
        self._grants.cut(request, needed)

    def _cut_all(self) -> None:
        for request in list(self._outputs):
            self._cut(request)
