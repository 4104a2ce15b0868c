"""Keys, actions and the menu of a widget; the frame that shows where the keyboard is."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from qtpy.QtCore import QPoint, Qt, QTranslator
from qtpy.QtGui import QAction, QContextMenuEvent, QKeySequence, QPalette
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QHBoxLayout, QMenu, QWidget
from tests.unit.qt.conftest import DrawnSite, Gui

from camgraph.qt import VideoWidget
from camgraph.qt.video import notice

Key = Qt.Key


@pytest.fixture
def site(make_site):
    return make_site(door=(1280, 720))


@pytest.fixture
def widget(gui: Gui, site: DrawnSite) -> VideoWidget:
    widget = VideoWidget(site.streams["door"])
    widget.resize(320, 180)
    widget.show()
    gui.play(site.streams["door"], widget)
    widget.activateWindow()
    widget.setFocus()
    gui.until(widget.hasFocus)
    return widget


def test_keys_change_the_view(widget):
    start = widget.view
    QTest.keyClick(widget, Key.Key_R)
    QTest.keyClick(widget, Key.Key_M)
    assert widget.view == start.rotated().flipped()
    QTest.keyClick(widget, Key.Key_0)
    fits = []
    for _ in range(3):
        QTest.keyClick(widget, Key.Key_F)
        fits.append(widget.view.fit)
    assert fits == ["cover", "stretch", "contain"]
    QTest.keyClick(widget, Key.Key_Plus)
    QTest.keyClick(widget, Key.Key_Equal)
    assert widget.view.zoom == pytest.approx(1.25**2)
    QTest.keyClick(widget, Key.Key_Minus)
    assert widget.view.zoom == pytest.approx(1.25)
    QTest.keyClick(widget, Key.Key_0)
    assert widget.view == start


def test_keys_show_name_and_numbers_and_actions_say_so(widget):
    for key, name in ((Key.Key_N, "name"), (Key.Key_I, "statistics")):
        shown = f"{name}_shown"
        QTest.keyClick(widget, key)
        assert getattr(widget, shown)
        assert widget.action(name).isChecked()
        setattr(widget, shown, False)
        assert not widget.action(name).isChecked()
    widget.view = replace(widget.view, fit="cover")
    checked = [fit for fit in ("contain", "cover", "stretch") if widget.action(fit).isChecked()]
    assert checked == ["cover"]
    # What is chosen already stays chosen.
    widget.action("cover").trigger()
    assert widget.action("cover").isChecked()


def test_arrows_move_a_zoomed_picture_and_are_others_else(gui, site):
    class Parent(QWidget):
        keys = 0

        def keyPressEvent(self, event):  # noqa: N802
            self.keys += 1

    parent = Parent()
    widget = VideoWidget(site.streams["door"], parent)
    widget.resize(320, 180)
    parent.show()
    gui.play(site.streams["door"], widget)
    for key in (Key.Key_Left, Key.Key_Right, Key.Key_Up, Key.Key_Down):
        QTest.keyClick(widget, key)
    assert parent.keys == 4
    widget.zoom_by(4)
    x, y = widget.view.center
    QTest.keyClick(widget, Key.Key_Right)
    QTest.keyClick(widget, Key.Key_Down)
    assert widget.view.center == pytest.approx((x + 0.1 / 4, y + 0.1 / 4))
    QTest.keyClick(widget, Key.Key_Left)
    QTest.keyClick(widget, Key.Key_Up)
    assert widget.view.center == pytest.approx((x, y))
    QTest.keyClick(widget, Key.Key_Left, Qt.KeyboardModifier.ControlModifier)
    assert parent.keys == 6, "Ctrl, and the arrow with it"


def test_pictures_by_keys(gui, site, widget, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    saved: list[Path] = []
    copied: list[bool] = []
    widget.snapshot_saved.connect(saved.append)
    widget.snapshot_copied.connect(lambda: copied.append(True))
    monkeypatch.setattr(notice, "STANDS_MS", 200)

    def told() -> bool:
        """White letters on a dark plate, at the bottom of the widget where the picture is blue and white."""
        letters = (gui.pixels(widget)[140:180, 100:150] > 250).all(axis=2)
        return bool(letters.any())

    assert not told()
    QTest.keyClick(widget, Key.Key_S)
    gui.until(lambda: site.show("door") and saved)
    gui.until(told)
    gui.until(lambda: not told())
    QTest.keyClick(widget, Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    gui.until(lambda: site.show("door") and copied)
    assert QApplication.clipboard().image().width() == 1280
    QApplication.clipboard().clear()
    gui.until(lambda: not told())
    widget.save_snapshot()
    gui.until(lambda: site.show("door") and len(saved) == 2)
    assert not told(), "the program has asked for it, which may tell it or not"
    widget.set_stream(None)
    QTest.keyClick(widget, Key.Key_S)
    gui.settle()
    assert told()


def test_a_program_may_give_other_keys_or_none(widget):
    widget.action("rotate").setShortcut(QKeySequence("Ctrl+T"))
    widget.action("mirror").setEnabled(False)
    before = widget.view
    QTest.keyClick(widget, Key.Key_R)
    QTest.keyClick(widget, Key.Key_M)
    assert widget.view == before
    QTest.keyClick(widget, Key.Key_T, Qt.KeyboardModifier.ControlModifier)
    assert widget.view == before.rotated()
    with pytest.raises(KeyError, match="no action is named 'spin'; there are contain, cover"):
        widget.action("spin")


def test_texts_are_translated(gui, site):
    class Capitals(QTranslator):
        def translate(self, context, text, disambiguation=None, n=-1):
            return text.upper() if context == "VideoWidget" else ""

        def isEmpty(self):  # noqa: N802
            return False

    capitals = Capitals()
    QApplication.installTranslator(capitals)
    try:
        widget = VideoWidget(site.streams["door"])
    finally:
        QApplication.removeTranslator(capitals)
    assert [action.text() for action in widget.actions()][:3] == ["FIT", "FILL", "STRETCH"]


def test_the_menu_has_all_actions_and_ends_when_it_is_closed(gui, widget):
    QApplication.sendEvent(
        widget, QContextMenuEvent(QContextMenuEvent.Reason.Keyboard, QPoint(5, 5), QPoint(5, 5))
    )
    (menu,) = widget.findChildren(QMenu)
    assert menu.isVisible()
    texts = [action.text() for action in menu.actions() if not action.isSeparator()]
    assert texts[:3] == ["Fit", "Fill", "Stretch"]
    assert len(texts) == len(widget.actions()) == 13
    menu.setActiveAction(widget.action("mirror"))
    QTest.keyClick(menu, Key.Key_Return)
    assert widget.view.mirrored
    gui.delete_later()
    assert widget.findChildren(QMenu) == []


def test_actions_that_a_program_adds_stand_in_the_menu(widget):
    call = QAction("Call the guard", widget)
    widget.addAction(call)
    assert widget.make_menu().actions()[-1] is call


def test_a_tool_that_takes_the_right_button_keeps_the_menu_away(gui, widget):
    at = QPoint(5, 5)
    widget._holder = widget._tools[0]
    QApplication.sendEvent(widget, QContextMenuEvent(QContextMenuEvent.Reason.Mouse, at, at))
    assert widget.findChildren(QMenu) == []
    widget._holder = None
    QApplication.sendEvent(widget, QContextMenuEvent(QContextMenuEvent.Reason.Mouse, at, at))
    (menu,) = widget.findChildren(QMenu)
    menu.close()
    gui.delete_later()


def test_a_frame_shows_where_the_keyboard_is_if_it_came_by_a_key(gui, site):
    window = QWidget()
    row = QHBoxLayout(window)
    row.setContentsMargins(0, 0, 0, 0)
    row.setSpacing(0)
    widgets = [VideoWidget(site.streams["door"]) for _ in range(2)]
    for widget in widgets:
        row.addWidget(widget)
    window.resize(640, 180)
    window.show()
    window.activateWindow()
    for widget in widgets:
        gui.play(site.streams["door"], widget)
    highlight = widgets[0].palette().color(QPalette.ColorRole.Highlight)
    color = np.array([highlight.red(), highlight.green(), highlight.blue()], np.uint8)

    def framed() -> list[bool]:
        gui.settle()
        found = []
        for widget in widgets:
            pixels = gui.pixels(widget)
            edges = (pixels[:3], pixels[-3:], pixels[:, :3], pixels[:, -3:])
            found.append(all((edge == color).all() for edge in edges))
            assert not (pixels[10:-10, 10:-10] == color).all(axis=2).any()
        return found

    QTest.mouseClick(widgets[0], Qt.MouseButton.LeftButton)
    gui.until(widgets[0].hasFocus)
    assert framed() == [False, False]
    QTest.keyClick(widgets[0], Key.Key_Tab)
    assert framed() == [False, True]
    assert not (gui.rgb_of(widgets[1].snapshot())[0] == color).all(axis=1).any(), "not in the picture"
    QTest.keyClick(widgets[1], Key.Key_Backtab)
    assert framed() == [True, False]
    QTest.mouseClick(widgets[1], Qt.MouseButton.LeftButton)
    assert framed() == [False, False]
