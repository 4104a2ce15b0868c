"""What a `VideoItem` shows, judged by its window's pixels; when it reads."""

import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from qtpy.QtCore import QPointF, QRectF, QUrl
from qtpy.QtGui import QWindow
from qtpy.QtQuick import QQuickWindow, QSGRendererInterface
from qtpy.QtQuickWidgets import QQuickWidget
from qtpy.QtWidgets import QTabWidget, QWidget
from tests.unit.qt.conftest import noise
from tests.unit.qt.quick.conftest import items, video

from camgraph.qt import Box, StreamModel, View
from camgraph.qt.quick import register

RED, GREEN, BLUE, WHITE, BLACK = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255), (0, 0, 0)
BACKGROUND = (0x20, 0x24, 0x2A)
VIDEO = "VideoItem { objectName: 'video'; anchors.fill: parent; stream: door }"


def pixels(gui, window):
    return gui.rgb_of(window.grabWindow())


def at(gui, window, x, y):
    return tuple(int(part) for part in pixels(gui, window)[y, x])


def plain(value):
    """What QML's values are in Python, with either binding."""
    return value.toVariant() if hasattr(value, "toVariant") else value


def test_a_picture_is_shown_pixel_by_pixel_and_follows_the_windows_size(gui, make_site, window):
    site = make_site(door=(1280, 720))
    shown = window(VIDEO, 160, 90, door=site.streams["door"])
    gui.play(site.streams["door"], video(shown), noise)
    assert site.readers("door") == {(160, 90): 1}
    np.testing.assert_array_equal(pixels(gui, shown), noise(160, 90)[:, :, 2::-1])
    shown.resize(240, 155)
    gui.until(lambda: site.show("door", noise) and site.readers("door") == {(240, 135): 1})
    gui.play(site.streams["door"], video(shown), noise)
    np.testing.assert_array_equal(pixels(gui, shown)[10:145], noise(240, 135)[:, :, 2::-1])
    assert at(gui, shown, 5, 5) == BLACK
    assert video(shown).pictureRect == QRectF(0, 10, 240, 135)


def test_states_are_shown_and_told(gui, make_site, window):
    site = make_site(door=(1280, 720))
    told = "property var told: [video.hasPicture, video.words, video.sentence]"
    shown = window(f"{told}; VideoItem {{ id: video; {VIDEO[12:]}", door=None)
    item = video(shown)
    assert item.words == "no stream"
    item.stream = site.streams["door"]
    assert item.streamName == "door"
    gui.until(lambda: item.words == "waiting for a picture")
    gui.play(site.streams["door"], item)
    assert (item.hasPicture, item.words, item.sentence) == (True, "", "")
    assert at(gui, shown, 2, 2) == RED
    site.status("door", "not_found", reason="not_found", sentence="There is no such path.")
    gui.until(lambda: not item.hasPicture)
    assert plain(shown.property("told")) == [False, "not found", "There is no such path."]
    gui.settle()
    assert at(gui, shown, 2, 2) == BACKGROUND


def test_the_view_is_bound_by_its_parts(gui, make_site, window):
    site = make_site(door=(1280, 720))
    parts = "property real big: 1; VideoItem { objectName: 'video'; anchors.fill: parent; stream: door; "
    shown = window(
        f"{parts} mirrored: true; zoom: big; fit: 'stretch' }}", 200, 200, door=site.streams["door"]
    )
    item = video(shown)
    gui.play(site.streams["door"], item)
    corners = [at(gui, shown, *place) for place in ((5, 5), (195, 5), (5, 195), (195, 195))]
    assert corners == [GREEN, RED, WHITE, BLUE]
    assert item.view == View(fit="stretch", mirrored=True)
    shown.setProperty("big", 2.0)
    assert item.view == View(fit="stretch", mirrored=True, zoom=2.0)
    item.quarterTurns = 1
    item.center = QPointF(1, 0)
    assert item.view == View("stretch", 1, True, 2.0, (1.0, 0.0))


