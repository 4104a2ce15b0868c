"""Items over a picture, judged by their pixels."""

import numpy as np
import pytest
from qtpy.QtGui import QImage, QPainter
from tests.unit.qt.conftest import player_of

from camgraph.base.geometry import Area
from camgraph.qt import Box, HeatMap, Label, Mask, Polygon, VideoWidget, Zone
from camgraph.qt.video.layers import Canvas
from camgraph.qt.video.overlay import Overlay
from camgraph.qt.video.view import Affine, Placed, View, Wanted

MAGENTA = (255, 0, 255)
RED, BLUE = (255, 0, 0), (0, 0, 255)
WHOLE = Area(0, 0, 200, 200)
SHAPE = np.array([[1, 0], [1, 1]], bool)


def lying_in(area, source=(100, 100)):
    to_tile = Affine(area.width / source[0], 0, 0, area.height / source[1], area.x, area.y)
    return Placed(Wanted(None, area[2:]), area, to_tile, area)


def drawn(gui, items, placed, source=(100, 100), size=(200, 200), scale=1.0):
    image = QImage(size[0], size[1], QImage.Format.Format_RGB32)
    image.fill(0)
    painter = QPainter(image)
    layer = Overlay()
    layer.items = tuple(items)
    layer.paint(painter, Canvas(size, scale, source, placed, None))
    painter.end()
    return gui.rgb_of(image)


def extent(pixels, color):
    found = (pixels == color).all(axis=2)
    rows, columns = np.flatnonzero(found.any(axis=1)), np.flatnonzero(found.any(axis=0))
    return columns[0], rows[0], columns[-1] + 1, rows[-1] + 1


@pytest.mark.parametrize("scale", [1.0, 2.0])
def test_a_box_lies_around_its_rectangle(gui, scale):
    pixels = drawn(gui, [Box(20, 30, 40, 50, color="magenta")], lying_in(WHOLE), scale=scale)
    left, top, right, bottom = extent(pixels, MAGENTA)
    assert np.abs(np.subtract((left, top, right, bottom), (40, 60, 120, 160))).max() <= scale
    assert not pixels[60 + 4 : 160 - 4, 40 + 4 : 120 - 4].any()


def test_the_picture_may_lie_anywhere(gui):
    pixels = drawn(gui, [Box(0, 0, 100, 100, color="magenta")], lying_in(Area(50, 20, 100, 50)))
    assert extent(pixels, MAGENTA) == (50, 20, 150, 70)


EVERYTHING = [
    Box(-50, -50, 500, 60, "a long label that goes on and on", color="magenta"),
    Box(-50, 20, 500, 500, "it begins outside", color="magenta"),
    Polygon([(-90, -80), (190, 40), (-3e9, 3e9)], "corners far away", color="magenta", fill=0.5),
    Label(95, 95, "at the edge", color="magenta"),
    Mask(np.ones((3, 3), bool), (-20, -20, 200, 200), "magenta"),
    HeatMap(np.ones((3, 3)), (-20, -20, 200, 200), alpha=1),
]


@pytest.mark.parametrize("item", EVERYTHING, ids=lambda item: type(item).__name__)
def test_nothing_is_drawn_outside_the_picture(gui, item):
    pixels = drawn(gui, [item], lying_in(Area(50, 50, 100, 100)))
    assert pixels[50:150, 50:150].any(), "something is drawn within"
    pixels[50:150, 50:150] = 0
    assert not pixels.any()


def test_what_is_out_of_sight_has_no_label(gui):
    items = [Box(200, 0, 10, 10, "box"), Polygon([(200, 0), (210, 0)], "line"), Label(-50, 50, "label")]
    assert not drawn(gui, items, lying_in(WHOLE)).any()


def test_a_label_stands_above_its_box_or_inside_where_there_is_no_room(gui):
    above = drawn(gui, [Box(20, 50, 40, 40, "car", color="magenta")], lying_in(WHOLE))
    assert extent(above, MAGENTA)[1] < 95
    inside = drawn(gui, [Box(20, 0, 40, 40, "car", color="magenta")], lying_in(WHOLE))
    plate = inside[2:12, 42:60]
    assert (plate == MAGENTA).all(axis=2).any()
    assert (plate.max(axis=2) < 140).any(), "letters that stand out from the plate"


