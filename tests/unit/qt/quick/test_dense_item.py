"""An item on a screen with more device pixels; Qt takes the factor when the program starts."""

import os
import subprocess
import sys

import numpy as np
from qtpy.QtCore import QPointF, QRectF
from tests.unit.qt.conftest import noise
from tests.unit.qt.quick.conftest import video

if "QT_SCALE_FACTOR" in os.environ:

    def test_a_picture_is_shown_pixel_by_pixel(gui, make_site, window):
        site = make_site(door=(1280, 720))
        content = "VideoItem { objectName: 'video'; anchors.fill: parent; stream: door }"
        shown = window(content, 160, 100, door=site.streams["door"])
        gui.play(site.streams["door"], video(shown), noise)
        assert list(site.readers("door")) == [(240, 135)]
        pixels = gui.rgb_of(shown.grabWindow())
        assert pixels.shape[:2] == (150, 240)
        np.testing.assert_array_equal(pixels[7:142], noise(240, 135)[:, :, 2::-1])
        assert video(shown).pictureRect == QRectF(0, 7 / 1.5, 160, 90)
        assert video(shown).fromSource(QPointF(1280, 0)) == QPointF(160, 7 / 1.5)

else:

    def test_with_a_scale_factor():
        done = subprocess.run(
            # Qt has threads of its own that stay, for what it scales.
            [sys.executable, "-m", "pytest", "-q", "-p", "no:camgraph.testing.leaks", __file__],
            env={**os.environ, "QT_SCALE_FACTOR": "1.5"},
            capture_output=True,
            text=True,
            timeout=50,
        )
        assert done.returncode == 0, done.stdout
