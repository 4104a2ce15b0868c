"""Which of a camera's two streams is received: the smaller one while that is enough for every reader."""

from collections.abc import Callable, Iterable

from camgraph.base.pixels import is_item_format
from camgraph.ring.protocol import WHOLE, RingRequest

SMALL_AGAIN_NS = 5_000_000_000
"""The larger stream goes on for so long when nobody needs it any more: who needed it may come back."""


class Pair:
    """The choice for one camera. The loop's thread tells who reads, the one that receives what it shows.

    `on_released` is called, by the latter, when readers that waited for the larger stream need not any more.
    """

    def __init__(self, stream: str, on_released: Callable[[], None]) -> None:
        self.stream = stream
        self._on_released = on_released
        self._shows_small = True
        self._small_size: tuple[int, int] | None = None
        self._needed = False
        self._no_small_until_ns = self._no_main_until_ns = 0.0
        self._main_failed = False
        self._small_from_ns = 0

    def wants_small(self, now_ns: int) -> bool:
        """Return whether the smaller stream is to be received."""
        if self._needed:
            return now_ns < self._no_main_until_ns
        return now_ns >= max(self._small_from_ns, self._no_small_until_ns)

    def show(self, *, small: bool) -> None:
        """Note what pictures come from, from now on; at first it is the smaller stream."""
        self._shows_small = small
        if not small:
            self._main_failed = False

    def do_without_small(self, until_ns: float) -> None:
        """Have the larger stream received, whoever reads: the smaller one can't be had."""
        self._no_small_until_ns = until_ns

    def do_without_main(self, until_ns: float) -> bool:
        """Have who needs the larger stream served from the smaller one; return whether that is new."""
        self._no_main_until_ns = until_ns
        before, self._main_failed = self._main_failed, True
        if not before:
            self._on_released()
        return not before

    def holds(self, request: RingRequest) -> bool:
        """Return whether a reader is to wait for the larger stream."""
        return self._shows_small and not self._main_failed and self._is_larger(request)

    def follow(self, requests: Iterable[RingRequest], now_ns: int) -> None:
        """Choose by what readers want now."""
        needed = any(map(self._is_larger, requests))
        if self._needed and not needed:
            self._small_from_ns = now_ns + SMALL_AGAIN_NS
        self._needed = needed

    def note_picture(self, width: int, height: int) -> None:
        """Learn from the first picture of a size (px) how large the smaller stream's are."""
        if self._shows_small:
            self._small_size = (width, height)

    def _is_larger(self, request: RingRequest) -> bool:
        """Tell whether the smaller stream is not enough; regions, and packets, are the larger stream's."""
        if not request.width or request.roi != WHOLE or is_item_format(request.format):
            return True
        if self._small_size is None:
            return False
        return request.width > self._small_size[0] or request.height > self._small_size[1]
