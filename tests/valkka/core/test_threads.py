"""Threads and connections: what runs of them when a call returns, where, and by which way frames come."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.real.test_transports import Sender, free_ports
from tests.valkka.core.test_streams import Chain, playing
from tests.valkka.core.test_streams import _silent_for as silent_for

import camgraph as cg
from camgraph.graph.nodes import Gate, RtspSource
from camgraph.media.rtsp.sdp import describe_video, session_description
from camgraph.testing.cameras import Cameras
from camgraph.testing.clips import ClipRequest, ClipStore
from camgraph.testing.pattern import decode
from camgraph.testing.screens import pixels_of, screen
from camgraph.testing.waiting import wait_until
from valkka.core import (
    DEFAULT_OPENGLTHREAD_BUFFERING_TIME,
    AVThread,
    LiveConnectionContext,
    LiveConnectionType_none,
    LiveConnectionType_rtsp,
    LiveConnectionType_sdp,
    LiveThread,
    OpenGLThread,
    RGBShmemFrameFilter,
)
from valkka.core.runtime import runtime

SIZE = (160, 90)


@pytest.fixture
def ring(request) -> str:
    """A name for a ring, this test's own."""
    return f"{request.node.name}-{os.getpid()}"


def pictures(ring: str) -> RGBShmemFrameFilter:
    return RGBShmemFrameFilter(ring, 5, *SIZE)


def running(kind: type) -> list[Any]:
    """What of this kind runs in the site."""
    return [node for node in runtime.site.spec.nodes if isinstance(node, kind)]


@pytest.mark.effect("valkka.core.LiveThread.{startCall,stopCall,requestStopCall,waitStopCall,waitReady}")
def test_a_live_thread_receives_from_its_start_to_its_stop(addresses, ring) -> None:
    live, decoder = LiveThread("live"), AVThread("av", pictures(ring))
    decoder.startCall()
    decoder.decodingOnCall()
    context = LiveConnectionContext(LiveConnectionType_rtsp, addresses[0], 1, decoder.getFrameFilter())
    live.registerStreamCall(context)
    live.playStreamCall(context)
    with cg.read(ring, policy="latest") as reader:
        assert silent_for(reader, 0.3)
        live.startCall()
        live.waitReady()
        assert len(running(RtspSource)) == 1
        reader.read(timeout=10)
        live.requestStopCall()
        live.waitStopCall()
        assert running(RtspSource) == []
        # What is stopped has forgotten its streams, and can be started again.
        live.startCall()
        live.registerStreamCall(context)
        live.playStreamCall(context)
        live.waitReady()
        assert len(running(RtspSource)) == 1
        live.stopCall()
        assert running(RtspSource) == []
    decoder.stopCall()


@pytest.mark.effect("valkka.core.AVThread.{startCall,stopCall,requestStopCall,waitStopCall,waitReady}")
def test_a_decoder_decodes_from_its_start_to_its_stop(addresses, ring) -> None:
    with cg.read(ring, policy="latest") as reader, playing(addresses[0], pictures(ring)) as chain:
        reader.read(timeout=10)
        for stops in ((chain.av.stopCall,), (chain.av.requestStopCall, chain.av.waitStopCall)):
            for stop in stops:
                stop()
            assert running(Gate) == []
            wait_until(lambda: silent_for(reader, 0.3), what="nothing is decoded")
            chain.av.startCall()
            chain.av.waitReady()
            assert [gate.opened for gate in running(Gate)] == [True]
            reader.read(timeout=10)
        chain.av.decodingOffCall()
        chain.av.waitReady()
        assert [gate.opened for gate in running(Gate)] == [False]


@pytest.mark.effect("valkka.core.OpenGLThread.{startCall,requestStopCall,waitStopCall,waitReady}")
@pytest.mark.effect("valkka.core.DEFAULT_OPENGLTHREAD_BUFFERING_TIME")
def test_a_thread_of_windows_shows_from_its_start_to_its_stop(monkeypatch, addresses, capsys) -> None:
    with screen() as display:
        monkeypatch.setenv("DISPLAY", display)
        gl = OpenGLThread("gl")
        assert gl.createWindow() == 0
        gl.startCall()
        window = gl.createWindow()
        gl.newRenderGroupCall(window)
        with playing(addresses[0], gl.getFrameFilter()):
            gl.newRenderContextCall(3, window)
            gl.waitReady()
            gl.infoCall()
            assert f"slot 3 in window {window}: av-" in capsys.readouterr().out
            wait_until(lambda: pixels_of(display, 600, 600).any(axis=2).mean() > 0.9, 10, "it is there")
            statistics = gl._screen.statistics  # type: ignore[union-attr]
            wait_until(lambda: statistics()[window].shown, 10, "pictures of the camera")
            assert statistics()[window].delay_ms == DEFAULT_OPENGLTHREAD_BUFFERING_TIME == 300
            gl.requestStopCall()
            gl.infoCall()
            assert "0 windows, 0 render contexts" in capsys.readouterr().out
            gl.waitStopCall()
            wait_until(lambda: not pixels_of(display, 700, 700).any(), what="the window is gone")
        runtime.shut_down()