def test_the_rate_is_limited(gui, make_site, window):
    site = make_site(door=(1280, 720))
    shown = window(VIDEO.replace("stream:", "maxFps: 5; stream:"), door=site.streams["door"])
    gui.play(site.streams["door"], video(shown))
    assert [request.fps for request in site.rings] == [5]


def test_what_a_property_cant_be_is_logged(gui, make_site, window, caplog):
    shown = window(VIDEO, door=None)
    item = video(shown)
    item.fit = "widest"
    item.zoom = 0.5
    item.stream = "door"
    item.maxFps = -1
    assert item.maxFps == 0
    assert item.view == View()
    assert item.stream is None
    told = [record.getMessage() for record in caplog.records]
    assert "'widest' is unknown" in told[0]
    assert "zoom 0.5" in told[1]
    assert told[2].endswith("not 'door'")


def test_points_lead_to_the_source_and_back(gui, make_site, window):
    site = make_site(door=(1280, 720))
    shown = window(VIDEO, 320, 200, door=None)
    item = video(shown)
    assert item.toSource(QPointF(5, 5)) == QPointF(-1, -1)
    item.stream = site.streams["door"]
    gui.play(site.streams["door"], item)
    assert item.toSource(QPointF(160, 10)) == QPointF(640, 0)
    assert item.fromSource(QPointF(640, 360)) == QPointF(160, 100)
    item.zoomBy(2.0, QPointF(160, 100))
    assert item.toSource(QPointF(160, 100)) == QPointF(640, 360)
    item.panBy(40, 0)
    assert item.toSource(QPointF(200, 100)) == QPointF(640, 360)


def test_numbers_of_qml_that_are_none_move_nothing(gui, make_site, window, caplog):
    site = make_site(door=(1280, 720))
    wrong = "video.panBy(undefined, 0); video.zoomBy(2, Qt.point(NaN, 1))"
    shown = window(
        f"property bool go: false; onGoChanged: {{ {wrong} }} VideoItem {{ id: video; {VIDEO[12:]}",
        door=site.streams["door"],
    )
    gui.play(site.streams["door"], video(shown))
    video(shown).zoomBy(2.0, QPointF(160, 90))
    before = video(shown).view
    shown.setProperty("go", True)
    assert video(shown).view == before
    assert ["center" in record.getMessage() for record in caplog.records] == [True, True]


def test_boxes_lie_over_the_picture(gui, make_site, window):
    site = make_site(door=(1280, 720))
    shown = window(VIDEO, door=site.streams["door"])
    video(shown).set_overlay([Box(100, 200, 400, 300, color="#ff00ff")])
    gui.play(site.streams["door"], video(shown))
    assert at(gui, shown, 25, 80) == (255, 0, 255)
    video(shown).set_overlay(None)
    gui.settle()
    assert at(gui, shown, 25, 80) == RED


HIDDEN = {
    "invisible": ("", "visible: !away"),
    "transparent": ("", "opacity: away ? 0 : 1"),
    "in what is invisible": ("visible: !away;", ""),
    "out of the window": ("x: away ? 320 : 0;", ""),
    "clipped away": ("clip: true;", "x: away ? -320 : 0"),
}


@pytest.mark.parametrize("how", HIDDEN)
def test_what_is_not_seen_reads_nothing_and_comes_back(gui, make_site, window, how):
    site = make_site(door=(1280, 720))
    outer, inner = HIDDEN[how]
    item = f"VideoItem {{ objectName: 'video'; width: 320; height: 180; stream: door; {inner} }}"
    content = f"property bool away: false\nItem {{ width: 320; height: 180; {outer} {item} }}"
    shown = window(content, door=site.streams["door"])
    gui.play(site.streams["door"], video(shown))
    assert site.readers("door") == {(320, 180): 1}
    shown.setProperty("away", True)
    gui.until(lambda: not site.readers("door"))
    shown.setProperty("away", False)
    gui.play(site.streams["door"], video(shown))
    assert at(gui, shown, 2, 2) == RED


