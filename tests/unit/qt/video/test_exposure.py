"""Widgets that can't be seen read nothing, and come back by themselves."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QScrollArea, QStackedWidget, QVBoxLayout, QWidget

from camgraph.qt import VideoWidget
from camgraph.qt.video.exposure import SURE_MS

if TYPE_CHECKING:
    from tests.unit.qt.conftest import DrawnSite, Gui

RED = (255, 0, 0)
SIZE = (320, 180)


class Stage:
    """A widget in a window, and what hides and shows it."""

    def __init__(self, gui: "Gui", site: "DrawnSite") -> None:
        self.gui, self.site = gui, site
        self.widget = VideoWidget(site.streams["door"])
        self.widget.setFixedSize(*SIZE)
        self.window: QWidget = self.widget

    def begin(self, window: QWidget) -> None:
        self.window = window
        window.show()
        self.gui.play(self.site.streams["door"], self.widget)

    def is_read(self) -> bool:
        self.site.show("door")
        return bool(self.site.readers("door"))

    def leaves(self) -> None:
        """Wait until nothing is read any more, while pictures come."""
        self.gui.until(lambda: not self.is_read())

    def comes_back(self) -> None:
        self.gui.play(self.site.streams["door"], self.widget)
        assert tuple(self.gui.pixels(self.widget)[5, 5]) == RED


Change = Callable[[], object]


def another_page(stage: Stage) -> tuple[Change, Change]:
    pages = QStackedWidget()
    pages.addWidget(stage.widget)
    pages.addWidget(QWidget())
    stage.begin(pages)
    return lambda: pages.setCurrentIndex(1), lambda: pages.setCurrentIndex(0)


def scrolled(stage: Stage) -> tuple[Change, Change]:
    area, content = QScrollArea(), QWidget()
    column = QVBoxLayout(content)
    column.addWidget(stage.widget)
    column.addSpacing(2000)
    area.setWidget(content)
    area.resize(400, 300)
    # To paint one, Qt starts threads that stay.
    for policy in (area.setHorizontalScrollBarPolicy, area.setVerticalScrollBarPolicy):
        policy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    stage.begin(area)
    bar = area.verticalScrollBar()
    assert bar is not None
    return lambda: bar.setValue(1000), lambda: bar.setValue(0)


def sibling(stage: Stage) -> tuple[Change, Change]:
    window = QWidget()
    window.resize(400, 300)
    stage.widget.setParent(window)
    cover = QWidget(window)
    cover.setAutoFillBackground(True)
    cover.setGeometry(350, 0, 400, 300)
    stage.begin(window)
    return lambda: cover.move(0, 0), lambda: cover.move(350, 0)


def minimised(stage: Stage) -> tuple[Change, Change]:
    stage.begin(stage.widget)
    return stage.widget.showMinimized, stage.widget.showNormal


def parent_moved_off(stage: Stage) -> tuple[Change, Change]:
    """As walls do that show pages: the page lies outside of the window."""
    window, page = QWidget(), QWidget()
    window.resize(400, 300)
    page.setParent(window)
    stage.widget.setParent(page)
    page.resize(400, 300)
    stage.begin(window)
    return lambda: page.move(0, 300), lambda: page.move(0, 0)


@pytest.mark.parametrize("stack", [another_page, scrolled, sibling, minimised, parent_moved_off])
def test_what_can_not_be_seen_is_not_read_and_comes_back(gui, make_site, stack) -> None:
    stage = Stage(gui, make_site(door=(1280, 720)))
    hide, show = stack(stage)
    for _ in range(2):
        hide()
        stage.leaves()
        before = stage.widget.statistics()
        assert before.published == before.shown + before.lost
        stage.site.show("door")
        gui.settle()
        assert stage.widget.statistics() == before
        show()
        stage.comes_back()


def test_a_part_that_can_be_seen_is_enough(gui, make_site) -> None:
    stage = Stage(gui, make_site(door=(1280, 720)))
    sibling(stage)
    stage.window.children()[-1].move(1, 0)  # type: ignore[attr-defined]
    shown, ends = stage.widget.statistics().shown, time.monotonic() + 2 * SURE_MS / 1000
    while time.monotonic() < ends:
        assert stage.is_read()
        gui.turn()
    assert stage.widget.statistics().shown > shown + 10


def test_a_cover_one_can_look_through_covers_nothing(gui, make_site) -> None:
    stage = Stage(gui, make_site(door=(1280, 720)))
    hide, _ = sibling(stage)
    cover = stage.window.children()[-1]
    cover.setAutoFillBackground(False)  # type: ignore[attr-defined]
    hide()
    stage.comes_back()
    ends = time.monotonic() + 2 * SURE_MS / 1000
    while time.monotonic() < ends:
        assert stage.is_read()
        gui.turn()


def test_a_look_away_for_a_moment_does_not_end_the_reading(gui, make_site) -> None:
    stage = Stage(gui, make_site(door=(1280, 720)))
    hide, show = scrolled(stage)
    hide()
    for _ in range(6):
        assert stage.is_read()
        gui.turn()
    show()
    ring = dict(stage.site.rings)
    stage.comes_back()
    assert stage.site.rings == ring


def test_what_comes_back_shows_dark_what_was_there_until_there_is_more(gui, make_site) -> None:
    stage = Stage(gui, make_site(door=(1280, 720)))
    hide, show = scrolled(stage)
    dark, message = (127, 0, 0), (0x20, 0x24, 0x2A)
    for _ in range(2):
        hide()
        stage.leaves()
        show()
        gui.turn()
        assert tuple(gui.pixels(stage.widget)[5, 5]) == dark
        gui.until(lambda: tuple(gui.pixels(stage.widget)[5, 5]) == message)
        stage.comes_back()
    hide()
    stage.leaves()
    stage.site.status("door", "backing_off")
    show()
    gui.settle()
    assert tuple(gui.pixels(stage.widget)[5, 5]) == message


def test_unseen_widgets_can_be_given_other_streams_and_closed(gui, make_site) -> None:
    site = make_site(door=(1280, 720), yard=(640, 360))
    stage = Stage(gui, site)
    hide, show = scrolled(stage)
    hide()
    stage.leaves()
    stage.widget.set_stream(site.streams["yard"])
    gui.settle()
    assert not site.readers("yard")
    show()
    gui.play(site.streams["yard"], stage.widget)
    hide()
    stage.window.close()
    gui.until(lambda: not site.readers("yard"))
