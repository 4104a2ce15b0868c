"""Windows of walls: full screen, and all of a site saved and restored together."""

import json

import pytest
from qtpy.QtCore import QRect, Qt
from qtpy.QtTest import QTest

from camgraph.qt import Walls, WallWindow
from camgraph.qt.wall.screens import fitted

SIZE = (640, 360)


@pytest.fixture
def site(make_site):
    return make_site(a=SIZE, b=SIZE, c=SIZE)


def test_a_window_shows_its_streams_and_tells_once_that_it_closes(gui, site):
    window = WallWindow(site.streams, "Doors", (640, 360))
    closings: list[bool] = []
    window.closing.connect(lambda: closings.append(window.isVisible()))
    window.show()
    gui.play(site.streams["a"], window.wall["a"])
    assert window.windowTitle() == "Doors"
    assert site.readers("a") == {(320, 180): 1}
    window.close()
    window.close()
    assert closings == [True]
    gui.until(lambda: not site.readers("a"))


def test_f11_and_escape_are_for_full_screen(gui, site):
    window = WallWindow(site.streams, size=(640, 360))
    window.move(30, 20)
    window.show()
    window.activateWindow()
    window.wall["b"].setFocus()
    gui.until(window.wall["b"].hasFocus)
    normal, screen = window.geometry(), window.screen().geometry()
    QTest.keyClick(window.wall["b"], Qt.Key.Key_F11)
    assert window.full_screen
    assert window.isFullScreen()
    gui.until(lambda: window.geometry() == screen)
    assert window.full_screen_action.isChecked()
    window.wall.enlarge("b")
    QTest.keyClick(window.wall["b"], Qt.Key.Key_Escape)
    assert window.full_screen
    assert window.wall.enlarged_name == ""
    QTest.keyClick(window.wall["b"], Qt.Key.Key_Escape)
    assert not window.full_screen
    gui.until(lambda: window.geometry() == normal)
    assert window.full_screen_action in window.wall["a"].make_menu().actions()
    window.full_screen_action.trigger()
    assert window.full_screen


def test_full_screen_may_be_ended_by_others(gui, site):
    window = WallWindow(site.streams, size=(640, 360))
    window.show()
    window.set_full_screen(True)
    gui.settle()
    window.showMinimized()
    gui.settle()
    assert window.full_screen
    window.showNormal()
    gui.settle()
    assert not window.full_screen
    assert not window.full_screen_action.isChecked()
    window.full_screen_action.trigger()
    assert window.full_screen
    assert window.isFullScreen()


def test_windows_come_back_where_they_were_with_what_they_showed(gui, site):
    walls = Walls(site)
    all_of_them, two = walls.add(title="All"), walls.add(["c", "a"], title="Two", size=(300, 200))
    two.setGeometry(40, 50, 300, 200)
    two.wall.set_layout("1x2")
    all_of_them.wall.enlarge("b")
    all_of_them.set_full_screen(True)
    gui.turn()
    saved = json.loads(json.dumps(walls.save()))
    changes: list[int] = []
    walls.windows_changed.connect(lambda: changes.append(len(walls.windows)))
    two.close()
    assert list(walls.windows) == [all_of_them]
    assert walls.restore(saved) == ()
    assert changes == [1, 0, 2]
    first, second = walls.windows
    assert (first.windowTitle(), second.windowTitle()) == ("All", "Two")
    assert first.full_screen
    assert first.wall.enlarged_name == "b"
    assert second.wall.order == ("c", "a")
    assert second.wall.layout_name == "1x2"
    assert second.geometry().getRect() == (40, 50, 300, 200)
    assert walls.save() == saved
    site.become(a=SIZE, b=SIZE, c=SIZE, d=SIZE)
    gui.until(lambda: first.wall.order == ("a", "b", "c", "d"))
    assert second.wall.order == ("c", "a")
    walls.close()
    assert not walls.windows
    gui.delete_later()


def test_what_a_window_shows_is_saved_and_not_what_it_was_opened_with(gui, site):
    walls = Walls(site)
    chosen, all_of_them = walls.add(["a", "b"]), walls.add()
    chosen.wall.set_streams([site.streams["c"], site.streams["b"]])
    all_of_them.wall.set_streams([site.streams["a"]])
    assert walls.restore(walls.save()) == ()
    assert [window.wall.order for window in walls.windows] == [("c", "b"), ("a",)]
    walls.close()


def test_streams_and_screens_that_are_gone(gui, site, make_site):
    walls = Walls(site)
    walls.add(["a", "b"]).wall.set_layout("1+5")
    saved = walls.save()
    saved["windows"][0].update(screen="gone", area=[5000, -300, 4000, 200])
    walls.close()
    fewer = Walls(make_site(b=SIZE))
    assert fewer.restore(saved) == ("a",)
    (window,) = fewer.windows
    assert window.wall.order == ("b",)
    screen = gui.app.primaryScreen().availableGeometry()
    assert window.width() == screen.width()
    assert screen.contains(window.geometry().center())
    with pytest.raises(KeyError):
        fewer.add(["z"])
    fewer.close()


def broken(**changes: object) -> dict[str, object]:
    wall = {"version": 1, "layout": "auto", "order": [], "page": 0, "enlarged": ""}
    window = {
        "title": "",
        "streams": None,
        "screen": "",
        "area": [0, 0, 9, 9],
        "state": "normal",
        "wall": wall,
    }
    return {"version": 1, "windows": [window, {**window, **changes}]}


@pytest.mark.parametrize(
    ("saved", "told"),
    [
        (None, "saved walls: an object with its fields, not None"),
        ({"version": 1}, "saved walls: windows can't be None"),
        ({"version": 1, "windows": [3]}, "window 1: saved window: an object with its fields, not 3"),
        (broken(title=3), "window 2: saved window: title can't be 3"),
        (broken(area=[0, 0, 9]), "area is x, y, width and height in px"),
        (broken(area=[0, 0, 0, 9]), "area is x, y, width and height in px"),
        (broken(area=[0, 0, 10**12, 9]), "area is x, y, width and height in px"),
        (broken(area=[-(10**12), 0, 9, 9]), "area is x, y, width and height in px"),
        (broken(state="tiny"), "state can't be 'tiny'; it is one of normal, maximized, full_screen"),
        (broken(streams=[1]), r"streams are names, not \[1\]"),
        (broken(wall={}), "window 2: saved wall: version is None"),
    ],
)
def test_bad_data_is_told_and_no_window_changes(gui, site, saved, told):
    walls = Walls(site)
    window = walls.add()
    with pytest.raises(ValueError, match=told):
        walls.restore(saved)
    assert list(walls.windows) == [window]
    walls.close()


@pytest.mark.parametrize(
    ("window", "expected"),
    [
        ((100, 100, 50, 50), (100, 100, 50, 50)),
        ((-20, 590, 50, 50), (0, 550, 50, 50)),
        ((790, -5, 50, 50), (750, 0, 50, 50)),
        ((10, 10, 5000, 50), (0, 10, 800, 50)),
    ],
)
def test_a_window_is_moved_into_its_screen(window, expected):
    assert fitted(QRect(*window), QRect(0, 0, 800, 600)).getRect() == expected


def test_a_window_that_the_program_deletes_is_forgotten(gui, site):
    walls = Walls(site)
    kept, deleted = walls.add(["a"]), walls.add(["b"])
    deleted.deleteLater()
    gui.delete_later()
    gui.until(lambda: walls.windows == (kept,))
    assert [window["streams"] for window in walls.save()["windows"]] == [["a"]]
    walls.close()
    assert walls.windows == ()