def test_windows_that_are_hidden_or_minimised_read_nothing(gui, make_site, window):
    site = make_site(door=(1280, 720))
    shown = window(VIDEO, door=site.streams["door"])
    gui.play(site.streams["door"], video(shown))
    for hide in (shown.hide, shown.showMinimized):
        hide()
        gui.until(lambda: not site.readers("door"))
        shown.showNormal()
        gui.play(site.streams["door"], video(shown))
    assert shown.visibility() == QWindow.Visibility.Windowed


def test_within_a_widget_on_a_hidden_tab_nothing_is_read(gui, make_site, tmp_path):
    QQuickWindow.setGraphicsApi(QSGRendererInterface.GraphicsApi.Software)
    register()
    site = make_site(door=(1280, 720))
    file = tmp_path / "video.qml"
    file.write_text("import Camgraph\nVideoItem {}")
    tabs, quick = QTabWidget(), QQuickWidget()
    tabs.setDocumentMode(True)
    quick.setResizeMode(QQuickWidget.ResizeMode.SizeRootObjectToView)
    quick.setSource(QUrl.fromLocalFile(str(file)))
    tabs.addTab(quick, "video")
    tabs.addTab(QWidget(), "nothing")
    tabs.resize(200, 140)
    tabs.show()
    item: Any = quick.rootObject()
    item.stream = site.streams["door"]
    gui.play(site.streams["door"], item)
    tabs.setCurrentIndex(1)
    gui.until(lambda: site.show("door") == 0 and not site.readers("door"))
    tabs.setCurrentIndex(0)
    gui.play(site.streams["door"], item)
    middle = gui.rgb_of(quick.grabFramebuffer())[quick.height() // 2 - 5]
    assert [tuple(middle[column]) for column in (5, -5)] == [RED, GREEN]


def test_a_view_of_the_model_shows_what_is_scrolled_to(gui, make_site, window):
    site = make_site(one=(1280, 720), two=(1280, 720), three=(1280, 720))
    model = StreamModel(site)
    item = "VideoItem { required stream; required property string name; objectName: name"
    delegate = f"delegate: {item}; width: 320; height: 180 }}"
    view = f"ListView {{ objectName: 'list'; anchors.fill: parent; model: streams; {delegate} }}"
    shown = window(view, streams=model)
    gui.play(site.streams["one"], video(shown, "one"))
    assert [len(site.readers(name)) for name in site.streams] == [1, 0, 0]
    (listed,) = (item for item in items(shown.contentItem()) if item.objectName() == "list")
    listed.setProperty("contentY", 360.0)
    gui.until(lambda: site.readers("three") and not site.readers("one"))
    gui.play(site.streams["three"], video(shown, "three"))
    assert at(gui, shown, 2, 2) == RED
    site.streams.set_names(["one", "two"])
    site.board.set_names(["one", "two"])
    gui.until(lambda: site.readers("two") and not site.readers("three"))
    listed.setProperty("model", None)
    gui.until(lambda: not site.readers("two"))
    gui.delete_later()
    model.deleteLater()


def test_an_item_that_is_deleted_leaves_no_reader(gui, make_site, window):
    site = make_site(door=(1280, 720))
    loader = f"Loader {{ anchors.fill: parent; sourceComponent: Component {{ Item {{ {VIDEO} }} }} }}"
    shown = window(loader, door=site.streams["door"])
    gui.until(lambda: site.readers("door"))
    (loader,) = shown.contentItem().childItems()
    loader.setProperty("active", False)
    gui.delete_later()
    assert not site.readers("door")
    assert not site.close_callbacks


def test_quick_is_loaded_only_when_it_is_asked_for():
    loaded = "[name for name in sys.modules if 'Quick' in name or 'Qml' in name]"
    code = f"import sys, camgraph.qt; assert not {loaded}"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=30)
