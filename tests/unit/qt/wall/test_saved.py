"""Walls that are saved and restored, and dragged tiles: what was saved is JSON, and comes back."""

import json

import pytest
from qtpy.QtCore import QPointF, Qt
from qtpy.QtGui import QDropEvent

from camgraph.qt import VideoWall
from camgraph.qt.mime import mime_of

SIZE = (640, 360)


@pytest.fixture
def site(make_site):
    return make_site(a=SIZE, b=SIZE, c=SIZE, d=SIZE, e=SIZE)


def drop(stream, target) -> None:
    """Drop a stream on a tile as the end of a drag does."""
    mime = mime_of(stream)  # Qt's to keep, in a drag.
    copy, left, none = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    event = QDropEvent(QPointF(5, 5), copy, mime, left, none)
    target.dropEvent(event)
    assert event.isAccepted()


def test_a_wall_looks_as_when_it_was_saved(gui, site):
    wall = VideoWall(site.streams)
    wall.set_layout(["AAB", "AAC"])
    wall.swap("a", "d")
    wall.set_page(1)
    wall.enlarge("a")
    saved = json.loads(json.dumps(wall.save()))
    other = VideoWall(site.streams)
    other.resize(300, 200)
    other.show()
    assert other.restore(saved) == ()
    assert other.order == ("d", "b", "c", "a", "e")
    assert other.enlarged_name == "a"
    assert other["a"].geometry().getRect() == (0, 0, 300, 200)
    other.reduce()
    assert other.page == 1
    other.set_page(0)
    assert other["d"].geometry().getRect() == (0, 0, 200, 200)
    assert other["c"].geometry().getRect() == (200, 100, 100, 100)
    assert other.save() == {**saved, "page": 0, "enlarged": ""}


def test_streams_that_are_not_here_are_passed_over_and_told(gui, site, make_site):
    wall = VideoWall(site.streams)
    wall.set_layout("1+5")
    wall.swap("a", "e")
    wall.enlarge("b")
    fewer = VideoWall(make_site(new=SIZE, e=SIZE, c=SIZE).streams)
    assert fewer.restore(wall.save()) == ("b", "d", "a")
    assert fewer.order == ("e", "c", "new")
    assert (fewer.layout_name, fewer.enlarged_name) == ("1+5", "")


GOOD = {"version": 1, "layout": "3x2", "order": ["e", "a"], "page": 0, "enlarged": ""}


@pytest.mark.parametrize(
    ("saved", "told"),
    [
        ([], r"an object with its fields, not \[\]"),
        ({}, "version is None; this camgraph reads 1"),
        ({**GOOD, "version": 2}, "version is 2; this camgraph reads 1"),
        ({**GOOD, "layout": 3}, "layout can't be 3"),
        ({**GOOD, "layout": "5+1"}, r"no layout is named '5\+1'"),
        ({**GOOD, "layout": ["AB", "BA"]}, "tile 'A' of the layout is not a rectangle"),
        ({**GOOD, "order": "ea"}, "order can't be 'ea'"),
        ({**GOOD, "order": ["e", 1]}, "order has names of streams, not 1"),
        ({**GOOD, "page": True}, "page can't be True"),
        ({**GOOD, "page": None}, "page can't be None"),
        ({name: value for name, value in GOOD.items() if name != "enlarged"}, "enlarged can't be None"),
    ],
)
def test_bad_data_is_told_and_changes_nothing(gui, site, saved, told):
    wall = VideoWall(site.streams)
    before = wall.save()
    with pytest.raises(ValueError, match=told):
        wall.restore(saved)
    assert wall.save() == before
    assert wall.restore(GOOD) == ()


def test_a_tile_that_is_dragged_onto_another_changes_places_with_it(gui, site):
    wall = VideoWall(site.streams)
    wall.resize(600, 400)
    wall.show()
    assert wall["a"].dragEnabled()
    drop(site.streams["a"], wall["e"])
    assert wall.order == ("e", "b", "c", "d", "a")
    assert wall["a"].geometry().getRect() == (200, 200, 200, 200)
    assert wall["a"].stream is site.streams["a"]


def test_a_stream_from_elsewhere_takes_a_tiles_place_unless_the_wall_follows_its_site(gui, site, make_site):
    chosen, following = VideoWall([site.streams[name] for name in "abc"]), VideoWall(site.streams)
    chosen.swap("a", "c")
    drop(site.streams["e"], chosen["b"])
    assert chosen.order == ("c", "e", "a")
    assert chosen["e"].stream is site.streams["e"]
    other = make_site(x=SIZE)
    drop(other.streams["x"], following["b"])
    assert following.order == tuple("abcde")
    assert following["b"].stream is site.streams["b"]
