"""Boxes and labels, judged by their pixels."""

import numpy as np
import pytest
from qtpy.QtGui import QImage, QPainter

from camgraph.base.geometry import Area
from camgraph.qt.video.layers import Canvas
from camgraph.qt.video.overlay import Box, Boxes
from camgraph.qt.video.view import Affine, Placed, Wanted

MAGENTA = (255, 0, 255)


def drawn(gui, boxes, area, source=(100, 100), size=(200, 200), scale=1.0):
    image = QImage(size[0], size[1], QImage.Format.Format_RGB32)
    image.fill(0)
    painter = QPainter(image)
    to_tile = Affine(area.width / source[0], 0, 0, area.height / source[1], area.x, area.y)
    layer = Boxes()
    layer.boxes = tuple(boxes)
    placed = Placed(Wanted(None, area[2:]), area, to_tile, area)
    layer.paint(painter, Canvas(size, scale, source, placed, None))
    painter.end()
    return gui.rgb_of(image)


def extent(pixels, color):
    found = (pixels == color).all(axis=2)
    rows, columns = np.flatnonzero(found.any(axis=1)), np.flatnonzero(found.any(axis=0))
    return columns[0], rows[0], columns[-1] + 1, rows[-1] + 1


@pytest.mark.parametrize("scale", [1.0, 2.0])
def test_a_box_lies_around_its_rectangle(gui, scale):
    pixels = drawn(gui, [Box(20, 30, 40, 50, color="magenta")], Area(0, 0, 200, 200), scale=scale)
    left, top, right, bottom = extent(pixels, MAGENTA)
    assert np.abs(np.subtract((left, top, right, bottom), (40, 60, 120, 160))).max() <= scale
    assert not pixels[60 + 4 : 160 - 4, 40 + 4 : 120 - 4].any()


def test_the_picture_may_lie_anywhere(gui):
    pixels = drawn(gui, [Box(0, 0, 100, 100, color="magenta")], Area(50, 20, 100, 50))
    assert extent(pixels, MAGENTA) == (50, 20, 150, 70)


def test_nothing_is_drawn_outside_the_picture(gui):
    boxes = [Box(-50, -50, 500, 60, "a long label that goes on and on", color="magenta")]
    pixels = drawn(gui, boxes, Area(50, 50, 100, 100))
    pixels[50:150, 50:150] = 0
    assert not pixels.any()


def test_a_label_stands_above_its_box_or_inside_where_there_is_no_room(gui):
    above = drawn(gui, [Box(20, 50, 40, 40, "car", color="magenta")], Area(0, 0, 200, 200))
    assert extent(above, MAGENTA)[1] < 95
    inside = drawn(gui, [Box(20, 0, 40, 40, "car", color="magenta")], Area(0, 0, 200, 200))
    plate = inside[2:12, 42:60]
    assert (plate == MAGENTA).all(axis=2).any()
    assert (plate.max(axis=2) < 140).any(), "letters that stand out from the plate"


def test_a_color_that_is_none_is_refused():
    with pytest.raises(ValueError, match="color 'bluish'"):
        Box(0, 0, 1, 1, color="bluish")
