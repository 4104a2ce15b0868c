"""What wheel and mouse do with a picture."""

from typing import TYPE_CHECKING

import pytest
from qtpy.QtCore import QEvent, QPoint, QPointF, Qt
from qtpy.QtGui import QMouseEvent, QWheelEvent
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QWidget

from camgraph.qt import VideoWidget, View

if TYPE_CHECKING:
    from tests.unit.qt.conftest import Gui

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def widget(gui: "Gui", make_site) -> VideoWidget:
    site = make_site(door=(1280, 720))
    widget = VideoWidget(site.streams["door"])
    widget.resize(320, 180)
    widget.show()
    gui.play(site.streams["door"], widget)
    return widget


def turn(widget: VideoWidget, eighths: int, at: QPointF) -> bool:
    """Turn the wheel; tell whether the widget has taken it."""
    event = QWheelEvent(
        at,
        widget.mapToGlobal(at),
        QPoint(),
        QPoint(0, eighths),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    widget.wheelEvent(event)
    return event.isAccepted()


def drag(widget: VideoWidget, *way: tuple[int, int]) -> None:
    """Press the left button, move along a way, and release it."""
    QTest.mousePress(widget, LEFT, pos=QPoint(*way[0]))
    for x, y in way[1:]:
        point = QPointF(x, y)
        none = Qt.KeyboardModifier.NoModifier
        kind, button = QEvent.Type.MouseMove, Qt.MouseButton.NoButton
        widget.mouseMoveEvent(QMouseEvent(kind, point, widget.mapToGlobal(point), button, LEFT, none))
    QTest.mouseRelease(widget, LEFT, pos=QPoint(*way[-1]))


def under(widget: VideoWidget, x: float, y: float) -> tuple[float, float]:
    """Which px of the camera's picture is at a point of the widget."""
    placed = widget.view.place((1280, 720), (widget.width(), widget.height()))
    return placed.to_tile.inverse().map(x, y)


def test_the_wheel_zooms_at_the_cursor(widget):
    before = under(widget, 80, 45)
    assert turn(widget, 120, QPointF(80, 45))
    assert widget.view.zoom == pytest.approx(1.2)
    for _ in range(3):
        turn(widget, 60, QPointF(80, 45))
    assert under(widget, 80, 45) == pytest.approx(before, abs=4)
    assert turn(widget, -(2**30), QPointF(10, 10))
    assert widget.view == View()


def test_a_wheel_turned_back_from_the_whole_picture_is_left_to_others(widget):
    assert not turn(widget, -120, QPointF(80, 45))
    assert widget.view == View()


def test_a_picture_that_is_zoomed_in_moves_with_the_mouse(widget):
    clicks: list[object] = []
    widget.clicked.connect(clicks.append)
    widget.zoom_by(4)
    assert under(widget, 160, 90) == (640, 360)
    drag(widget, (160, 90), (150, 90), (130, 80), (60, 70))
    assert under(widget, 60, 70) == (640, 360)
    assert not clicks
    assert widget.cursor().shape() == Qt.CursorShape.ArrowCursor


def test_the_cursor_is_a_hand_meanwhile_and_then_what_it_was(widget):
    widget.setCursor(Qt.CursorShape.CrossCursor)
    widget.zoom_by(4)
    seen = []
    widget.view_changed.connect(lambda _: seen.append(widget.cursor().shape()))
    drag(widget, (160, 90), (60, 70))
    assert seen == [Qt.CursorShape.ClosedHandCursor]
    assert widget.cursor().shape() == Qt.CursorShape.CrossCursor


def test_a_press_that_moves_nothing_is_a_click(widget):
    clicks: list[object] = []
    widget.clicked.connect(clicks.append)
    widget.zoom_by(4)
    drag(widget, (160, 90), (161, 90))
    assert clicks == ["door"]
    assert under(widget, 160, 90) == (640, 360)
    drag(widget, (160, 90), (161, 90), (-4, 90))
    assert clicks == ["door"], "it was dragged out"


def test_a_picture_that_is_whole_is_not_moved(widget):
    views: list[object] = []
    widget.view_changed.connect(views.append)
    drag(widget, (160, 90), (60, 70))
    assert not views


def test_wheel_and_mouse_can_be_left_to_others(widget):
    assert widget.zoomable
    widget.zoom_by(2)
    before = widget.view
    widget.zoomable = False
    assert not turn(widget, 120, QPointF(80, 45))
    drag(widget, (160, 90), (60, 70))
    assert widget.view == before
    widget.zoomable = True
    assert turn(widget, 120, QPointF(80, 45))


def test_a_widget_can_end_while_its_picture_is_moved(gui, widget):
    widget.zoom_by(4)
    parent = QWidget()
    widget.setParent(parent)
    parent.show()
    QTest.mousePress(widget, LEFT, pos=QPoint(20, 20))
    parent.deleteLater()
    gui.delete_later()


def test_another_button_meanwhile_changes_nothing(widget):
    widget.view = View(zoom=4)
    right, none = Qt.MouseButton.RightButton, Qt.MouseButton.NoButton
    press, move, release = (
        QEvent.Type.MouseButtonPress,
        QEvent.Type.MouseMove,
        QEvent.Type.MouseButtonRelease,
    )

    def happen(kind: QEvent.Type, x: int, button: Qt.MouseButton, buttons: Qt.MouseButton) -> None:
        at = QPointF(x, 90)
        plain = Qt.KeyboardModifier.NoModifier
        QApplication.sendEvent(widget, QMouseEvent(kind, at, widget.mapToGlobal(at), button, buttons, plain))

    before = under(widget, 200, 90)
    happen(press, 200, LEFT, LEFT)
    happen(move, 170, none, LEFT)
    happen(press, 170, right, LEFT | right)
    happen(release, 170, right, LEFT)
    happen(move, 150, none, LEFT)
    happen(release, 150, LEFT, none)
    assert under(widget, 150, 90) == pytest.approx(before, abs=2)
    assert widget.cursor().shape() == Qt.CursorShape.ArrowCursor
    view = widget.view
    happen(press, 150, right, right)
    happen(move, 100, none, right)
    happen(release, 100, right, none)
    assert widget.view == view


def test_a_picture_is_let_go_where_the_widget_is_hidden(gui, widget):
    widget.view = View(zoom=4)
    QTest.mousePress(widget, LEFT, pos=QPoint(200, 90))
    for x in (170, 150):
        at = QPointF(x, 90)
        kind, none = QEvent.Type.MouseMove, Qt.KeyboardModifier.NoModifier
        button = Qt.MouseButton.NoButton
        widget.mouseMoveEvent(QMouseEvent(kind, at, widget.mapToGlobal(at), button, LEFT, none))
    assert widget.cursor().shape() == Qt.CursorShape.ClosedHandCursor
    widget.hide()
    assert widget.cursor().shape() == Qt.CursorShape.ArrowCursor
    widget.show()
    gui.turn()
    view = widget.view
    QTest.mouseMove(widget, QPoint(20, 20))
    QTest.mouseRelease(widget, LEFT, pos=QPoint(20, 20))
    assert widget.view == view
