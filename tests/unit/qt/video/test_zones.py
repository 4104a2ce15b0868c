"""Zones over a picture, edited with the mouse: where they are drawn, and where they come to lie."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from qtpy.QtCore import QPoint, QPointF, Qt
from qtpy.QtGui import QPolygonF
from qtpy.QtTest import QTest
from tests.unit.qt.conftest import quarters

from camgraph.qt import VideoWidget, View, Zone
from camgraph.qt.video.zones.hits import Hit, find, moved, nearest, within

if TYPE_CHECKING:
    from tests.unit.qt.conftest import DrawnSite, Gui

SOURCE = (1280, 720)
LEFT, RIGHT = Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton
NONE = Qt.KeyboardModifier.NoModifier
SQUARE = Zone("door", [(320, 180), (960, 180), (960, 540), (320, 540)], color="#ff00ff")
VIEWS = {
    "as it comes": View(),
    "zoomed": View(zoom=1.25, center=(0.45, 0.55)),
    "turned": View(quarter_turns=1),
    "turned and mirrored": View(quarter_turns=3, mirrored=True),
    "filled and mirrored": View(fit="cover", mirrored=True),
}
points = st.tuples(st.integers(0, 1280), st.integers(0, 720))


class Desk:
    """A widget whose zones are edited, and the mouse over the camera's picture in it."""

    def __init__(self, gui: "Gui", site: "DrawnSite", view: View) -> None:
        self.gui, self.site = gui, site
        self.widget = VideoWidget(site.streams["door"])
        self.widget.resize(640, 480)
        self.widget.view = view
        self.told: list[list[Zone]] = []
        self.widget.zones_changed.connect(self.told.append)
        self.widget.edit_zones()
        self.widget.show()
        gui.play(site.streams["door"], self.widget, lambda *size: quarters(*size) // 4)

    def at(self, x: float, y: float) -> QPoint:
        placed = self.widget._scene.placed(640, 480)
        assert placed is not None
        return QPoint(*map(round, placed.to_tile.map(x, y)))

    def press(self, x: float, y: float, button: Qt.MouseButton = LEFT) -> None:
        QTest.mousePress(self.widget, button, NONE, self.at(x, y))

    def move(self, x: float, y: float) -> None:
        QTest.mouseMove(self.widget, self.at(x, y))
        self.gui.turn()

    def release(self, x: float, y: float, button: Qt.MouseButton = LEFT) -> None:
        QTest.mouseRelease(self.widget, button, NONE, self.at(x, y))

    def drag(self, begin: tuple[float, float], end: tuple[float, float]) -> None:
        self.press(*begin)
        self.move((begin[0] + end[0]) / 2, (begin[1] + end[1]) / 2)
        self.move(*end)
        self.release(*end)

    def click(self, x: float, y: float, button: Qt.MouseButton = LEFT) -> None:
        QTest.mouseClick(self.widget, button, NONE, self.at(x, y))

    def double_click(self, x: float, y: float) -> None:
        self.click(x, y)
        QTest.mouseDClick(self.widget, LEFT, NONE, self.at(x, y))

    def key(self, key: Qt.Key) -> None:
        QTest.keyClick(self.widget, key)

    def corners(self, zone: int = 0) -> list[tuple[float, float]]:
        return list(self.widget.zones[zone].points)


@pytest.fixture
def desk(gui: "Gui", make_site: "Callable[..., DrawnSite]") -> Callable[..., Desk]:
    def desk(view: View | None = None) -> Desk:
        return Desk(gui, make_site(door=SOURCE), view or View())

    return desk


def near(found: list[tuple[float, float]], expected: list[tuple[float, float]]) -> bool:
    """To a pixel of the screen: each is at most four of the camera's."""
    return bool(np.abs(np.subtract(found, expected)).max() <= 4)


@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS)
def test_corners_edges_and_zones_are_where_they_are_seen(desk, view) -> None:
    it = desk(view)
    it.widget.set_zones([SQUARE])
    it.gui.settle()
    x, y = it.at(960, 540).x(), it.at(960, 540).y()
    assert (it.gui.pixels(it.widget)[y - 2 : y + 3, x - 2 : x + 3] == (255, 0, 255)).all()

    it.drag((960, 540), (840, 480))
    assert near(it.corners(), [(320, 180), (960, 180), (840, 480), (320, 540)])
    assert it.told == [it.widget.zones]

    it.drag((600, 360), (640, 300))
    assert near(it.corners(), [(360, 120), (1000, 120), (880, 420), (360, 480)])

    it.drag((360, 300), (440, 320))
    assert near(it.corners(), [(360, 120), (1000, 120), (880, 420), (360, 480), (440, 320)])
    assert len(it.told) == 3
    it.gui.settle()
    x, y = it.at(440, 320).x(), it.at(440, 320).y()
    assert (it.gui.pixels(it.widget)[y - 2 : y + 3, x - 2 : x + 3] == (255, 0, 255)).all()


