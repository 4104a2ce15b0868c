"""Frames on their way from the stream's thread to rings and to the filters that watch them."""

import threading
from collections.abc import Iterable

from camgraph.base.errors import ClosedError
from camgraph.media.convert import Color, color_of
from camgraph.media.decode import Picture
from camgraph.media.filters import Filters, Tap
from camgraph.media.output import Output
from camgraph.media.packet_outputs import PacketOutput
from camgraph.media.source import Packet, StreamInfo


class Delivery:
    """Who gets one camera's frames. `publish` and `publish_packet` may come from any one thread at a time,
    `deliver_to` from the loop's.
    """

    def __init__(self) -> None:
        self._running: tuple[Output, ...] = ()
        self._running_packets: tuple[PacketOutput, ...] = ()
        self._watching: tuple[Tap, ...] = ()
        self._watching_packets: tuple[Tap, ...] = ()
        self._publishing = threading.Lock()
        self._coded: tuple[object, ...] | None = None
        self._color = Color("unspecified", "tv")
        self._codec_generation = 0
        self._number = self._packet_number = 0
        self.conversions = 0
        """Pictures converted or copied for a ring."""
        self.wanted = False
        """Whether there is a ring that pictures could go to now, until a second after its last reader, or a
        filter that watches them. What gates and branches keep back from all of these is not wanted."""
        self.takes_packets = False
        """Whether `publish_packet` is to be called for each packet."""

    def deliver_to(self, outputs: Iterable[Output | PacketOutput], filters: Filters) -> None:
        """Have these rings get frames from the next one on, as the filters are now."""
        outputs, reached = tuple(outputs), filters.taps
        self._running = tuple(output for output in outputs if isinstance(output, Output))
        self._running_packets = tuple(output for output in outputs if isinstance(output, PacketOutput))
        self._watching = tuple(tap for tap in reached if tap.watches_pictures)
        self._watching_packets = tuple(tap for tap in reached if tap.watches_packets)
        self.wanted = bool(self._watching) or any(
            output.tap is None or output.tap in reached for output in self._running
        )
        self.takes_packets = bool(self._watching_packets or self._running_packets)

    def publish(self, picture: Picture, codec: str) -> None:
        """Write a picture to every ring that has readers and gets it; never waits for one of them."""
        frame = picture.frame
        with self._publishing:
            coded = (codec, frame.width, frame.height, frame.format.name, frame.colorspace, frame.color_range)
            if coded != self._coded:
                self._coded, self._color = coded, color_of(frame)
                self._codec_generation += 1
            self._number += 1
            for output in self._running:
                tap = output.tap
                passed = picture if tap is None else tap.picture(self._number, picture)
                if passed is None:
                    continue
                try:
                    self.conversions += output.publish(passed, self._color, self._codec_generation)
                except ClosedError:
                    continue  # the last reader has left meanwhile
            for tap in self._watching:
                # Programs are woken when the picture is where they look for it.
                if tap.picture(self._number, picture) is not None:
                    tap.ring()

    def publish_packet(self, packet: Packet, info: StreamInfo) -> None:
        """Write a packet to every ring of packets that has readers and gets it; never waits for one."""
        with self._publishing:
            self._packet_number += 1
            for output in self._running_packets:
                tap = output.tap
                passed = packet if tap is None else tap.packet(self._packet_number, packet, info.codec)
                try:
                    if passed is None:
                        output.miss_packet(packet, info)
                    else:
                        output.publish_packet(passed, info)
                except ClosedError:
                    continue  # the last reader has left meanwhile
            for tap in self._watching_packets:
                if tap.packet(self._packet_number, packet, info.codec) is not None:
                    tap.ring()
