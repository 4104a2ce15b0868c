"""H.265 (RFC 7798): single NAL units, aggregated and fragmented ones."""

from collections.abc import Mapping

from camgraph.media.rtp.depacketize.nal import NalDepacketizer, described_sets

_AGGREGATION, _FRAGMENTATION = 48, 49
_START, _END, _TYPE = 0x80, 0x40, 0x3F
_USUAL = frozenset((*range(10), *range(16, 22), *range(32, 41), 48, 49))
_NO_BASE_LAYER, _MOST_LEVEL = 0x81, 7
"""Bits of a header that are 0: an error, and the layer; the highest level, which is 1 at least."""


class H265Depacketizer(NalDepacketizer):
    """Puts H.265 together, in the order of sending."""

    header_bytes = 2
    slices = frozenset((*range(10), *range(16, 22)))
    keys = frozenset(range(16, 22))
    fresh = frozenset(range(16, 21))
    sets = (32, 33, 34)
    sei = 39

    def __init__(self, parameters: Mapping[str, str]) -> None:
        names = ("sprop-vps", "sprop-sps", "sprop-pps")
        super().__init__(described_sets(*(parameters.get(name, "") for name in names)))
        numbered = (parameters.get("sprop-max-don-diff", ""), parameters.get("sprop-depack-buf-nalus", ""))
        self._number_bytes = 2 if any(text.strip(" 0") for text in numbered) else 0
        """Of each NAL unit's number in the order of decoding, where there is one."""

    def _kind(self, nal: bytes) -> int:
        return nal[0] >> 1 & _TYPE

    def _take(self, data: bytes | memoryview, start: int, end: int) -> None:
        kind = data[start] >> 1 & _TYPE
        based = not data[start] & _NO_BASE_LAYER and start + 1 < end and 1 <= data[start + 1] <= _MOST_LEVEL
        self._strange = 0 if based and kind in _USUAL else self._strange + 1
        if kind == _FRAGMENTATION:
            self._take_fragment(data, start, end)
        elif kind == _AGGREGATION:
            self._add_aggregated(data, start + 2 + self._number_bytes, end, after=self._number_bytes // 2)
        elif kind < _AGGREGATION:
            payload = bytes(data[start:end])
            self._add(payload[:2] + payload[2 + self._number_bytes :])

    def _take_fragment(self, data: bytes | memoryview, start: int, end: int) -> None:
        if start + 3 > end:
            self._damaged = True
            return
        first, second, header = data[start : start + 3]
        if not header & _START:
            self._continue_fragment(data[start + 3 : end], last=bool(header & _END))
            return
        nal_header = bytes((first & 0x81 | (header & _TYPE) << 1, second))
        rest = data[start + 3 + self._number_bytes : end]
        self._start_fragment(nal_header, rest, bytes((first, second, header & _TYPE)))
        if header & _END:
            self._end_fragment()
