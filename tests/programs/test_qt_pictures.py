"""The pictures of docs/qt.md are what its programs show.

They are written anew by ``CAMGRAPH_WRITE_PICTURES=1 make test ARGS=tests/programs/test_qt_pictures.py``.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from tests.programs.qt_pictures_program import SCREEN, SHOTS

from camgraph.testing.pattern import draw_yuv420p
from camgraph.testing.screens import screen

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "qt.md"
PICTURES = ROOT / "docs" / "images" / "qt"
PROGRAM = Path(__file__).with_name("qt_pictures_program.py")
NOBODY = "rtsp://127.0.0.1:9/cellar"
NUMBER = 67
"""All cameras stand still at this frame: what is compared may not depend on when it was taken."""
COARSE = 24
"""Squares of so many px are compared by their means: numbers that change are small beside them."""
TOLERANCE = 0.05
"""The share of squares that may differ."""


def still(path: Path, camera: int) -> str:
    """Encode a second of one camera, in which nothing moves."""
    picture = av.VideoFrame.from_ndarray(draw_yuv420p(NUMBER, camera, 1280, 720), "yuv420p")
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"preset": "ultrafast"})
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = 1280, 720, "yuv420p"
        for number in range(25):
            picture.pts = number
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
    return str(path)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the pictures as they are today."""
    folder, clips = tmp_path_factory.mktemp("pictures"), tmp_path_factory.mktemp("clips")
    cameras = [still(clips / f"{number}.mp4", number) for number in range(1, 9)]
    with screen(*SCREEN) as display:
        environment = {**os.environ, "DISPLAY": display, "QT_QPA_PLATFORM": "xcb"}
        command = [sys.executable, str(PROGRAM), str(folder), *cameras, NOBODY]
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=50)
    assert (done.returncode, done.stderr) == (0, "")
    if os.environ.get("CAMGRAPH_WRITE_PICTURES"):
        PICTURES.mkdir(parents=True, exist_ok=True)
        for picture in folder.iterdir():
            shutil.copy(picture, PICTURES)
    return folder


def coarse(path: Path) -> np.ndarray:
    picture = cv2.imread(str(path))
    assert picture is not None, path
    height, width, _ = picture.shape
    return cv2.resize(picture, (width // COARSE, height // COARSE), interpolation=cv2.INTER_AREA).astype(int)


@pytest.mark.parametrize("name", [shot.name for shot in SHOTS])
def test_the_page_shows_what_there_is(made: Path, name: str) -> None:
    today, page = coarse(made / f"{name}.png"), coarse(PICTURES / f"{name}.png")
    assert today.shape == page.shape
    differ = (np.abs(today - page).max(axis=2) > 40).mean()
    assert differ <= TOLERANCE, f"{differ:.0%} of docs/images/qt/{name}.png are different now"


def test_every_picture_stands_on_the_page() -> None:
    shown = set(re.findall(r"\(images/qt/(\w+)\.png\)", PAGE.read_text()))
    assert shown == {shot.name for shot in SHOTS} == {path.stem for path in PICTURES.iterdir()}
