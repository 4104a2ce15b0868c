"""Numbers of any count of bits."""


class Bits:
    """Reads a text bit by bit, from the highest one on; what is beyond the end reads as 0."""

    def __init__(self, data: bytes) -> None:
        self._number = int.from_bytes(data, "big")
        self.left = 8 * len(data)
        """Bits that were not read yet; negative: beyond the end."""

    def read(self, count: int) -> int:
        """Return the number that the next `count` bits are."""
        self.left -= count
        number = self._number >> self.left if self.left >= 0 else self._number << -self.left
        return number & ((1 << count) - 1)

    def rest(self) -> bytes:
        """Return all bits that are left, with zeros up to a whole byte."""
        left = max(self.left, 0)
        pad = -left % 8
        return ((self._number & ((1 << left) - 1)) << pad).to_bytes((left + pad) // 8, "big")
