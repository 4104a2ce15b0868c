"""JPEG (RFC 2435): scans without their headers, which are written anew."""

from collections.abc import Iterator

from camgraph.media.rtp.depacketize.jpeg_tables import HUFFMAN_TABLES, quantization_tables
from camgraph.media.rtp.units import AccessUnit

MOST_FILE_BYTES = 1 << 24
"""Fragments tell where they belong in 24 bits."""
_HEADER_BYTES = 8
_RESTART_BYTES = 4
_RESTARTS = 64
_IN_BAND, _EACH_ANEW = 128, 255
_TABLE = 64
_TYPES = {0: 0x21, 1: 0x22}
"""How Y is sampled against Cb and Cr: 4:2:2 or 4:2:0."""
_END = b"\xff\xd9"


class JpegDepacketizer:
    """Puts JPEG files together. `size` (px) is the description's, for senders that tell none; 0: unknown.

    A picture that lacks its beginning is dropped; one that lacks something later ends there, damaged. Fields
    of interlaced pictures are files of their own.
    """

    parameter_sets = b""

    def __init__(self, size: tuple[int, int] = (0, 0)) -> None:
        self._size = size
        self._tables: dict[int, bytes] = {}
        """DQT segments by Q."""
        self._held = -1
        self._file = bytearray()
        self._scan_at = 0
        """Where the scan begins in the file."""
        self._broken = False
        """What comes of this picture can't be joined to what is held."""
        self._gap = False

    def push(
        self, data: bytes | memoryview, start: int, end: int, timestamp: int, marker: bool
    ) -> list[AccessUnit]:
        """Take the payload `data[start:end]` of the next packet; return the files that are complete."""
        units = [] if timestamp == self._held else self.flush()
        self._gap = False
        self._held = timestamp
        if start + _HEADER_BYTES <= end:
            payload = memoryview(data)[start:end]
            offset = int.from_bytes(payload[1:4], "big")
            if not offset:
                units += self._finish(broken=True)
                self._begin(payload)
            elif self._file:
                self._continue(payload, offset)
        else:
            self._broken = True
        if marker:
            units += self._finish()
        return units

    def lost(self) -> None:
        """Take note that packets before the next one are missing."""
        self._gap = True

    def flush(self) -> list[AccessUnit]:
        """Return the file that is held, as far as it came."""
        return self._finish(broken=self._gap)

    def _begin(self, payload: memoryview) -> None:
        kind, q, width, height = payload[4], payload[5], 8 * payload[6], 8 * payload[7]
        at, interval = _HEADER_BYTES, 0
        if kind & _RESTARTS:
            interval = int.from_bytes(payload[at : at + 2], "big")
            at += _RESTART_BYTES
        if q >= _IN_BAND:
            at = self._take_tables(payload, at, q)
        tables = self._tables.get(q) or quantization_tables(q)
        sampling = _TYPES.get(kind & ~_RESTARTS)
        width, height = width or self._size[0], height or self._size[1]
        if not (tables and sampling and width and height) or at > len(payload):
            return
        self._file += b"".join(_headers(tables, sampling, width, height, interval))
        self._scan_at = len(self._file)
        self._file += payload[at:]

    def _take_tables(self, payload: memoryview, at: int, q: int) -> int:
        """Keep the tables that stand at `at`, if any; return where they end."""
        if q == _EACH_ANEW:
            self._tables.pop(q, None)
        length = int.from_bytes(payload[at + 2 : at + 4], "big")
        begin, end = at + 4, at + 4 + length
        if length and end <= len(payload):
            if tables := _segment(payload[begin:end], payload[at + 1]):
                self._tables[q] = tables
            else:
                self._tables.pop(q, None)
        return end

    def _continue(self, payload: memoryview, offset: int) -> None:
        if offset != len(self._file) - self._scan_at:
            self._broken = True
        if not self._broken:
            restart = _RESTART_BYTES if payload[4] & _RESTARTS else 0
            self._file += payload[_HEADER_BYTES + restart :]

    def _finish(self, *, broken: bool = False) -> list[AccessUnit]:
        damaged, self._broken = self._broken or broken, False
        if not self._file:
            return []
        if self._file[-2:] != _END:
            self._file += _END
        unit = AccessUnit(bytes(self._file), self._held, True, damaged)
        self._file.clear()
        return [unit]


def _segment(tables: memoryview, precision: int) -> bytes:
    """Return the DQT segment of in-band tables, at most two; a bit of `precision` set: of 16 bits each."""
    body = b""
    at = 0
    for number in range(2):
        wide = precision >> number & 1
        size = _TABLE << wide
        if at + size > len(tables):
            break
        body += bytes((wide << 4 | number,)) + tables[at : at + size]
        at += size
    return b"\xff\xdb" + (2 + len(body)).to_bytes(2, "big") + body if body else b""


def _headers(tables: bytes, sampling: int, width: int, height: int, interval: int) -> Iterator[bytes]:
    """Give the segments from SOI to SOS (ITU-T T.81, annex B)."""
    # The second table is there if the segment is larger than it would be with the first one alone.
    colour = 1 if len(tables) > 4 + 1 + (_TABLE << (tables[4] >> 4)) else 0
    yield b"\xff\xd8\xff\xe0\0\x10JFIF\0\1\1\0\0\1\0\1\0\0"
    yield tables
    if interval:
        yield b"\xff\xdd\0\4" + interval.to_bytes(2, "big")
    yield b"\xff\xc0\0\x11\x08" + height.to_bytes(2, "big") + width.to_bytes(2, "big")
    yield bytes((3, 1, sampling, 0, 2, 0x11, colour, 3, 0x11, colour))
    yield HUFFMAN_TABLES
    yield b"\xff\xda\0\x0c\3\1\0\2\x11\3\x11\0\x3f\0"