def test_zones_are_made_by_clicks_and_ended_in_three_ways(desk) -> None:
    it = desk()
    end: list[Callable[[], object]] = [
        lambda: it.key(Qt.Key.Key_Return),
        lambda: it.double_click(300, 300),
        lambda: it.click(100, 100),
    ]
    for number, finish in enumerate(end):
        it.double_click(100, 100)
        it.click(300, 100)
        if number != 1:
            it.click(300, 300)
        assert len(it.told) == 2 * number
        finish()
        assert len(it.told) == 2 * number + 1
        zone = it.widget.zones[-1]
        assert zone.name == "zone 1"
        assert near(list(zone.points), [(100, 100), (300, 100), (300, 300)])
        it.key(Qt.Key.Key_Delete)
        assert it.told[-1] == it.widget.zones == []


def test_what_is_begun_can_be_given_up(desk) -> None:
    it = desk()
    it.widget.set_zones([SQUARE])
    it.gui.settle()
    it.press(320, 180)
    it.move(100, 100)
    assert near(it.corners()[:1], [(100, 100)])
    it.key(Qt.Key.Key_Escape)
    it.move(50, 50)
    it.release(50, 50)
    assert it.widget.zones == [SQUARE]

    it.double_click(100, 650)
    it.click(200, 650)
    it.click(200, 600, RIGHT)
    it.key(Qt.Key.Key_Return)
    it.key(Qt.Key.Key_Escape)
    assert it.widget.zones == [SQUARE]
    assert it.told == []


def test_editing_can_end_in_the_midst_of_a_drag(desk) -> None:
    it = desk()
    it.widget.set_zones([SQUARE])
    it.gui.settle()
    it.press(320, 180)
    it.move(100, 100)
    it.press(960, 180, RIGHT)
    it.widget.edit_zones(False)
    it.gui.delete_later()
    it.move(50, 50)
    it.release(50, 50)
    assert it.widget.zones == [SQUARE]
    assert it.told == []


def test_what_is_dragged_when_the_widget_is_hidden_goes_back(desk) -> None:
    it = desk()
    it.widget.set_zones([SQUARE])
    it.gui.settle()
    it.press(320, 180)
    it.move(100, 100)
    assert it.widget.zones != [SQUARE]
    it.widget.hide()
    assert it.widget.zones == [SQUARE]
    it.release(100, 100)
    it.widget.show()
    it.gui.play(it.site.streams["door"], it.widget)
    it.move(200, 200)
    assert it.widget.zones == [SQUARE]
    assert it.told == []


def test_corners_and_zones_are_removed_and_a_triangle_stays_one(desk) -> None:
    it = desk()
    it.widget.set_zones([SQUARE, Zone("yard", [(10, 10), (200, 10), (10, 150)])])
    it.gui.settle()
    it.click(960, 180, RIGHT)
    it.click(320, 180, RIGHT)
    assert it.corners() == [(320, 180), (960, 540), (320, 540)]
    it.click(60, 50)
    it.key(Qt.Key.Key_Delete)
    assert [zone.name for zone in it.widget.zones] == ["door"]
    assert len(it.told) == 2


