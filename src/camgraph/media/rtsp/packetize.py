"""Access units to RTP packets, by libavformat's muxer."""

from fractions import Fraction

import av

MAX_PACKET_BYTES = 1440


class _Collector:
    """The file the muxer writes to: each write is one RTP or RTCP packet."""

    def __init__(self) -> None:
        self.packets: list[bytes] = []

    def write(self, data: bytes) -> int:
        self.packets.append(bytes(data))
        return len(data)


class RtpPacketizer:
    """Makes the RTP and RTCP packets of one stream; begins with a sender report.

    `codec` is FFmpeg's name for a video codec (H.264 and H.265 in Annex B form, JPEG as files of one size) or
    for mono sound of `clock` samples a second; `clock` is the unit of the timestamps, which must grow.
    `started_ns` is the wall clock (ns) of timestamp 0: sender reports tie the one to the other.
    """

    def __init__(self, codec: str, clock: int, *, payload_type: int, started_ns: int) -> None:
        self._codec = codec
        self._clock = clock
        self._collector = _Collector()
        self._container = av.open(
            self._collector,
            "w",
            format="rtp",
            buffer_size=MAX_PACKET_BYTES,
            options={
                "payload_type": str(payload_type),
                "rtpflags": "send_bye",
                "cname": "camgraph",
                "start_time_realtime": str(started_ns // 1000),
            },
        )
        self._stream: av.stream.Stream | None = None

    def push(self, access_unit: bytes, timestamp: int) -> list[bytes]:
        """Return the packets that carry an access unit at `timestamp` (in units of the time base).

        Raises ValueError for a JPEG file without its size.
        """
        if self._stream is None:
            self._stream = self._new_stream(access_unit)
        packet = av.Packet(access_unit)
        packet.stream = self._stream
        packet.time_base = Fraction(1, self._clock)
        packet.pts = packet.dts = timestamp
        self._container.mux(packet)
        return self._taken()

    def close(self) -> list[bytes]:
        """End the stream; return the last packets, a sender report with BYE. Closing twice gives none."""
        self._container.close()
        return self._taken()

    def _new_stream(self, access_unit: bytes) -> av.stream.Stream:
        codec = self._codec
        if codec == "mjpeg":
            width, height = _jpeg_size(access_unit)
            return self._container.add_mux_stream(codec, width=width, height=height, pix_fmt="yuvj420p")
        if av.Codec(codec, "r").type == "audio":
            # The muxer divides by the size of a sample, which only a codec context brings.
            return self._container.add_stream(codec, rate=self._clock, layout="mono")
        return self._container.add_mux_stream(codec)

    def _taken(self) -> list[bytes]:
        packets, self._collector.packets = self._collector.packets, []
        return packets


def _jpeg_size(data: bytes) -> tuple[int, int]:
    """Return width and height (px) as the frame header of a baseline JPEG file has them."""
    at = 2
    while at + 9 <= len(data) and data[at] == 0xFF:
        if data[at + 1] == 0xC0:
            return int.from_bytes(data[at + 7 : at + 9]), int.from_bytes(data[at + 5 : at + 7])
        at += 2 + int.from_bytes(data[at + 2 : at + 4])
    raise ValueError("a JPEG file without a baseline frame header")


def is_rtcp(packet: bytes) -> bool:
    """Return whether a packet is RTCP (types 200 to 204) and not RTP."""
    return 200 <= packet[1] <= 204
