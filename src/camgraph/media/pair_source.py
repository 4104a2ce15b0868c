"""Main and smaller stream of one camera as one source, which goes over to the other without a gap."""

import logging
import threading
import time
import traceback
from collections.abc import Callable, Iterator

from camgraph.base.errors import ClosedError, SourceError, SourceUnavailable
from camgraph.base.redact import redact
from camgraph.control.reasons import retry_for
from camgraph.media.pair import Pair
from camgraph.media.source import NetworkCounts, Packet, PacketSource, StreamInfo, counted_on

_log = logging.getLogger(__name__)

_LEAVING_S = 1.0


class PairSource:
    """Receives what the pair says. `make` returns a source, of the smaller stream if its argument is True.

    The other stream is opened beside the one that plays, which ends when the other has a key frame; where the
    camera does not give both at a time, one after the other. A smaller stream that can't be had is done
    without.
    """

    def __init__(self, pair: Pair, make: Callable[[bool], PacketSource]) -> None:
        self._pair, self._make = pair, make
        self._small = pair.wants_small(time.monotonic_ns())
        self._current = make(self._small)
        self._counting = self._current, NetworkCounts()
        """What is counted now, with the counts of what was received before."""
        self._other: _Opening | None = None
        self._first: Packet | None = None
        self._cancelled = False

    @property
    def network(self) -> NetworkCounts:
        """What came over the network so far."""
        current, earlier = self._counting
        return counted_on(earlier, current.network)

    def resolve(self) -> None:
        """Look the host's name up; raise SourceError if it has no address."""
        self._current.resolve()

    def open(self) -> StreamInfo:
        """Start the stream, or go over to the other one; raise SourceError if that fails."""
        other, self._other = self._other, None
        if other is not None and other.info is not None:
            self._current.close()
            self._first, self._small = other.first, other.small
            self._go_on_with(other.source)
            self._pair.shown_small = self._small
            return other.info
        if other is not None:
            other.close()
            self._change(other.small)
        try:
            info = self._current.open()
        except ClosedError:
            raise
        except SourceError as error:
            if not self._small or not _has_no_such_stream(error):
                raise
            self._refuse(error)
            self._change(small=False)
            info = self._current.open()
        self._pair.shown_small = self._small
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
        if self._other is not None:
            self._other.close()
        self._current.close()

    def _is_over(self) -> bool:
        small, other = self._pair.wants_small(time.monotonic_ns()), self._other
        if small == self._small:
            if other is not None:
                self._other = None
                other.close()
            return False
        if other is None:
            self._other = _Opening(self._make(small), small)
            return False
        if other.failure is not None and small and _has_no_such_stream(other.failure):
            self._other = None
            other.close()
            self._refuse(other.failure)
            return False
        return other.info is not None or other.failure is not None

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

    def _refuse(self, error: SourceError) -> None:
        self._pair.refused = True
        _log.warning("the smaller stream can't be had, the other one is received instead: %s", error)


def _has_no_such_stream(error: SourceError) -> bool:
    """Tell whether the camera itself said so, or sends what nobody can use; else it is tried again."""
    return retry_for(error.reason).state in ("not_found", "unsupported")


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
        self._thread = threading.Thread(target=self._run, name="pair", daemon=True)
        try:
            self._thread.start()
        except RuntimeError:
            self.failure = SourceUnavailable("This machine allows no further thread.", reason="no_thread")

    def close(self) -> None:
        """Release the source; a name look-up that hangs is left to itself."""
        self.source.cancel()
        if self._thread.ident is not None:
            self._thread.join(_LEAVING_S)
        self.source.close()

    def _run(self) -> None:
        try:
            self.source.resolve()
            while True:
                info = self.source.open()
                for packet in self.source.packets():
                    if packet.keyframe and not packet.damaged:
                        self.first, self.info = packet, info
                        return
        except ClosedError:
            return
        except SourceError as error:
            self.failure = error
        except Exception:
            _log.error("%s", redact(traceback.format_exc()))
            self.failure = SourceError("a bug of camgraph", reason="internal")
