"""Screens with more device pixels than the widgets' own; Qt takes the factor when the program starts."""

import os
import subprocess
import sys

import numpy as np
import pytest
from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest

from camgraph.qt import Box, VideoWidget, Zone


def noise(width, height):
    return np.random.default_rng(7).integers(0, 256, (height, width, 4), dtype=np.uint8)


if "QT_SCALE_FACTOR" in os.environ:

    def test_a_picture_is_shown_pixel_by_pixel(gui, make_site):
        factor = float(os.environ["QT_SCALE_FACTOR"])
        site = make_site(door=(1280, 720))
        widget = VideoWidget(site.streams["door"])
        widget.resize(320, 180)
        widget.show()
        gui.play(site.streams["door"], widget, noise)
        size = round(320 * factor), round(180 * factor)
        assert list(site.readers("door")) == [size]
        np.testing.assert_array_equal(gui.pixels(widget), noise(*size)[:, :, 2::-1])

        widget.set_boxes([Box(320, 180, 640, 360, color="#ff00ff")])
        gui.settle()
        magenta = (gui.pixels(widget) == (255, 0, 255)).all(axis=2)
        columns = np.flatnonzero(magenta.sum(axis=0) > 20)
        assert abs(columns[0] - 80 * factor) <= 2 * factor
        assert abs(columns[-1] - 240 * factor) <= 2 * factor

        widget.set_zones([Zone("door", [(320, 180), (960, 180), (640, 540)])])
        widget.edit_zones()
        gui.settle()
        left, corner, other = Qt.MouseButton.LeftButton, QPoint(80, 45), QPoint(40, 20)
        QTest.mousePress(widget, left, Qt.KeyboardModifier.NoModifier, corner)
        QTest.mouseMove(widget, other)
        QTest.mouseRelease(widget, left, Qt.KeyboardModifier.NoModifier, other)
        assert np.abs(np.subtract(widget.zones[0].points[0], (160, 80))).max() <= 4

else:

    @pytest.mark.parametrize("factor", ["1.25", "2"])
    def test_with_a_scale_factor(factor):
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", __file__],
            env={**os.environ, "QT_SCALE_FACTOR": factor},
            capture_output=True,
            text=True,
            timeout=50,
        )
        assert done.returncode == 0, done.stdout