@pytest.mark.effect("valkka.core.AVThread.{setAffinity,setNumberOfThreads}")
def test_threads_that_decode_are_as_many_and_where_they_are_wanted(addresses, ring) -> None:
    cpu = max(os.sched_getaffinity(0))
    chain = Chain(addresses[0], pictures(ring))
    chain.live.deregisterStreamCall(chain.context)
    chain.av.setAffinity(cpu)
    chain.av.setNumberOfThreads(4)
    with cg.read(ring) as reader:
        chain.live.registerStreamCall(chain.context)
        chain.live.playStreamCall(chain.context)
        reader.read(timeout=10)
        (media,) = runtime.site.statistics().media
        tasks = os.listdir(f"/proc/{media.pid}/task")
        bound = [task for task in tasks if os.sched_getaffinity(int(task)) == {cpu}]
        # The one that receives, and those of the decoder.
        assert len(bound) == (5 if os.sched_getaffinity(0) != {cpu} else len(tasks))
    chain.close()


@pytest.mark.effect("valkka.core.LiveConnectionContext.{request_tcp,request_multicast}")
@pytest.mark.parametrize("way", ["udp", "tcp", "multicast"])
def test_frames_come_by_the_way_that_is_asked_for(addresses, ring, way) -> None:
    decoder, live = AVThread("av", pictures(ring)), LiveThread("live")
    decoder.startCall()
    decoder.decodingOnCall()
    live.startCall()
    context = LiveConnectionContext(LiveConnectionType_rtsp, addresses[0], 1, decoder.getFrameFilter())
    context.request_tcp, context.request_multicast = way == "tcp", way == "multicast"
    live.registerStreamCall(context)
    live.playStreamCall(context)
    with cg.read(ring) as reader:
        reader.read(timeout=10)
        wait_until(lambda: [it.transport for it in runtime.site.statistics().streams.values()] == [way])
    live.stopCall()
    decoder.stopCall()


@pytest.fixture
def cameras() -> Iterator[Cameras]:
    with Cameras(count=1, size=(320, 180)) as cameras:
        yield cameras


@pytest.mark.effect("valkka.core.LiveConnectionContext.msreconnect")
def test_a_camera_that_is_away_is_tried_again_as_often_as_wanted(cameras, ring, caplog) -> None:
    chain = Chain(cameras.urls[0], pictures(ring))
    chain.live.deregisterStreamCall(chain.context)
    chain.context.msreconnect = 300

    def attempts() -> int:
        return max((it.attempts for it in runtime.site.statistics().streams.values()), default=0)

    with cg.read(ring, policy="latest") as reader:
        chain.live.registerStreamCall(chain.context)
        chain.live.playStreamCall(chain.context)
        reader.read(timeout=10)
        cameras.fault(1, "silent")
        wait_until(lambda: "has sent nothing for 0.3 s" in caplog.text)
        cameras.stop()
        # By themselves waits grow: so many attempts would take 10 s.
        wait_until(lambda: attempts() >= 10, 6)
        cameras.restart()
        reader.read(timeout=10)
    chain.close()


@pytest.mark.effect("valkka.core.LiveConnectionType_{none,sdp}", "valkka.core.LiveConnectionContext.address")
def test_a_stream_is_received_as_a_file_says_and_of_no_type_not_at_all(ring, tmp_path: Path, caplog) -> None:
    store, request = ClipStore(), ClipRequest(1, 320, 180, 25)
    units = store.find(request) or store.make(request, lambda: False)
    port, file = free_ports(), tmp_path / "sender.sdp"
    sdp = session_description("sender", "127.0.0.1", [describe_video("h264", units[0])])
    file.write_text(sdp.replace("m=video 0", f"m=video {port}").replace("0.0.0.0", "127.0.0.1"))
    decoder, live = AVThread("av", pictures(ring)), LiveThread("live")
    decoder.startCall()
    decoder.decodingOnCall()
    live.startCall()
    context = LiveConnectionContext(LiveConnectionType_none, str(file), 1, decoder.getFrameFilter())
    live.registerStreamCall(context)
    assert "connection type 0 is none" in caplog.text
    context.connection_type = LiveConnectionType_sdp
    live.registerStreamCall(context)
    live.playStreamCall(context)
    live.waitReady()
    sender = Sender(units, port)
    try:
        with cg.read(ring) as reader:
            assert decode(reader.read(timeout=10).array).camera == 1
    finally:
        sender.close()
        live.stopCall()
        decoder.stopCall()
