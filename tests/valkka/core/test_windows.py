"""Windows by id, as the documented API has them: what they show, and when they show nothing."""

from collections.abc import Iterator

import numpy as np
import pytest
from tests.real.camera_on_screen import camera_shown

from camgraph.present.own import OwnWindows
from camgraph.testing.screens import pixels_of, screen
from camgraph.testing.waiting import wait_until
from valkka.core import (
    AVThread,
    LiveConnectionContext,
    LiveConnectionType_rtsp,
    LiveThread,
    OpenGLThread,
    SetSlotFrameFilter,
)
from valkka.core.runtime import runtime

SIZE = (640, 360)


@pytest.fixture
def display(monkeypatch) -> Iterator[str]:
    with screen() as name:
        monkeypatch.setenv("DISPLAY", name)
        yield name
        runtime.shut_down()


@pytest.fixture
def window(display) -> Iterator[int]:
    """A window of somebody else's, at the upper left."""
    windows = OwnWindows(display)
    yield windows.create(*SIZE, mapped=True)
    windows.close()


@pytest.fixture
def gl(display) -> Iterator[OpenGLThread]:
    thread = OpenGLThread("gl", msbuftime=100)
    thread.startCall()
    yield thread
    thread.stopCall()


@pytest.fixture
def live(addresses, gl) -> Iterator[LiveThread]:
    """Two cameras, of slots 1 and 2."""
    thread = LiveThread("live")
    decoders = [AVThread("av", gl.getFrameFilter()) for _ in addresses]
    for slot, (address, decoder) in enumerate(zip(addresses, decoders, strict=True), 1):
        set_slot = SetSlotFrameFilter("slot", decoder.getFrameFilter())
        context = LiveConnectionContext(LiveConnectionType_rtsp, address, slot, set_slot)
        context.request_tcp = True
        decoder.startCall()
        decoder.decodingOnCall()
        thread.registerStreamCall(context)
        thread.playStreamCall(context)
    thread.startCall()
    yield thread
    thread.stopCall()
    for decoder in decoders:
        decoder.stopCall()


def shows(display: str, camera: int | None) -> None:
    wait_until(
        lambda: camera_shown(pixels_of(display, *SIZE)) == camera, 10, f"camera {camera} is in the window"
    )


@pytest.mark.effect(
    "valkka.core.OpenGLThread.{startCall,getFrameFilter,newRenderGroupCall,delRenderGroupCall,newRenderContextCall,delRenderContextCall}"
)
def test_a_slot_is_shown_in_a_window_and_another_after_it(display, window, gl, live) -> None:
    assert gl.newRenderGroupCall(window)
    assert not gl.newRenderGroupCall(window)
    first = gl.newRenderContextCall(1, window, 0)
    shows(display, 1)
    assert gl.delRenderContextCall(first)
    assert not gl.delRenderContextCall(first)
    second = gl.newRenderContextCall(2, window, 0)
    assert second not in (0, first)
    shows(display, 2)
    assert gl.delRenderGroupCall(window)
    assert not gl.delRenderGroupCall(window)
    wait_until(lambda: not pixels_of(display, *SIZE).any(), what="the window is cleared")
    assert not gl.delRenderContextCall(second)


