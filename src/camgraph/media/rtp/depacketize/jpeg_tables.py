"""The tables of JPEG that RTP does not carry: ITU-T T.81, annex K, which RFC 2435 takes."""

from functools import cache

_LUMINANCE = (
    "16 11 10 16 24 40 51 61 12 12 14 19 26 58 60 55 14 13 16 24 40 57 69 56 14 17 22 29 51 87 80 62 "
    "18 22 37 56 68 109 103 77 24 35 55 64 81 104 113 92 49 64 78 87 103 121 120 101 "
    "72 92 95 98 112 100 103 99"
)
_CHROMINANCE = "17 18 24 47 99 99 99 99 18 21 26 66 99 99 99 99 24 26 56 99 99 99 99 99 47 66" + 38 * " 99"
_ZIGZAG = sorted(range(64), key=lambda at: (at // 8 + at % 8, (at // 8, at % 8)[(at // 8 + at % 8) % 2 == 0]))
"""Positions in a block of 8 by 8, row by row, in the order of a file: along the diagonals."""
_QUALITIES = range(1, 100)

_DC_CODES = "00010501010101010100000000000000", "00030101010101010101010000000000"
_AC_CODES = "0002010303020403050504040000017d", "00020102040403040705040400010277"
"""How many codes there are of each length, for luminance and chrominance."""
_AC_FIRST = (
    "01020300041105122131410613516107227114328191a1082342b1c11552d1f02433627282",
    "000102031104052131061241510761711322328108144291a1b1c109233352f0156272d10a162434e125f1",
)
"""Values of the shortest codes; those of the others are in the order of their size."""
_AC_VALUES = sorted({run << 4 | size for run in range(16) for size in range(1, 11)} | {0x00, 0xF0})


@cache
def quantization_tables(q: int) -> bytes:
    """Return the DQT segment of two tables for a quality from 1 to 99; empty: others have no meaning."""
    if q not in _QUALITIES:
        return b""
    scale = 5000 // q if q < 50 else 200 - 2 * q
    body = b""
    for number, text in enumerate((_LUMINANCE, _CHROMINANCE)):
        table = [int(word) for word in text.split()]
        body += bytes((number, *(min(max((table[at] * scale + 50) // 100, 1), 255) for at in _ZIGZAG)))
    return b"\xff\xdb" + (2 + len(body)).to_bytes(2, "big") + body


def _huffman_tables() -> bytes:
    body = b""
    for number in range(2):
        body += bytes((number,)) + bytes.fromhex(_DC_CODES[number]) + bytes(range(12))
    for number in range(2):
        first = bytes.fromhex(_AC_FIRST[number])
        rest = bytes(value for value in _AC_VALUES if value not in first)
        body += bytes((0x10 | number,)) + bytes.fromhex(_AC_CODES[number]) + first + rest
    return b"\xff\xc4" + (2 + len(body)).to_bytes(2, "big") + body


HUFFMAN_TABLES = _huffman_tables()
"""The DHT segment of four tables: DC of luminance and chrominance, then AC."""
