"""Widgets, walls, windows and sites end in any order; nothing of them is left."""

import gc
import itertools
import os
import threading
import weakref

import pytest
from qtpy.QtCore import QObject
from qtpy.QtWidgets import QWidget
from tests.unit.qt.conftest import player_of

from camgraph.qt import VideoWall, VideoWidget
from camgraph.qt.video import relay as relays

BACKGROUND = (0x20, 0x24, 0x2A)


def playing(site, gui, parent=None):
    widget = VideoWidget(site.streams["door"], parent)
    widget.resize(320, 180)
    (parent or widget).show()
    gui.play(site.streams["door"], widget)
    return widget


def close_site(site, widget, gui):
    site.close()


def close_widget(site, widget, gui):
    widget.close()
    gui.turn()


def delete_widget(site, widget, gui):
    widget.deleteLater()
    gui.delete_later()


@pytest.mark.parametrize(
    "order",
    list(itertools.permutations([close_site, close_widget, delete_widget])),
    ids=lambda order: ", ".join(step.__name__ for step in order),
)
def test_any_order(gui, make_site, order):
    site = make_site(door=(1280, 720))
    widget = playing(site, gui)
    for step in order:
        if step is not close_widget or order.index(delete_widget) > order.index(close_widget):
            step(site, widget, gui)
        gui.settle()
    assert relays._relays == {}
    assert not site.close_callbacks


def test_a_widget_lives_on_after_its_site_and_says_so(gui, make_site):
    site = make_site(door=(1280, 720))
    widget = playing(site, gui)
    site.close()
    gui.settle()
    assert tuple(gui.pixels(widget)[0, 0]) == BACKGROUND
    assert player_of(widget).message[1:] == ("stopped", "The site is closed.")
    widget.resize(640, 360)
    widget.hide()
    widget.show()
    gui.settle()
    assert widget.statistics().shown > 0


def test_a_widget_made_after_its_site_was_closed_says_so(gui, make_site):
    site = make_site(door=(1280, 720))
    site.close()
    widget = VideoWidget(site.streams["door"])
    widget.resize(320, 180)
    widget.show()
    gui.settle()
    assert player_of(widget).message[1:] == ("stopped", "The site is closed.")


def test_a_site_closed_by_another_thread(gui, make_site):
    site = make_site(door=(1280, 720))
    widget = playing(site, gui)
    closer = threading.Thread(target=site.close)
    closer.start()
    gui.until(lambda: not closer.is_alive())
    closer.join()
    gui.settle()
    assert tuple(gui.pixels(widget)[0, 0]) == BACKGROUND


def test_a_site_closed_by_another_thread_while_the_gui_waits_for_it(gui, make_site):
    site = make_site(door=(1280, 720))
    widget = playing(site, gui)
    closer = threading.Thread(target=site.close)
    closer.start()
    closer.join(5)
    assert not closer.is_alive()
    gui.settle()
    assert tuple(gui.pixels(widget)[0, 0]) == BACKGROUND


@pytest.mark.parametrize("way", ["close", "delete", "forget", "delete parent"])
def test_readers_end_with_the_widget_however_it_ends(gui, make_site, way):
    site = make_site(door=(1280, 720))
    parent = QWidget() if way == "delete parent" else None
    widget = playing(site, gui, parent)
    assert site.readers("door") == {(320, 180): 1}
    match way:
        case "close":
            widget.close()
        case "delete":
            widget.deleteLater()
            gui.delete_later()
        case "forget":
            alive = weakref.ref(widget)
            del widget
            assert alive() is None
        case "delete parent":
            assert parent is not None
            parent.deleteLater()
            gui.delete_later()
    gui.settle()
    assert site.readers("door") == {}


def test_a_forgotten_widget_ends_whatever_it_was_doing(gui, make_site, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    site = make_site(door=(1280, 720))
    widget = playing(site, gui)
    widget.name_shown = widget.statistics_shown = True
    widget.setDragEnabled(True)
    for name in ("copy", "save", "zoom_in", "rotate", "mirror"):
        widget.action(name).trigger()
    widget.make_menu().popup(widget.mapToGlobal(widget.rect().center()))
    gui.until(lambda: (1280, 720) in site.readers("door"))
    alive = weakref.ref(widget)
    del widget
    assert alive() is None
    gui.settle()
    assert site.readers("door") == {}
    gc.collect()
    assert relays._relays == {}


def test_a_click_may_delete_the_widget_that_was_clicked(gui, make_site):
    site = make_site(door=(1280, 720), yard=(1280, 720))
    wall = VideoWall(site.streams)
    wall.resize(640, 180)
    wall.show()
    gui.turn()
    wall.clicked.connect(lambda name: wall[name].deleteLater())
    wall["door"].clicked.emit("door")
    gui.delete_later()
    gui.play(site.streams["yard"], wall["yard"])


def test_a_hundred_widgets_leave_no_descriptor_and_no_object(gui, make_site):
    site = make_site(door=(1280, 720))
    playing(site, gui).deleteLater()
    gui.delete_later()
    gc.collect()
    site.serve()
    site.readers("door")
    descriptors = len(os.listdir("/proc/self/fd"))
    objects = sum(isinstance(found, QObject) for found in gc.get_objects())
    for _ in range(100):
        widget = VideoWidget(site.streams["door"])
        widget.resize(320, 180)
        widget.show()
        gui.until(lambda: site.readers("door") == {(320, 180): 1})
        widget.deleteLater()
        del widget
        gui.delete_later()
        assert site.readers("door") == {}
    gc.collect()
    assert len(os.listdir("/proc/self/fd")) == descriptors
    assert sum(isinstance(found, QObject) for found in gc.get_objects()) == objects