def test_a_polygon_is_filled_as_far_as_was_asked(gui):
    items = [Polygon([(10, 10), (90, 10), (90, 90)], color="red", fill=0.5), Polygon([(10, 60), (10, 90)])]
    pixels = drawn(gui, items, lying_in(WHOLE))
    assert abs(int(pixels[100, 140, 0]) - 128) < 3, "above the diagonal"
    assert not pixels[150, 100].any(), "below it"
    assert pixels[20, 100, 0] > 250, "its line"
    assert pixels[150, 20, 1] > 200, "two points make a line"


def test_a_mask_covers_its_region_sharply(gui):
    pixels = drawn(gui, [Mask(SHAPE, (20, 20, 40, 20), "red", alpha=1)], lying_in(WHOLE))
    assert extent(pixels, RED) == (40, 40, 120, 80)
    assert not pixels[40:60, 80:120].any(), "the upper right of the two by two"
    assert (pixels[60:80, 80:120] == RED).all()
    soft = np.full((2, 2), 51, np.uint8)
    assert abs(int(drawn(gui, [Mask(soft, None, "red", alpha=0.5)], lying_in(WHOLE))[100, 100, 0]) - 26) < 2


def test_a_heat_map_goes_smoothly_from_its_first_color_to_its_last(gui):
    values = np.array([[-5.0, 0.0, 10.0, 20.0], [-5.0, 0.0, 10.0, np.nan]])
    heat = HeatMap(values, low=0, high=10, colors=("blue", "red"), alpha=1)
    pixels = drawn(gui, [heat], lying_in(WHOLE)).astype(int)
    assert (pixels[20, 10] == BLUE).all()
    assert (pixels[20, 190] == RED).all()
    assert np.diff(pixels[20, 75:125, 0]).min() >= 0, "no steps back between two values"
    assert len(set(pixels[20, 75:125, 0])) > 20, "nor few of them"
    assert not pixels[190, 190].any(), "not known"


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("turns", range(4))
def test_items_turn_with_the_picture(gui, turns, mirrored):
    source = (80, 60)
    expected = np.zeros((60, 80, 3), np.uint8)
    expected[30:40, 20:40], expected[40:50, 20:60] = RED, RED
    expected[4:8, 4:20] = BLUE
    if mirrored:
        expected = expected[:, ::-1]
    expected = np.rot90(expected, -turns)
    tile = expected.shape[1], expected.shape[0]
    whole = np.full((1, 1), 255, np.uint8)
    items = [Mask(SHAPE, (20, 30, 40, 20), "red", alpha=1), Mask(whole, (4, 4, 16, 4), "blue", alpha=1)]
    placed = View(quarter_turns=turns, mirrored=mirrored).place(source, tile)
    assert (drawn(gui, items, placed, source, tile) == expected).all()


def test_items_are_zoomed_with_the_picture(gui):
    view = View(zoom=4, center=(0.25, 0.25))
    items = [Box(20, 20, 10, 10, color="magenta"), Mask(np.ones((1, 1), bool), (22, 22, 6, 6), "red", 1)]
    pixels = drawn(gui, items, view.place((100, 100), (200, 200)))
    assert np.abs(np.subtract(extent(pixels, MAGENTA), (60, 60, 140, 140))).max() <= 1
    assert extent(pixels, RED) == (76, 76, 124, 124)


@pytest.mark.parametrize(("turns", "mirrored"), [(0, False), (0, True), (1, False), (3, True)])
def test_a_heat_map_is_zoomed_and_turned_with_the_picture(gui, turns, mirrored):
    heat = HeatMap(np.array([[0.0, 1.0]]), (20, 20, 10, 10), colors=("blue", "red"), alpha=1)
    view = View(quarter_turns=turns, mirrored=mirrored, zoom=4, center=(0.25, 0.25))
    pixels = drawn(gui, [heat], view.place((100, 100), (200, 200))).astype(int)
    upright = np.rot90(pixels, turns)
    upright = upright[:, ::-1] if mirrored else upright
    assert upright[60:140, 60:140].any(axis=2).all()
    assert np.count_nonzero(upright.any(axis=2)) == 80 * 80, "nothing beside it"
    assert (upright[60:140, 62] == BLUE).all()
    assert (upright[60:140, 137] == RED).all()
    assert np.abs(upright[60:140] - upright[60]).max() <= 2, "no seams"
    assert np.diff(upright[100, 62:138, 0]).min() >= 0


