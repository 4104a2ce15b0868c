"""Screens that have more device pixels than widgets have px."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[4]


@pytest.mark.parametrize("scale", ["1.5", "2"])
def test_pictures_are_right_to_the_device_pixel(scale):
    # Qt reads the scale once, when the application begins.
    environment = {**os.environ, "QT_SCALE_FACTOR": scale}
    ended = subprocess.run(
        [sys.executable, "-m", "tests.unit.qt.video.scaled_program"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.count("right") == 2
