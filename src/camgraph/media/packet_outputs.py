"""One ring of encoded packets, as one request wants it."""

from collections import deque
from collections.abc import Callable
from typing import cast

from camgraph.base.pixels import ItemFormat, is_item_format
from camgraph.control.messages import RingStatistics
from camgraph.graph.nodes import Publish
from camgraph.media.filters import Tap
from camgraph.media.packets.fragments import FragmentItems, Timeline
from camgraph.media.packets.items import Item, ItemMaker
from camgraph.media.packets.units import NalItems
from camgraph.media.ring_numbers import ring_statistics
from camgraph.media.source import Packet, StreamInfo
from camgraph.ring.protocol import RingRequest
from camgraph.ring.writer import FrameMeta, RingWriter, planned_bytes

LEAST_BYTES, MOST_BYTES = 1 << 18, 1 << 26
"""How much room an item gets at first, and at the most, where the request does not tell."""
_MOST_HELD = 250
_ITEMS_A_PICTURE: dict[ItemFormat, int] = {"nal": 4, "fmp4": 2, "bytes": 1}


def are_packets(request: RingRequest) -> bool:
    """Tell whether a request is for packets, and not for pictures."""
    return is_item_format(request.format)


def packet_bytes_for(request: RingRequest, fps: float, leases: int) -> int:
    """Return how much memory a ring for a request takes at first."""
    return _planned(request, request.width or LEAST_BYTES, fps, leases)


def _planned(request: RingRequest, most_bytes: int, fps: float, leases: int) -> int:
    return planned_bytes(_format_of(request), most_bytes, 1, fps=_rate(request, fps), leases=leases)


def _format_of(request: RingRequest) -> ItemFormat:
    return cast(ItemFormat, request.format)


def _rate(request: RingRequest, fps: float) -> float:
    return fps * _ITEMS_A_PICTURE[_format_of(request)]


class PacketOutput:
    """Makes the items of one ring. `publish_packet` and `miss_packet` belong to the stream's thread, the rest
    to the loop's.

    A reader gets nothing before what it can begin with: parameter sets and a key frame. Where the request
    does not tell how long items are, the ring grows with them; packets are held until there is memory for
    that. `on_short` is called when more is needed than `allowed_bytes`, `on_useless` with a sentence when
    such packets can't be had so: both in the stream's thread.
    """

    def __init__(
        self,
        request: RingRequest,
        epoch: int,
        fps: float,
        *,
        on_short: Callable[[], object],
        on_useless: Callable[[str], object],
        patient: bool = False,
    ) -> None:
        self.request = request
        self.tap: Tap | None = None
        """What decides which packets pass; None: all do."""
        self.allowed_bytes = 0
        self.unfit = 0
        self._fps = fps
        self._on_short, self._on_useless = on_short, on_useless
        self._most_bytes = self._needed_bytes = request.width or LEAST_BYTES
        self.writer = RingWriter(
            request.stream,
            _format_of(request),
            self._most_bytes,
            1,
            epoch=epoch,
            fps=_rate(request, fps),
            patient=patient,
        )
        self._info: StreamInfo | None = None
        self._maker: ItemMaker | None = None
        self._timeline = Timeline()
        self._sets: tuple[bytes, ...] | None = None
        self._generation = self._headers = 0
        self._held: deque[tuple[Packet, list[Item], int]] = deque()

    def planned_bytes(self, leases: int = 0) -> int:
        """Return the most memory that the ring takes with so many leases more, once it has room for all."""
        planned = self.writer.planned_bytes(leases)
        if self._needed_bytes != self._most_bytes:
            held = self.writer.leases + leases
            planned = max(planned, _planned(self.request, self._needed_bytes, self._fps, held))
        return planned

    def publish_packet(self, packet: Packet, info: StreamInfo) -> bool:
        """Write what a packet gives if anybody reads; False: nothing was written."""
        maker = self._maker_for(info)
        if maker is None:
            return False
        if not self.writer.readers:
            maker.skip(packet)
            return False
        headers, tag = _published(self.tap)
        if headers > self._headers or (packet.keyframe and self.writer.waiting):
            maker.repeat_header()
        self._headers = headers
        items = maker.items(packet)
        if maker.sets != self._sets:
            self._sets = maker.sets
            self._generation += 1
        if not items:
            return False
        if not self.request.width:
            self._make_room(max(len(item.data) for item in items))
            if self._needed_bytes > self._most_bytes:
                self._hold(packet, items, tag)
                return False
            while self._held:
                self._write(*self._held.popleft())
        self._write(packet, items, tag)
        return True

    def miss_packet(self, packet: Packet, info: StreamInfo) -> None:
        """Take note of a packet that does not pass the filters."""
        maker = self._maker_for(info)
        if maker is not None:
            maker.skip(packet)

    def statistics(self) -> RingStatistics:
        """Return what was asked and what came of it."""
        return ring_statistics(
            self.request, self.writer, _format_of(self.request), (self._most_bytes, 1), self.unfit
        )

    def _maker_for(self, info: StreamInfo) -> ItemMaker | None:
        if info is not self._info:
            self._info, self._maker, self._sets = info, None, None
            self.unfit += len(self._held)
            self._held.clear()
            try:
                if self.request.format == "fmp4":
                    self._maker = FragmentItems(info.codec, info.extradata, self._timeline)
                else:
                    self._maker = NalItems(info.codec, info.extradata)
            except ValueError as error:
                self._on_useless(str(error))
        return self._maker

    def _make_room(self, longest: int) -> None:
        """Have the ring take items of that length, now or once there is memory for it."""
        longest = min(longest, MOST_BYTES)
        if longest > self._needed_bytes:
            self._needed_bytes = 1 << (longest - 1).bit_length()
        if self._needed_bytes == self._most_bytes:
            return
        if self.planned_bytes() > self.allowed_bytes:
            self._on_short()
            return
        self._most_bytes = self._needed_bytes
        self.writer.reshape(_format_of(self.request), self._most_bytes, 1)

    def _hold(self, packet: Packet, items: list[Item], tag: int) -> None:
        self._held.append((packet, items, tag))
        if len(self._held) > _MOST_HELD:
            self.unfit += 1
            self._held.popleft()

    def _write(self, packet: Packet, items: list[Item], tag: int) -> None:
        meta = FrameMeta(
            pts=packet.pts,
            time_base=packet.time_base,
            capture_ns=packet.capture_ns,
            capture_quality=packet.capture_quality,
            arrival_ns=packet.arrival_ns,
            corrupt=packet.damaged,
            codec_generation=self._generation,
            tag=tag,
        )
        most = self._most_bytes
        for data, keyframe, begins in items:
            cut = len(data) > most
            told = meta._replace(keyframe=keyframe, corrupt=packet.damaged or cut)
            self.writer.publish_bytes(data[:most] if cut else data, told, begins=begins)


def _published(tap: Tap | None) -> tuple[int, int]:
    """Return how often nodes on the way here had the header come again, and the tag of the last one."""
    headers = tag = 0
    while tap is not None:
        node = tap.node
        if isinstance(node, Publish):
            headers += node.headers
            tag = tag or node.tag
        tap = tap.before
    return headers, tag
