"""RTP packets made for tests, and a depacketizer for payloads that are what they are."""

import struct

from camgraph.media.rtp.units import AccessUnit

SSRC = 0x1234ABCD


def rtp(
    sequence: int,
    payload: bytes = b"\x01",
    timestamp: int = 0,
    *,
    marker: bool = False,
    ssrc: int = SSRC,
    payload_type: int = 96,
) -> bytes:
    second = payload_type | (0x80 if marker else 0)
    return struct.pack(">BBHII", 0x80, second, sequence & 0xFFFF, timestamp & 0xFFFFFFFF, ssrc) + payload


class Joined:
    """Units are the payloads of one timestamp, joined; complete at the marker or the next timestamp.

    `markers`: whether marker bits are believed.
    """

    parameter_sets = b""

    def __init__(self, *, markers: bool = True) -> None:
        self._markers = markers
        self._parts: list[bytes] = []
        self._timestamp = -1
        self._damaged = False

    def push(
        self, data: bytes | memoryview, start: int, end: int, timestamp: int, marker: bool
    ) -> list[AccessUnit]:
        units = self.flush() if timestamp != self._timestamp else []
        self._timestamp = timestamp
        self._parts.append(bytes(data[start:end]))
        return units + self.flush() if marker and self._markers else units

    def lost(self) -> None:
        self._damaged = True

    def flush(self) -> list[AccessUnit]:
        if not self._parts:
            return []
        unit = AccessUnit(b"".join(self._parts), self._timestamp, True, self._damaged)
        self._parts, self._damaged = [], False
        return [unit]