def test_nothing_leaves_the_picture(desk) -> None:
    it = desk()
    it.widget.set_zones([SQUARE])
    it.gui.settle()
    it.drag((640, 360), (3000, 3000))
    assert it.corners() == [(640, 360), (1280, 360), (1280, 720), (640, 720)]
    it.drag((640, 360), (-500, -500))
    assert it.corners()[0] == (0, 0)


def test_other_tools_have_what_lies_beside_the_zones_and_all_of_it_afterwards(desk) -> None:
    it = desk(View(zoom=1.5))
    clicked: list[str] = []
    it.widget.clicked.connect(clicked.append)
    it.widget.set_zones([SQUARE])
    it.gui.settle()
    it.click(640, 360)
    assert clicked == []
    x, y = it.at(960, 540).x() + 3, it.at(960, 540).y() + 3
    assert tuple(it.gui.pixels(it.widget)[y, x]) == (255, 0, 255)
    it.widget.edit_zones(False)
    assert tuple(it.gui.pixels(it.widget)[y, x]) != (255, 0, 255)
    it.click(640, 360)
    assert clicked == ["door"]
    it.drag((640, 360), (500, 300))
    assert it.widget.zones == [SQUARE]
    assert it.widget.view.center != (0.5, 0.5)
    it.widget.set_zones(None)
    assert it.widget._scene.layers == []
    assert it.told == []


def test_no_zone_is_edited_where_no_picture_is(desk) -> None:
    it = desk()
    it.widget.set_zones([SQUARE])
    it.site.status("door", "backing_off")
    it.gui.settle()
    it.drag((960, 540), (840, 480))
    assert it.widget.zones == [SQUARE]


@pytest.mark.parametrize(
    ("wrong", "what"),
    [
        (lambda: Zone("a", [(0, 0), (1, 1)]), "3 corners"),
        (lambda: Zone("a", [(0, 0), (1, 1), (float("nan"), 0)]), "finite"),
        (lambda: Zone("a", [(0, 0), (1, 1), (1, 0)], color="mauvish"), "mauvish"),
    ],
)
def test_what_is_no_zone_is_told(wrong, what) -> None:
    with pytest.raises(ValueError, match=what):
        wrong()


def test_only_zones_are_zones(gui) -> None:
    with pytest.raises(TypeError, match="no Zone"):
        VideoWidget().set_zones([(1, 2, 3)])  # type: ignore[list-item]


@given(st.lists(points, min_size=3, max_size=6), points)
def test_what_is_inside_is_what_qt_fills(corners, point) -> None:
    zone = Zone("any", corners)
    edges = zone.edges()
    assume(all(np.hypot(*np.subtract(nearest(*edge, point), point)) > 0.01 for edge in edges))
    polygon = QPolygonF([QPointF(*corner) for corner in corners])
    assert zone.contains(*point) == polygon.containsPoint(QPointF(*point), Qt.FillRule.OddEvenFill)


@given(st.lists(points, min_size=3, max_size=6), points)
def test_a_moved_zone_keeps_its_shape_and_stays_in_the_picture(corners, way) -> None:
    found = moved(Zone("any", corners), way[0] - 640, way[1] - 360, SOURCE)
    steps = {(x2 - x1, y2 - y1) for (x1, y1), (x2, y2) in zip(corners, found, strict=True)}
    assert len(steps) == 1
    assert all(within(point, SOURCE) == point for point in found)


@given(st.sampled_from(list(VIEWS.values())), st.lists(points, min_size=3, max_size=5, unique=True))
def test_each_corner_is_hit_where_it_is_drawn(view, corners) -> None:
    to_tile = view.place(SOURCE, (640, 480)).to_tile
    places = [to_tile.map(*corner) for corner in corners]
    for number, place in enumerate(places):
        others = [np.hypot(*np.subtract(place, other)) for other in places]
        hit = find([Zone("any", corners)], None, to_tile, place, 1.0)
        assert hit is not None
        assert hit.part == "corner"
        assert others[hit.number] == 0 or hit == Hit(0, "corner", number)