@pytest.mark.parametrize("turns", [0, 1])
def test_large_and_translucent_items_start_no_threads(gui, turns):
    """The leak check would find them; and a widget that moves them would wake them for each picture."""
    source = (640, 480)
    items = [
        HeatMap(np.random.default_rng(1).random((48, 64)), alpha=0.5),
        Mask(np.full((9, 16), 90, np.uint8)),
        Polygon([(0, 0), (639, 100), (300, 479)], fill=0.5),
        Box(1, 1, 600, 400, color="#80ff0000"),
    ]
    tile = source if not turns else source[::-1]
    assert drawn(gui, items, View(quarter_turns=turns).place(source, tile), source, tile).any()


def test_letters_stay_upright(gui):
    def plate(**turned):
        placed = View(**turned).place((100, 100), (200, 200))
        pixels = drawn(gui, [Label(50, 50, "L", color="magenta")], placed)
        left, top, right, bottom = extent(pixels, MAGENTA)
        return pixels[top:bottom, left:right]

    assert (plate(quarter_turns=2, mirrored=True) == plate()).all()
    assert (plate(quarter_turns=1) == plate()).all()


def test_a_widget_draws_items_until_others_replace_them(gui, make_site):
    site = make_site(door=(320, 180))
    widget = VideoWidget(site.streams["door"])
    widget.resize(320, 180)
    widget.show()
    gui.play(site.streams["door"], widget, lambda width, height: np.zeros((height, width, 4), np.uint8))
    assert not gui.pixels(widget).any()
    widget.set_overlay([Mask(np.ones((2, 2), bool), (100, 50, 20, 20), "red", 1), Box(100, 50, 9, 9)])
    assert (gui.pixels(widget)[65, 115] == RED).all()
    widget.set_boxes([Box(0, 0, 10, 10, color="magenta")])
    assert extent(gui.pixels(widget), MAGENTA) == (0, 0, 11, 11)
    widget.set_overlay(None)
    assert not gui.pixels(widget).any()
    assert not widget._scene.layers, "what is not drawn costs nothing"
    with pytest.raises(TypeError, match="can't be drawn"):
        widget.set_overlay([(1, 2, 3, 4)])  # type: ignore[list-item]


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: Box(0, 0, 1, 1, color="bluish"), "color 'bluish'"),
        (lambda: Box(0, float("nan"), 1, 1), "finite"),
        (lambda: Polygon([(1, 1)]), "two points"),
        (lambda: Polygon([(1, 1), (2, 2)], fill=2), "from 0 to 1"),
        (
            lambda: Mask(np.zeros((2, 2))),  # type: ignore[arg-type]
            "bool or uint8",
        ),
        (lambda: Mask(np.zeros((2, 0), bool), None), "rows and columns"),
        (lambda: HeatMap(np.zeros((2, 2), int)), "floating-point"),
        (lambda: HeatMap(np.zeros((2, 2)), low=1, high=1), "from low to high"),
    ],
)
def test_an_item_that_can_not_be_drawn_is_refused(make, told):
    with pytest.raises(ValueError, match=told):
        make()


SMALLER = (640, 360)


@pytest.mark.parametrize("size", [None, (1280, 720)], ids=["as it is", "as it was told"])
def test_items_stay_where_they_are_when_the_camera_sends_its_smaller_stream(gui, make_site, size):
    """Zones and results do, too: places are counted in px of the picture that they were told for."""
    site = make_site(door=(1280, 720))
    widget = VideoWidget(site.streams["door"])
    widget.resize(320, 180)
    widget.show()
    gui.play(site.streams["door"], widget)
    widget.set_overlay([Box(320, 180, 640, 360, color="magenta")], size)
    widget.set_zones([Zone("gate", [(0, 0), (160, 0), (160, 160), (0, 160)], "cyan")], size)
    before = gui.pixels(widget)
    assert extent(before, MAGENTA) == pytest.approx((80, 45, 240, 135), abs=1)
    site.sizes["door"] = SMALLER
    site.status("door")
    gui.until(lambda: widget._scene.source == SMALLER)
    gui.play(site.streams["door"], widget)
    np.testing.assert_array_equal(gui.pixels(widget), before)


def test_a_result_may_be_told_in_px_of_the_analyzer(gui, make_site):
    site = make_site(door=(1280, 720))
    widget = VideoWidget(site.streams["door"])
    widget.resize(320, 180)
    widget.show()
    gui.play(site.streams["door"], widget)
    picture = player_of(widget).picture
    assert picture is not None
    widget.add_result(picture.frame.key, [Box(40, 20, 40, 20, color="magenta")], size=(160, 80))
    assert extent(gui.pixels(widget), MAGENTA) == pytest.approx((80, 45, 160, 90), abs=1)
