"""Pictures that tell their own number in every eight bytes, so that any mixture of two is seen."""

import numpy as np
import numpy.typing as npt

WIDTH, HEIGHT = 640, 360
_POSITIONS = np.arange(WIDTH * HEIGHT // 8, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)


def picture(number: int) -> npt.NDArray[np.uint8]:
    """Return the gray picture of a number, (HEIGHT, WIDTH)."""
    return (_POSITIONS + np.uint64(number)).view(np.uint8).reshape(HEIGHT, WIDTH)


def is_whole(array: npt.NDArray[np.uint8], number: int) -> bool:
    """Return whether every byte belongs to the picture of `number`."""
    words = array.reshape(-1).view(np.uint64)
    return bool(np.array_equal(words, _POSITIONS + np.uint64(number)))
