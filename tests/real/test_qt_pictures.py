"""The pictures of docs/qt.md are what its programs show.

They are written anew by ``CAMGRAPH_WRITE_PICTURES=1 make test ARGS=tests/real/test_qt_pictures.py``.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from tests.real.qt_pictures_program import SCREEN, SHOTS

from camgraph.testing.cameras import Cameras
from camgraph.testing.screens import screen

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "qt.md"
PICTURES = ROOT / "docs" / "images" / "qt"
PROGRAM = Path(__file__).with_name("qt_pictures_program.py")
NOBODY = "rtsp://127.0.0.1:9/cellar"
COARSE = 24
"""Squares of so many px are compared by their means: what moves is small beside them."""
TOLERANCE = 0.12
"""The share of squares that may differ."""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the pictures as they are today."""
    folder = tmp_path_factory.mktemp("pictures")
    with Cameras(count=8) as cameras, screen(*SCREEN) as display:
        environment = {**os.environ, "DISPLAY": display, "QT_QPA_PLATFORM": "xcb"}
        command = [sys.executable, str(PROGRAM), str(folder), *cameras.urls, NOBODY]
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
