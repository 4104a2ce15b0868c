"""H.264 (RFC 6184): single NAL units, aggregated and fragmented ones."""

from collections.abc import Mapping

from camgraph.media.rtp.depacketize.nal import NalDepacketizer, described_sets

_STAP_A, _STAP_B, _MTAP16, _MTAP24, _FU_A, _FU_B = range(24, 30)
_FRAGMENTS = (_FU_A, _FU_B)
_AGGREGATES = {_STAP_A: (1, 0), _STAP_B: (3, 0), _MTAP16: (3, 3), _MTAP24: (3, 4)}
"""How many bytes stand before the first size, and how many with the timing after each size."""
_START, _END, _TYPE = 0x80, 0x40, 0x1F
_USUAL = frozenset((1, 5, 7, 9, 12, *range(24, 30)))
"""Pictures, what they need, and padding: H.265 has even numbers here, other than those."""


class H264Depacketizer(NalDepacketizer):
    """Puts H.264 together; in interleaved mode in the order of sending."""

    header_bytes = 1
    slices = frozenset((1, 2, 5))
    keys = fresh = frozenset((5,))
    sets = (7, 8)
    sei = 6

    def __init__(self, parameters: Mapping[str, str]) -> None:
        super().__init__(described_sets(parameters.get("sprop-parameter-sets", "")))

    def _kind(self, nal: bytes) -> int:
        return nal[0] & _TYPE

    def _take(self, data: bytes | memoryview, start: int, end: int) -> None:
        kind = data[start] & _TYPE
        self._strange = 0 if kind in _USUAL else self._strange + 1
        if kind in _FRAGMENTS:
            self._take_fragment(data, start, end, 4 if kind == _FU_B else 2)
        elif kind in _AGGREGATES:
            before, between = _AGGREGATES[kind]
            self._add_aggregated(data, start + before, end, between=between)
        elif kind < _STAP_A:
            self._add(bytes(data[start:end]))

    def _take_fragment(self, data: bytes | memoryview, start: int, end: int, header_bytes: int) -> None:
        if start + header_bytes > end:
            self._damaged = True
            return
        indicator, header = data[start], data[start + 1]
        rest = data[start + header_bytes : end]
        if not header & _START:
            self._continue_fragment(rest, last=bool(header & _END))
            return
        nal_header = bytes((indicator & ~_TYPE & 0xFF | header & _TYPE,))
        middle = bytes((indicator & ~_TYPE & 0xFF | _FU_A, header & ~(_START | _END) & 0xFF))
        self._start_fragment(nal_header, rest, middle)
        if header & _END:
            self._end_fragment()