@pytest.mark.effect("valkka.core.OpenGLThread.{addRectangleCall,clearObjectsCall}")
def test_boxes_are_drawn_and_cleared(display, window, gl, live) -> None:
    gl.newRenderGroupCall(window)
    context = gl.newRenderContextCall(1, window, 0)
    shows(display, 1)

    def green_lines() -> int:
        pixels = pixels_of(display, *SIZE)
        # A line of a quarter of the height from the bottom, half the width of the window.
        row = pixels[SIZE[1] * 3 // 4 - 4 : SIZE[1] * 3 // 4 + 4, SIZE[0] // 4 : SIZE[0] * 3 // 4]
        return int((row == (0, 255, 0)).all(axis=2).all(axis=1).sum())

    assert green_lines() == 0
    gl.addRectangleCall(context, 0.25, 0.75, 0.5, 0.25)
    wait_until(lambda: green_lines() >= 1, what="a box is drawn")
    gl.clearObjectsCall(context)
    wait_until(lambda: green_lines() == 0, what="the box is gone")
    # Boxes end with the context that they were drawn for.
    gl.addRectangleCall(context, 0.25, 0.75, 0.5, 0.25)
    wait_until(lambda: green_lines() >= 1, what="a box is drawn again")
    gl.delRenderContextCall(context)
    gl.newRenderContextCall(1, window, 0)
    wait_until(lambda: green_lines() == 0, what="the box is gone with its context")


@pytest.mark.effect("valkka.core.OpenGLThread.setStaticTexFile")
def test_a_slot_without_a_stream_shows_the_static_picture(display, window, gl, tmp_path) -> None:
    grey = tmp_path / "grey.yuv"
    grey.write_bytes(bytes([180]) * (1280 * 720) + bytes([128]) * (1280 * 720 // 2))
    gl.setStaticTexFile(str(grey))
    gl.newRenderGroupCall(window)
    gl.newRenderContextCall(9, window, 0)
    wait_until(lambda: np.ptp(pixels_of(display, *SIZE)[100:260, 200:440]) < 20, what="all of it is grey")
    wait_until(lambda: pixels_of(display, *SIZE)[180, 320].min() > 150, what="light grey")


@pytest.mark.effect("valkka.core.OpenGLThread.{createWindow,infoCall,stopCall}")
def test_the_window_it_makes_is_square_and_gone_with_it(display, gl, live, capsys) -> None:
    window = gl.createWindow(map=True, show=False)
    assert gl.makeCurrent(window)
    gl.newRenderGroupCall(window)
    context = gl.newRenderContextCall(1, window, 0)
    # As much of the picture as fills it.
    wait_until(lambda: pixels_of(display, 600, 600).any(axis=2).mean() > 0.9, 10, "it is filled")
    gl.infoCall()
    assert f"context {context}: slot 1 in window {window}: av-" in capsys.readouterr().out
    gl.stopCall()
    wait_until(lambda: not pixels_of(display, 700, 700).any(), what="the window is gone")
    assert gl.createWindow() == 0
    gl.stopCall()


def test_a_window_that_is_not_mapped_is_not_seen(display, gl) -> None:
    window = gl.createWindow(False)
    assert window > 0
    gl.newRenderGroupCall(window)
    gl.newRenderContextCall(9, window)
    gl.waitReady()
    assert not pixels_of(display, *SIZE).any()


@pytest.mark.effect("valkka.core.OpenGLThread.getVsyncAtStartup")
def test_what_can_not_be_shown_is_told_by_what_is_returned(gl, caplog) -> None:
    assert gl.newRenderContextCall(1, 12345, 0) == 0
    assert not gl.newRenderGroupCall(0)
    assert not gl.delRenderGroupCall(5)
    assert not gl.makeCurrent(5)
    gl.addRectangleCall(1, 0, 1, 1, 0)
    gl.clearObjectsCall(1)
    assert gl.getVsyncAtStartup() == 0
    OpenGLThread("hasty", msbuftime=50)
    assert "buffering time of 50 ms" in caplog.text


@pytest.mark.effect("valkka.core.OpenGLThread.makeCurrent")
def test_a_window_that_is_gone_ends_what_is_shown_there(display, gl, live) -> None:
    windows = OwnWindows(display)
    window = windows.create(*SIZE, mapped=True)
    gl.newRenderGroupCall(window)
    context = gl.newRenderContextCall(1, window, 0)
    shows(display, 1)
    windows.close()
    wait_until(lambda: not gl.makeCurrent(window), what="the thread has heard of it")
    assert not gl.delRenderContextCall(context)


def test_without_a_display_it_tells_what_works_then(monkeypatch) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    with pytest.raises(RuntimeError, match="VideoWidget"):
        OpenGLThread("gl").startCall()
    with pytest.raises(RuntimeError, match=r":4711.*VideoWidget"):
        OpenGLThread("gl", x_connection=":4711").startCall()


def test_a_thread_that_nobody_has_any_more_shows_nothing(display, addresses) -> None:
    thread = OpenGLThread("gl")
    thread.startCall()
    window = thread.createWindow()
    thread.newRenderGroupCall(window)
    thread.newRenderContextCall(9, window)
    wait_until(lambda: pixels_of(display, *SIZE).any(), 10, "no signal is told")
    del thread
    wait_until(lambda: not pixels_of(display, *SIZE).any(), what="the window is gone")
