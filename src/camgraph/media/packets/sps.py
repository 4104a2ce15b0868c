"""Sequence parameter sets of H.264 (7.3.2.1) and H.265 (7.3.2.2): what pictures are like."""

from typing import NamedTuple

_WITH_CHROMA = frozenset((44, 83, 86, 100, 110, 118, 122, 128, 134, 135, 138, 139, 144, 244))
"""Profiles of H.264 whose sets tell of chroma and bit depth."""
_MAX_SIDE_PX = 16384


class Sequence(NamedTuple):
    """What a sequence parameter set says of the pictures."""

    width: int
    height: int
    """In px, as they are shown."""
    chroma: int
    """0: none, 1: 4:2:0, 2: 4:2:2, 3: 4:4:4."""
    luma_bits: int
    chroma_bits: int
    temporal_layers: int = 1
    nested: int = 0


class _Bits:
    def __init__(self, data: bytes) -> None:
        self._value, self._left = int.from_bytes(data), len(data) * 8

    def take(self, count: int) -> int:
        self._left -= count
        if self._left < 0:
            raise ValueError("a sequence parameter set ends too early")
        return self._value >> self._left & (1 << count) - 1

    def unsigned(self) -> int:
        zeros = 0
        while not self.take(1):
            zeros += 1
        return (1 << zeros) - 1 + self.take(zeros)

    def signed(self) -> int:
        code = self.unsigned()
        return (code + 1) // 2 if code & 1 else -(code // 2)


def without_prevention(unit: bytes) -> bytes:
    """Return a NAL unit without the bytes that keep start codes out of it."""
    return unit.replace(b"\0\0\3", b"\0\0")


def read_h264(unit: bytes) -> Sequence:
    """Read a set, its NAL header included; raise ValueError if it is damaged."""
    bits = _Bits(without_prevention(unit)[1:])
    profile = bits.take(8)
    bits.take(16)
    bits.unsigned()
    chroma, luma_bits, chroma_bits = 1, 8, 8
    if profile in _WITH_CHROMA:
        chroma = bits.unsigned()
        if chroma == 3:
            bits.take(1)
        luma_bits, chroma_bits = bits.unsigned() + 8, bits.unsigned() + 8
        bits.take(1)
        if bits.take(1):
            for number in range(12 if chroma == 3 else 8):
                if bits.take(1):
                    _skip_scaling(bits, 16 if number < 6 else 64)
    bits.unsigned()
    _skip_order(bits)
    bits.unsigned()
    bits.take(1)
    width, height = (bits.unsigned() + 1) * 16, (bits.unsigned() + 1) * 16
    fields = 2 - bits.take(1)
    if fields == 2:
        bits.take(1)
    bits.take(1)
    left, right, top, bottom = _window(bits)
    across, down = _steps(chroma)
    shown = width - (left + right) * across, (height - (top + bottom) * down) * fields
    return _checked(Sequence(*shown, chroma, luma_bits, chroma_bits))


def read_h265(unit: bytes) -> Sequence:
    """Read a set, its NAL header included; raise ValueError if it is damaged."""
    bits = _Bits(without_prevention(unit)[2:])
    bits.take(4)
    more_layers = bits.take(3)
    nested = bits.take(1)
    bits.take(96)
    if more_layers:
        present = [(bits.take(1), bits.take(1)) for _ in range(8)][:more_layers]
        for profile, level in present:
            bits.take(88 * profile + 8 * level)
    bits.unsigned()
    chroma = bits.unsigned()
    if chroma == 3:
        bits.take(1)
    width, height = bits.unsigned(), bits.unsigned()
    left, right, top, bottom = _window(bits)
    across, down = _steps(chroma)
    shown = width - (left + right) * across, height - (top + bottom) * down
    depths = bits.unsigned() + 8, bits.unsigned() + 8
    return _checked(Sequence(*shown, chroma, *depths, more_layers + 1, nested))


def _checked(told: Sequence) -> Sequence:
    sides = 1 <= told.width <= _MAX_SIDE_PX and 1 <= told.height <= _MAX_SIDE_PX
    if not sides or told.chroma > 3 or max(told.luma_bits, told.chroma_bits) > 16:
        raise ValueError(f"a sequence parameter set tells of impossible pictures: {told}")
    return told


def _window(bits: _Bits) -> tuple[int, int, int, int]:
    if not bits.take(1):
        return 0, 0, 0, 0
    return bits.unsigned(), bits.unsigned(), bits.unsigned(), bits.unsigned()


def _steps(chroma: int) -> tuple[int, int]:
    return 2 if chroma in (1, 2) else 1, 2 if chroma == 1 else 1


def _skip_order(bits: _Bits) -> None:
    kind = bits.unsigned()
    if kind == 0:
        bits.unsigned()
    elif kind == 1:
        bits.take(1)
        bits.signed()
        bits.signed()
        for _ in range(bits.unsigned()):
            bits.signed()


def _skip_scaling(bits: _Bits, size: int) -> None:
    last = following = 8
    for _ in range(size):
        if following:
            following = (last + bits.signed()) % 256
        last = following or last
