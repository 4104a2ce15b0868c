"""The code of the test picture: where it stands, what its cells say, and reading it back.

A strip has 40 cells across the whole picture: light, dark, 36 bits, dark, light. The bits are a frame number
(16), a camera (8), and a checksum (12) that also covers which of the three strips it is.
"""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt

Word = tuple[int, int]
"""Frame number and camera."""

MAX_NUMBER, MAX_CAMERA = 0xFFFF, 0xFF
CELLS = 40
STRIP = 1 / 20
"""Height of a strip as a share of the picture's."""
STRIP_TOPS = (0.0, 0.5 - STRIP / 2, 1 - STRIP)

_FINDER = (1, 0)
_ROWS_READ = 4
_MIN_CONTRAST = 48
_BIT_VALUES = 1 << np.arange(35, -1, -1, dtype=np.int64)


def cells_of(number: int, camera: int, place: int) -> list[int]:
    """Return the cells (1: light) of the strip that is number `place` from the top."""
    payload = number << 8 | camera
    word = payload << 12 | _checksum(payload, place)
    return [*_FINDER, *(word >> shift & 1 for shift in range(35, -1, -1)), *reversed(_FINDER)]


def read_strips(plane: npt.NDArray[np.uint8]) -> tuple[int, set[Word]]:
    """Return how many strips of a grey picture can be read, and all that is written anywhere in them."""
    height, width = plane.shape
    places = range(len(STRIP_TOPS))
    if width < CELLS or height < 1 / STRIP:
        return 0, set()
    first, last = _cell_columns(width)
    sums = np.zeros((len(places) * _ROWS_READ, width + 1))
    plane[_strip_rows(height)].cumsum(axis=1, dtype=np.float64, out=sums[:, 1:])
    by_row = ((sums[:, last] - sums[:, first]) / (last - first)).reshape(len(places), _ROWS_READ, CELLS)
    words = _read(by_row.mean(axis=1), places)
    found = {word for word in words if word is not None}
    for place in places:
        if words[place] is None:
            # A tear may run through the strip: then its rows can be read each by itself.
            found.update(word for word in _read(by_row[place], [place] * _ROWS_READ) if word is not None)
    return len(places) - words.count(None), found


def _read(levels: npt.NDArray[np.float64], places: Sequence[int]) -> list[Word | None]:
    """Return what each row of cells says, None where it can't be read."""
    light, dark = levels[:, [0, -1]].min(axis=1), levels[:, [1, -2]].max(axis=1)
    offsets = levels - ((light + dark) / 2)[:, None]
    contrast = light - dark
    clear = (contrast >= _MIN_CONTRAST) & (np.abs(offsets).min(axis=1) >= contrast * 0.1)
    codes = (offsets[:, 2:-2] > 0) @ _BIT_VALUES
    words: list[Word | None] = []
    for code, place, readable in zip(codes.tolist(), places, clear.tolist(), strict=True):
        payload = code >> 12
        valid = readable and code & 0xFFF == _checksum(payload, place)
        words.append((payload >> 8, payload & 0xFF) if valid else None)
    return words


@lru_cache(maxsize=64)
def _cell_columns(width: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return the first and the past-last column of the inner part of each cell."""
    cell = width / CELLS
    first = np.floor((np.arange(CELLS) + 0.3) * cell).astype(np.int64)
    last = np.ceil((np.arange(CELLS) + 0.7) * cell).astype(np.int64)
    return first, np.maximum(last, first + 1)


@lru_cache(maxsize=64)
def _strip_rows(height: int) -> npt.NDArray[np.int64]:
    """Return the rows to read: some of the inner part of each strip."""
    tops = (np.array(STRIP_TOPS) + STRIP * 0.3) * height
    return (tops[:, None] + np.linspace(0, STRIP * 0.4 * height, _ROWS_READ)).astype(np.int64).ravel()


@lru_cache(maxsize=4096)
def _checksum(payload: int, place: int) -> int:
    """Return 12 bits of CRC (polynomial 0x80F) over 24 bits of payload and the place of the strip."""
    value = (payload << 2 | place) << 12
    for shift in range(25, -1, -1):
        if value >> (shift + 12) & 1:
            value ^= 0x180F << shift
    return value ^ 0xA5C
