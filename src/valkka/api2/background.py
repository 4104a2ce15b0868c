"""The picture of a window whose stream is gone: made when it is needed, kept in the user's cache."""

import os
import tempfile

WIDTH, HEIGHT = 1280, 720


def background_path() -> str:
    """Return where the picture is: raw YUV420P, 1280×720. It need not be there yet. Empty: no cache."""
    cache = os.environ.get("XDG_CACHE_HOME", "")
    if not os.path.isabs(cache):
        cache = os.path.join(os.path.expanduser("~"), ".cache")
    return os.path.join(cache, "camgraph", "no_signal_1280x720.yuv") if os.path.isabs(cache) else ""


def make_background(path: str) -> None:
    """Make the picture unless it is there: a camera, struck through, light grey on dark grey.

    Raises OSError where it can't be written.
    """
    if os.path.exists(path):
        return
    # numpy is slow to import, and most programs find the picture there.
    import numpy as np

    row, column = np.mgrid[0:HEIGHT, 0:WIDTH]
    body = (abs(row - 360) <= 70) & (abs(column - 610) <= 110)
    lens = (column > 730) & (column <= 800) & (abs(row - 360) <= 15 + (column - 730) * 0.6)
    across = row - 360 + (column - 650) * 0.75
    picture = np.full((HEIGHT, WIDTH), 40, np.uint8)
    picture[body | lens] = 90
    inside = abs(column - 650) <= 190
    picture[inside & (abs(across) <= 22)] = 40
    picture[inside & (abs(across) <= 9)] = 90
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=os.path.dirname(path), prefix=".no_signal", delete=False) as file:
        try:
            file.write(picture.tobytes() + bytes([128]) * (WIDTH * HEIGHT // 2))
            file.flush()
            os.replace(file.name, path)
        except BaseException:
            os.unlink(file.name)
            raise
