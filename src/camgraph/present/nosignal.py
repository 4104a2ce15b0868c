"""What is in a window that no frames come for: a dark picture with words, or a picture from a file."""

import logging
import textwrap
from pathlib import Path

import numpy as np

from camgraph.client.wording import Message
from camgraph.present.canvas import Canvas, Color, Pixels
from camgraph.present.placing import Size, centred

_log = logging.getLogger(__name__)

FILE_SIZE: Size = (1280, 720)
"""Of the picture in a file: raw YUV, 4:2:0, plane after plane."""
BACKGROUND: Color = (0x20, 0x24, 0x2A)
_NAME: Color = (0xFF, 0xFF, 0xFF)
_STATE: Color = (0xFF, 0xB7, 0x4D)
_SENTENCE: Color = (0xC3, 0xC9, 0xD1)


def draw_message(canvas: Canvas, message: Message | None) -> None:
    """Fill a window with a message, as far as there is room; None: with the dark background alone."""
    canvas.fill(BACKGROUND)
    if message is None:
        return
    letters, room = canvas.letters
    lines = [(message.name, _NAME), (message.state, _STATE)]
    lines += [(line, _SENTENCE) for line in textwrap.wrap(message.sentence, letters)]
    canvas.write([(line[:letters], color) for line, color in lines[:room]], BACKGROUND)


class FilePictures:
    """Pictures from files, each kept at the last size it was wanted at."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[Size, Pixels]] = {}
        self._unusable: set[str] = set()

    def draw(self, canvas: Canvas, path: str) -> bool:
        """Fill a window with a picture; False: the file can't be used, which is logged once."""
        if path in self._unusable:
            return False
        kept = self._kept.get(path)
        if kept is None or kept[0] != canvas.size:
            try:
                picture = read_picture(path, canvas.size)
            except (OSError, ValueError) as error:
                _log.warning("the picture for no signal can't be used: %s", error)
                self._unusable.add(path)
                return False
            kept = self._kept[path] = (canvas.size, picture)
        canvas.put(kept[1], centred(canvas.size, canvas.size))
        return True


def read_picture(path: str, size: Size) -> Pixels:
    """Read a picture from a file of raw YUV 4:2:0 (BT.601, 16 to 235); return it in bgra, stretched.

    Raises OSError; ValueError if the file has another size.
    """
    width, height = FILE_SIZE
    data = Path(path).read_bytes()
    if len(data) != width * height * 3 // 2:
        raise ValueError(f"{path} has {len(data)} bytes, not {width * height * 3 // 2} (1280x720, YUV 4:2:0)")
    luma = np.frombuffer(data, np.uint8, width * height).reshape(height, width)
    chroma = np.frombuffer(data, np.uint8, offset=width * height).reshape(2, height // 2, width // 2)
    rows = np.arange(size[1]) * height // size[1]
    columns = np.arange(size[0]) * width // size[0]
    y = (luma[np.ix_(rows, columns)].astype(np.float32) - 16) * (255 / 219)
    u, v = (plane[np.ix_(rows // 2, columns // 2)].astype(np.float32) - 128 for plane in chroma)
    picture = np.full((size[1], size[0], 4), 255, np.uint8)
    for channel, value in enumerate((y + 2.017 * u, y - 0.392 * u - 0.813 * v, y + 1.596 * v)):
        picture[:, :, channel] = np.clip(np.rint(value), 0, 255)
    return picture
