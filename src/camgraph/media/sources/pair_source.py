"""Main and smaller stream of one camera as one source, which goes over to the other without a gap."""

import logging
import math
import threading
import time
import traceback
from collections.abc import Callable, Iterator

from camgraph.base.errors import ClosedError, SourceError, SourceUnavailable
from camgraph.base.redact import redact
from camgraph.control.reasons import LOGIN, MISSING, UNSUPPORTED, retry_for
from camgraph.media.source import NetworkCounts, Packet, PacketSource, StreamInfo, counted_on
from camgraph.media.sources.pair import Pair

_log = logging.getLogger(__name__)

AGAIN_NS = 5_000_000_000
"""From one failure of the other stream, beside the one that plays, to the next try."""
SMALL_AGAIN_NS = 30_000_000_000
"""A smaller stream that failed, and may come back, is done without for so long."""
FIRST_KEYFRAME_S = 60.0


class PairSource:
    """Receives what the pair says. `make` returns a source, of the smaller stream if its argument is True.

    The other stream is opened beside the one that plays, which ends when the other has a key frame, and goes
    on where the other fails; where the camera has no room for both, one ends before the other begins. A
    smaller stream that can't be had is done without; while the larger one can't be had, its readers get the
    smaller one.
    """

    def __init__(self, pair: Pair, make: Callable[[bool], PacketSource]) -> None:
        self._pair, self._make = pair, make
        self._small = pair.wants_small(time.monotonic_ns())
        self._current = make(self._small)
        self._counting = self._current, NetworkCounts()
        """What is counted now, with the counts of what was received before."""
        self._other: _Opening | None = None
        self._first: Packet | None = None
        self._no_room = False
        """The other stream can begin only when this one has ended."""
        self._cancelled = False

    @property
    def network(self) -> NetworkCounts:
        """What came over the network so far."""
        current, earlier = self._counting
        return counted_on(earlier, current.network)

    def resolve(self) -> None:
        """Look the host's name up; raise SourceError if it has no address."""
        try:
            self._current.resolve()
        except SourceError as error:
            self._go_without(error)

    def open(self) -> StreamInfo:
        """Start the stream, or go over to the other one; raise SourceError if that fails."""
        other = self._other
        if other is not None and other.info is not None:
            self._other = None
            self._current.close()
            self._first, self._small = other.first, other.small
            self._go_on_with(other.source)
            self._pair.show(small=self._small)
            return other.info
        if self._no_room:
            self._no_room = False
            self._change(not self._small)
        try:
            info = self._current.open()
        except SourceError as error:
            self._go_without(error)
            info = self._current.open()
        self._pair.show(small=self._small)
        return info

    def packets(self) -> Iterator[Packet]:
        """Yield the packets; end where the other stream takes over: `open` begins that."""
        first, self._first = self._first, None
        if first is not None:
            yield first
        for packet in self._current.packets():
            yield packet
            if self._is_over():
                return

    def cancel(self) -> bool:
        """End a wait of this source at once; see `PacketSource.cancel`."""
        self._cancelled = True
        other = self._other
        if other is not None:
            other.source.cancel()
        return self._current.cancel()

    def close(self) -> None:
        """Leave the camera."""
        self._leave_other()
        self._current.close()

    def _is_over(self) -> bool:
        now_ns, other = time.monotonic_ns(), self._other
        small = self._pair.wants_small(now_ns)
        if small == self._small:
            self._leave_other()
            return False
        if other is None:
            self._other = _Opening(self._make(small), small)
            return False
        if other.failure is None:
            return other.info is not None
        self._leave_other()
        self._no_room = other.failure.reason in ("busy", "no_thread")
        if small and not self._no_room:
            self._do_without_small(other.failure)
        elif not self._no_room:
            self._do_without_main(other.failure)
        return self._no_room

    def _leave_other(self) -> None:
        other, self._other = self._other, None
        if other is not None:
            other.close()

    def _change(self, small: bool) -> None:
        """Go over to the other stream by leaving this one first."""
        self._current.close()
        self._small = small
        self._go_on_with(self._make(small))
        if self._cancelled:
            raise ClosedError("the stream was closed")
        self._current.resolve()

    def _go_on_with(self, source: PacketSource) -> None:
        self._counting = source, self.network
        self._current = source

    def _go_without(self, error: SourceError) -> None:
        """Go over to the other stream after an error of this one, if that may help; else raise it."""
        if retry_for(error.reason) is LOGIN or not (self._small or _is_for_good(error)):
            raise error
        if self._small:
            self._do_without_small(error)
        else:
            self._do_without_main(error)
        self._change(not self._small)

    def _do_without_small(self, error: SourceError) -> None:
        self._pair.do_without_small(_until(error, SMALL_AGAIN_NS))
        level = logging.WARNING if _is_for_good(error) else logging.INFO
        told = "%s: the smaller stream can't be had, the other one is received instead: %s"
        _log.log(level, told, self._pair.stream, error)

    def _do_without_main(self, error: SourceError) -> None:
        if self._pair.do_without_main(_until(error, AGAIN_NS)):
            told = "%s: the larger stream can't be had, its readers get the smaller one: %s"
            _log.warning(told, self._pair.stream, error)


def _is_for_good(error: SourceError) -> bool:
    return retry_for(error.reason) in (MISSING, UNSUPPORTED)


def _until(error: SourceError, again_ns: int) -> float:
    return math.inf if _is_for_good(error) else time.monotonic_ns() + again_ns


class _Opening:
    """Opens a source in a thread of its own, up to its first key frame.

    Where no thread can be had that is its failure, like any other.
    """

    def __init__(self, source: PacketSource, small: bool) -> None:
        self.source, self.small = source, small
        self.first: Packet | None = None
        self.info: StreamInfo | None = None
        """Set last: the stream has begun."""
        self.failure: SourceError | None = None
        self._handing = threading.Lock()
        self._over = self._left = False
        self._thread = threading.Thread(target=self._run, name="pair", daemon=True)
        try:
            self._thread.start()
        except RuntimeError:
            self.failure = SourceUnavailable("This machine allows no further thread.", reason="no_thread")
            self._over = True

    def close(self) -> None:
        """Have the source released, by its own thread if that still uses it: a name look-up may hang."""
        with self._handing:
            self._left = True
            over = self._over
        self.source.cancel()
        if over:
            self.source.close()

    def _run(self) -> None:
        try:
            self._open()
        except ClosedError:
            pass
        except SourceError as error:
            self.failure = error
        except Exception:
            _log.error("%s", redact(traceback.format_exc()))
            self.failure = SourceError("a bug of camgraph", reason="internal")
        with self._handing:
            self._over = True
            left = self._left
        if left:
            self.source.close()

    def _open(self) -> None:
        deadline = time.monotonic() + FIRST_KEYFRAME_S
        self.source.resolve()
        while True:
            info = self.source.open()
            for packet in self.source.packets():
                if packet.keyframe and not packet.damaged:
                    self.first, self.info = packet, info
                    return
                if time.monotonic() >= deadline:
                    raise SourceUnavailable(
                        f"No whole picture came for {FIRST_KEYFRAME_S:.0f} s.", reason="no_keyframe"
                    )
