"""Threads of the second level, and what they show in windows."""

import os
import subprocess

import numpy as np
import pytest
from tests.real.camera_on_screen import camera_shown

from camgraph.testing.screens import pixels_of
from camgraph.testing.waiting import wait_until
from valkka.api2.chains import BasicFilterchain, BasicFilterchain1, BitmapPort, ManagedFilterchain, ViewPort
from valkka.api2.threads import LiveThread, OpenGLThread
from valkka.api2.tools import parameterInitCheck

SIZE = (640, 360)


def window_of(openglthread, display):
    """A window of the thread's, on the screen, in which nothing of a camera is cut off."""
    window = openglthread.createWindow(show=True)
    subprocess.run(
        ["xdotool", "windowsize", "--sync", str(window), *map(str, SIZE)],
        env={**os.environ, "DISPLAY": display},
        check=True,
        timeout=20,
    )
    return window


def green(pixels):
    """How many pixels are of the colour of rectangles."""
    red, green, blue = (pixels[..., channel].astype(int) for channel in range(3))
    return int(((green > 200) & (red < 60) & (blue < 60)).sum())


@pytest.mark.effect("valkka.api2.OpenGLThread.parameter_defs")
def test_parameters_are_the_classes_own_and_can_be_copied_and_edited(display):
    definitions = {**OpenGLThread.parameter_defs, "msbuftime": (int, 250)}
    assert {name: default for name, (_, default) in definitions.items()} == {
        "name": "gl_thread",
        "n_720p": 20,
        "n_1080p": 20,
        "n_1440p": 0,
        "n_4K": 0,
        "n_setup": 20,
        "n_signal": 20,
        "flush_when_full": False,
        "msbuftime": 250,
        "affinity": -1,
        "verbose": False,
        "background": OpenGLThread.parameter_defs["background"][1],
        "x_connection": "",
    }
    thread = OpenGLThread(background="")
    parameterInitCheck(definitions, {"name": "mine"}, thread)
    assert (thread.name, thread.msbuftime) == ("mine", 250)
    thread.close()
    assert OpenGLThread.parameter_defs["msbuftime"] == (int, 100)


@pytest.mark.effect("valkka.api2.LiveThread.parameter_defs")
def test_parameters_reach_the_thread(display):
    thread = OpenGLThread(name="mine", n_720p=7, msbuftime=200, background="")
    assert (thread.core.name, thread.core.gl_ctx.n_720p, thread.core.gl_ctx.n_4K) == ("mine", 7, 0)
    assert not thread.hadVsync()
    thread.close()
    live = LiveThread(name="other", n_basic=9, flush_when_full=True)
    assert (live.core.name, live.core.fifo_ctx.n_basic, live.core.fifo_ctx.flush_when_full) == (
        "other",
        9,
        True,
    )
    with pytest.raises(NotImplementedError, match=r"LiveThread\.getFrameFilter"):
        live.getInput()
    live.close()
    with pytest.raises(AttributeError, match="Unknown parameter 'n_bsic'"):
        LiveThread(n_bsic=9)
    with pytest.raises(NotImplementedError, match="setRTSPServer"):
        LiveThread(rtsp_server=8554)


def test_without_a_display_a_thread_says_what_to_use(monkeypatch):
    monkeypatch.delenv("DISPLAY", raising=False)
    with pytest.raises(RuntimeError, match=r"camgraph\.qt\.VideoWidget"):
        OpenGLThread()


@pytest.mark.effect(
    "valkka.api2.OpenGLThread.{createWindow,newRenderGroup,delRenderGroup,newRenderContext,connect,disconnect}"
)
def test_a_window_shows_what_is_connected_and_while_it_is(openglthread, livethread, addresses, display):
    chain = BasicFilterchain(livethread=livethread, openglthread=openglthread, address=addresses[1], slot=5)
    window = window_of(openglthread, display)
    with pytest.raises(AssertionError):
        openglthread.connect(slot=0, window_id=window)
    with pytest.raises(AssertionError):
        openglthread.connect(slot=5, window_id=0)
    assert openglthread.connect(slot=300, window_id=window) == 0
    assert openglthread.newRenderGroup(window)
    token = openglthread.connect(slot=5, window_id=window)
    assert token != 0
    wait_until(lambda: inside(display), 10, "the picture of no signal, before anything is decoded")
    chain.decodingOn()
    wait_until(lambda: camera_shown(pixels_of(display, *SIZE)) == 2, 10, "the camera")
    # The last of two users takes the window along.
    second = openglthread.connect(slot=5, window_id=window)
    openglthread.disconnect(second)
    assert openglthread.delRenderGroup(window)
    assert openglthread.newRenderGroup(window)
    assert openglthread.newRenderContext(5, window)
    openglthread.disconnect(token)
    assert not openglthread.delRenderGroup(window)
    openglthread.disconnect(token)
    chain.close()


