"""The picture of a window without a stream."""

import os

import numpy as np

from valkka.api2.background import HEIGHT, WIDTH, background_path, make_background


def test_the_picture_is_made_once_where_the_cache_is(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    path = background_path()
    assert path.startswith(str(tmp_path))
    make_background(path)
    data = np.fromfile(path, np.uint8)
    assert data.size == WIDTH * HEIGHT * 3 // 2
    luma, chroma = data[: WIDTH * HEIGHT].reshape(HEIGHT, WIDTH), data[WIDTH * HEIGHT :]
    assert (chroma == 128).all()
    # Dark, with something in the middle.
    assert luma[0, 0] == 40
    assert 0.1 < (luma[HEIGHT // 4 : -HEIGHT // 4, WIDTH // 3 : -WIDTH // 3] != 40).mean() < 0.5
    made = os.stat(path)
    make_background(path)
    assert os.stat(path) == made
    assert os.listdir(os.path.dirname(path)) == [os.path.basename(path)]
