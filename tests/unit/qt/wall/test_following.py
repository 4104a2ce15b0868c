"""Walls while the site's graph changes."""

import weakref

from qtpy.QtCore import Qt
from qtpy.QtTest import QTest

from camgraph.qt import VideoWall

SIZE = (640, 360)
RED = (255, 0, 0)


def test_a_wall_of_the_sites_streams_follows_it(gui, make_site):
    site = make_site(a=SIZE, b=SIZE, c=SIZE, d=SIZE)
    wall = VideoWall(site.streams)
    wall.resize(640, 360)
    wall.show()
    changes: list[tuple[str, ...]] = []
    wall.streams_changed.connect(lambda: changes.append(wall.order))
    for name in "abcd":
        gui.play(site.streams[name], wall[name])
    gone, stays = wall["b"], wall["d"]
    ended: list[object] = []
    gone.destroyed.connect(lambda *_: ended.append(True))
    del gone
    site.become(a=SIZE, new=SIZE, c=SIZE, d=SIZE)
    gui.until(lambda: wall.order == ("a", "new", "c", "d"))
    gui.delete_later()
    assert "b" not in wall
    assert len(wall) == 4
    assert len(ended) == 1
    assert wall["d"] is stays
    assert wall["new"].stream is site.streams["new"]
    gui.play(site.streams["new"], wall["new"])
    gui.until(lambda: not site.readers("b"))
    assert (gui.pixels(wall)[:90, 320:480] == RED).all()
    site.become(d=SIZE)
    gui.until(lambda: wall.order == ("d",))
    assert wall["d"].geometry().getRect() == (0, 0, 640, 360)
    site.become()
    gui.until(lambda: not wall.order)
    assert not gui.pixels(wall).any()
    assert changes[-1] == ()


def test_new_streams_come_where_they_are_declared_and_others_stay_where_they_were_put(gui, make_site):
    site = make_site(a=SIZE, b=SIZE, c=SIZE)
    wall = VideoWall(site.streams)
    wall.swap("a", "c")
    site.become(first=SIZE, a=SIZE, after_a=SIZE, b=SIZE, c=SIZE)
    gui.until(lambda: len(wall) == 5)
    assert wall.order == ("first", "c", "b", "a", "after_a")


def test_an_enlarged_stream_that_is_removed_gives_the_wall_back(gui, make_site):
    site = make_site(a=SIZE, b=SIZE)
    wall = VideoWall(site.streams)
    wall.resize(640, 360)
    wall.show()
    told: list[object] = []
    wall.enlarged.connect(told.append)
    wall.enlarge("b")
    site.become(a=SIZE)
    gui.until(lambda: told == ["b", ""])
    assert wall["a"].isVisible()


def test_a_stream_that_was_removed_and_has_come_again_is_shown(gui, make_site):
    site = make_site(a=SIZE, b=SIZE)
    wall = VideoWall(site.streams)
    wall.resize(640, 180)
    wall.show()
    gui.play(site.streams["b"], wall["b"])
    before = site.streams["b"]
    site.become(a=SIZE)
    site.become(a=SIZE, b=SIZE)
    assert site.streams["b"] is not before
    gui.until(lambda: wall["b"].stream is site.streams["b"])
    gui.play(site.streams["b"], wall["b"])


def test_a_wall_of_chosen_streams_stays_as_it_is(gui, make_site):
    site = make_site(a=SIZE, b=SIZE)
    wall = VideoWall([site.streams["a"]])
    wall.resize(320, 180)
    wall.show()
    other = VideoWall(site.streams)
    site.become(a=SIZE, c=SIZE)
    gui.until(lambda: other.order == ("a", "c"))
    assert wall.order == ("a",)
    other.set_streams([site.streams["c"]])
    site.become(a=SIZE, c=SIZE, d=SIZE)
    gui.settle()
    assert other.order == ("c",)


def test_a_wall_that_is_forgotten_ends(gui, make_site):
    site = make_site(a=SIZE)
    wall = VideoWall(site.streams)
    wall.resize(320, 180)
    wall.show()
    gui.play(site.streams["a"], wall["a"])
    alive = weakref.ref(wall)
    del wall
    assert alive() is None
    gui.settle()
    assert not site.readers("a")
    assert not site.close_callbacks


def test_a_menu_may_be_open_while_its_stream_goes(gui, make_site):
    site = make_site(a=SIZE, b=SIZE)
    wall = VideoWall(site.streams)
    menu = wall["a"].make_menu()
    enlarge = next(action for action in menu.actions() if action.text() == "Enlarge")
    site.become(b=SIZE)
    gui.until(lambda: wall.order == ("b",))
    # An exception here would end the program with PyQt6.
    enlarge.trigger()
    assert wall.enlarged_name == ""


def test_a_wall_that_is_gone_does_not_follow(gui, make_site):
    site = make_site(a=SIZE)
    wall = VideoWall(site.streams)
    wall.resize(320, 180)
    wall.show()
    gui.play(site.streams["a"], wall["a"])
    QTest.mouseClick(wall["a"], Qt.MouseButton.LeftButton)
    wall.deleteLater()
    del wall
    gui.delete_later()
    site.become(a=SIZE, b=SIZE)
    gui.settle()
    assert not site.readers("a")