def inside(display):
    """Whether the picture of a window without a stream is on the screen."""
    pixels = pixels_of(display, *SIZE)
    return pixels.std() > 1 and pixels.max() < 130


@pytest.mark.effect(
    "valkka.api2.chains.ManagedFilterchain.{addViewPort,delViewPort,getNumXscreenPorts,setBoundingBoxes,close}"
)
def test_a_managed_chain_shows_a_camera_in_the_windows_it_is_given(
    openglthread, livethread, addresses, display
):
    chain = ManagedFilterchain(
        livethread=livethread, openglthreads=[openglthread], address=addresses[0], slot=2
    )
    port = ViewPort(window_id=window_of(openglthread, display), x_screen_num=0)
    chain.addViewPort(port)
    assert chain.getNumXscreenPorts(0) == 1
    wait_until(lambda: camera_shown(pixels_of(display, *SIZE)) == 1, 10, "the camera")
    plain = green(pixels_of(display, *SIZE))
    chain.setBoundingBoxes(port, [(0.3, 0.7, 0.7, 0.3)])
    wait_until(lambda: green(pixels_of(display, *SIZE)) > plain + 200, 10, "a box")
    chain.setBoundingBoxes(port, [])
    wait_until(lambda: green(pixels_of(display, *SIZE)) < plain + 100, 10, "no box")
    chain.delViewPort(port)
    assert chain.getNumXscreenPorts(0) == 0
    first = pixels_of(display, *SIZE)
    chain.delViewPort(port)
    chain.addViewPort(port)
    wait_until(lambda: not np.array_equal(pixels_of(display, *SIZE), first), 10, "it shows again")
    chain.close()
    assert chain.getNumXscreenPorts(0) == 0


@pytest.mark.effect(
    "valkka.api2.chains.ViewPort.{getWindowId,setWindowId,getXScreenNum,setXScreenNum}",
    "valkka.api2.chains.BitmapPort.{getWidth,getHeight}",
)
def test_a_port_keeps_its_place():
    port = ViewPort()
    assert (port.getWindowId(), port.getXScreenNum()) == (0, 0)
    port.setWindowId(7)
    port.setXScreenNum(1)
    assert (port.getWindowId(), port.getXScreenNum()) == (7, 1)
    bitmap = BitmapPort(width=320, height=180)
    assert (bitmap.getWidth(), bitmap.getHeight()) == (320, 180)
    with pytest.raises(AttributeError):
        ViewPort(window=7)


@pytest.mark.effect("valkka.api2.chains.BasicFilterchain1.{setLiveContext,decodingOn}")
def test_a_chain_without_a_source_decodes_for_a_window(openglthread, livethread, addresses, display):
    chain = BasicFilterchain1(openglthread=openglthread, slot=1)
    ctx = chain.setLiveContext(addresses[1])
    livethread.registerStream(ctx)
    livethread.playStream(ctx)
    openglthread.connect(slot=1, window_id=window_of(openglthread, display))
    chain.decodingOn()
    wait_until(lambda: camera_shown(pixels_of(display, *SIZE)) == 2, 10, "the camera")
    livethread.close()
    chain.close()


def test_a_display_that_is_not_there_is_the_programs_own(display, caplog):
    thread = OpenGLThread(background="", x_connection=":9797.0")
    window = window_of(thread, display)
    assert "no display :9797.0" in caplog.text
    assert thread.connect(slot=1, window_id=window)
    thread.close()


@pytest.mark.effect("valkka.api2.OpenGLThread.{newRenderContextCall,delRenderContext,__del__}")
def test_a_thread_that_nobody_has_any_more_ends(display, livethread, addresses):
    def show():
        thread = OpenGLThread(msbuftime=150)
        chain = BasicFilterchain(livethread=livethread, openglthread=thread, address=addresses[0], slot=1)
        token = thread.newRenderContext(1, window_of(thread, display))
        assert token == 0, "the window is unknown so far"
        window = window_of(thread, display)
        assert thread.newRenderGroup(window)
        token = thread.newRenderContextCall(1, window)
        assert thread.delRenderContext(token)
        assert not thread.delRenderContext(token)
        assert thread.newRenderContextCall(1, window)
        chain.decodingOn()
        wait_until(lambda: camera_shown(pixels_of(display, *SIZE)) == 1, 10, "the camera")

    show()
    wait_until(lambda: pixels_of(display, *SIZE).max() == 0, 10, "an empty screen")
