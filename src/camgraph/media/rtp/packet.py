"""One RTP packet: its header, and where its payload lies (RFC 3550, 5.1)."""

import struct

HEADER_BYTES = 12
HEADER = struct.Struct(">BBHII")
"""First byte, marker and payload type, sequence number, timestamp, SSRC."""
INTERLEAVED = struct.Struct(">HHHHII")
"""The same behind what RTSP puts before it: `DOLLAR` with the channel, the size (RFC 2326, 10.12)."""
INTERLEAVED_BYTES = 16
DOLLAR = 0x2400
PLAIN = 0x80
"""The first byte of a packet of version 2 without padding, extension and contributing sources."""

_PADDING, _EXTENSION, _SOURCES = 0x20, 0x10, 0x0F


def payload_bounds(data: bytes | memoryview) -> tuple[int, int] | None:
    """Return where the payload begins and ends, without padding; None: this is no RTP packet."""
    size = len(data)
    if size < HEADER_BYTES:
        return None
    first = data[0]
    if first >> 6 != 2:
        return None
    start, end = HEADER_BYTES + 4 * (first & _SOURCES), size
    if first & _EXTENSION:
        if start + 4 > size:
            return None
        start += 4 + 4 * int.from_bytes(data[start + 2 : start + 4], "big")
    if first & _PADDING:
        # A padding of 0 bytes can't be: the count counts itself. Some cameras set the bit and pad nothing.
        end -= data[size - 1]
    return (start, end) if start <= end else None
