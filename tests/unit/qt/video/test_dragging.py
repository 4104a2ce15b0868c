"""Streams are dragged from widgets and dropped on others."""

import pytest
from qtpy.QtCore import QMimeData, QPoint, QPointF, Qt
from qtpy.QtGui import QDragEnterEvent, QDropEvent
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication

from camgraph.qt import VideoWidget
from camgraph.qt.mime import STREAM_MIME_TYPE, mime_of, stream_of

COPY, NO_KEY = Qt.DropAction.CopyAction, Qt.KeyboardModifier.NoModifier
LEFT = Qt.MouseButton.LeftButton


def offered(widget, mime: QMimeData) -> bool:
    event = QDragEnterEvent(QPoint(5, 5), COPY, mime, LEFT, NO_KEY)
    QApplication.sendEvent(widget, event)
    return event.isAccepted()


def let_fall(widget, mime: QMimeData) -> bool:
    # Qt gives a drop to what was entered last.
    offered(widget, mime)
    event = QDropEvent(QPointF(5, 5), COPY, mime, LEFT, NO_KEY)
    QApplication.sendEvent(widget, event)
    return event.isAccepted()


def raw(data: bytes) -> QMimeData:
    mime = QMimeData()
    mime.setData(STREAM_MIME_TYPE, data)
    return mime


def test_a_drag_carries_site_and_name_and_finds_the_same_stream(gui, make_site):
    site = make_site(door=(1280, 720))
    stream = site.streams["door"]
    mime = mime_of(stream)
    assert stream_of(mime) is stream
    assert mime.text() == "door"
    there = make_site(door=(1280, 720))
    assert stream_of(mime_of(there.streams["door"])) is there.streams["door"]
    assert stream_of(mime) is stream


def test_what_is_no_stream_of_this_program_is_refused(gui, make_site):
    site = make_site(door=(1280, 720))
    mime_of(site.streams["door"])
    widget = VideoWidget(site.streams["door"])
    widget.setAcceptDrops(True)
    text = QMimeData()
    text.setText("door")
    wrong = [
        text,
        raw(b""),
        raw(b"\xff{"),
        raw(b"[]"),
        raw(b'{"site": "elsewhere", "stream": "door"}'),
        raw(b'{"site": "%s", "stream": "gone"}' % site.name.encode()),
    ]
    for mime in wrong:
        assert not offered(widget, mime)
        assert not let_fall(widget, mime)
    assert offered(widget, mime_of(site.streams["door"]))


def test_a_widget_shows_what_is_dropped_on_it(gui, make_site):
    site = make_site(door=(1280, 720), yard=(1280, 720))
    widget = VideoWidget(site.streams["door"])
    widget.setAcceptDrops(True)
    widget.resize(320, 180)
    widget.show()
    told: list[tuple[object, object]] = []
    widget.dropped.connect(lambda stream, source: told.append((stream, source)))
    assert let_fall(widget, mime_of(site.streams["yard"]))
    assert told == [(site.streams["yard"], None)]
    gui.play(site.streams["yard"], widget)
    widget.shows_dropped = False
    assert let_fall(widget, mime_of(site.streams["door"]))
    assert widget.stream_name == "yard"
    assert told[1:] == [(site.streams["door"], None)]


@pytest.mark.parametrize("may", [False, True])
def test_a_press_that_has_become_a_drag_is_no_click(gui, make_site, may):
    """What is dropped where is tested on an X server: without a screen Qt drags nothing."""
    site = make_site(door=(1280, 720))
    widget = VideoWidget(site.streams["door"])
    widget.setDragEnabled(may)
    assert widget.dragEnabled() == may
    widget.resize(320, 180)
    widget.show()
    gui.settle()
    clicks: list[object] = []
    widget.clicked.connect(clicks.append)
    window = widget.windowHandle()
    QTest.mousePress(window, LEFT, NO_KEY, QPoint(50, 50))
    QTest.mouseMove(window, QPoint(52, 50))
    QTest.mouseMove(window, QPoint(90, 50))
    QTest.mouseRelease(window, LEFT, NO_KEY, QPoint(90, 50))
    assert clicks == ([] if may else ["door"])
    QTest.mousePress(window, LEFT, NO_KEY, QPoint(50, 50))
    QTest.mouseMove(window, QPoint(52, 50))
    QTest.mouseRelease(window, LEFT, NO_KEY, QPoint(52, 50))
    assert clicks[-1:] == ["door"]
    assert len(clicks) == (1 if may else 2)
