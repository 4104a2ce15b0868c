"""NAL units: the pieces of H.264 and H.265, as Annex B or the length of each sets them apart."""

from collections.abc import Iterable
from typing import NamedTuple

START_CODE = b"\0\0\0\1"
_SHORT_CODE = b"\0\0\1"


class Syntax(NamedTuple):
    """What H.264 and H.265 differ in, seen from outside of a NAL unit."""

    sets: tuple[int, ...]
    """Types of the parameter sets, those first that others refer to."""
    delimiter: int
    """Type of the unit that may begin an access unit."""
    shift: int
    mask: int

    def kind(self, unit: bytes) -> int:
        """Return the type of a unit."""
        return unit[0] >> self.shift & self.mask


H264 = Syntax(sets=(7, 8), delimiter=9, shift=0, mask=0x1F)
H265 = Syntax(sets=(32, 33, 34), delimiter=35, shift=1, mask=0x3F)
SYNTAXES = {"h264": H264, "hevc": H265}
"""By FFmpeg's names of the codecs."""


class Description(NamedTuple):
    """What extradata tell."""

    sets: list[bytes]
    length_bytes: int
    """How many bytes of size stand before each unit of a packet; 0: start codes do (Annex B)."""


def split_annex_b(data: bytes) -> list[bytes]:
    """Return the NAL units between start codes, without those and without padding."""
    units = []
    code = data.find(_SHORT_CODE)
    while code >= 0:
        start = code + len(_SHORT_CODE)
        code = data.find(_SHORT_CODE, start)
        end = len(data) if code < 0 else code
        while end > start and not data[end - 1]:
            end -= 1
        if end > start:
            units.append(data[start:end])
    return units


def split_by_length(data: bytes, length_bytes: int) -> list[bytes]:
    """Return the NAL units of a packet that has the size before each; what is cut off is left out."""
    units = []
    at = 0
    while at + length_bytes < len(data):
        start = at + length_bytes
        at = start + int.from_bytes(data[at:start])
        if start < at <= len(data):
            units.append(data[start:at])
    return units


def describe(syntax: Syntax, extradata: bytes) -> Description:
    """Read extradata in Annex B form, or as they lie in an MP4 file (avcC, hvcC)."""
    if not extradata or extradata[0] != 1:
        units = split_annex_b(extradata)
        return Description([unit for unit in units if syntax.kind(unit) in syntax.sets], 0)
    if syntax is H264:
        return Description(_sets_of_avcc(extradata), (extradata[4] & 3) + 1) if len(extradata) > 6 else NONE
    return Description(_sets_of_hvcc(extradata), (extradata[21] & 3) + 1) if len(extradata) > 22 else NONE


NONE = Description([], 4)


def sorted_sets(syntax: Syntax, units: Iterable[bytes]) -> tuple[bytes, ...]:
    """Return the parameter sets among units in the order in which a decoder needs them."""
    return tuple(sorted((u for u in units if syntax.kind(u) in syntax.sets), key=syntax.kind))


def _sets_of_avcc(data: bytes) -> list[bytes]:
    sets, at = _take(data, 6, data[5] & 0x1F)
    return sets + _take(data, at + 1, data[at])[0] if at < len(data) else sets


def _sets_of_hvcc(data: bytes) -> list[bytes]:
    sets: list[bytes] = []
    at = 23
    for _ in range(data[22]):
        taken, at = _take(data, at + 3, int.from_bytes(data[at + 1 : at + 3]))
        sets += taken
    return sets


def _take(data: bytes, at: int, count: int) -> tuple[list[bytes], int]:
    units = []
    for _ in range(count):
        if at >= len(data):
            break
        start = at + 2
        at = start + int.from_bytes(data[at:start])
        units.append(data[start:at])
    return [unit for unit in units if unit], at
