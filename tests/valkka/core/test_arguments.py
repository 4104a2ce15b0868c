"""Constants, contexts, and what arguments may be."""

import inspect
import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

import valkka.core
from valkka import core
from valkka.core.later import Later
from valkka.core.live_thread import _connection

untyped: Any = core
RTSP = core.LiveConnectionType_rtsp


@pytest.mark.effect("valkka.core.TimeCorrectionType_{none,smart,dummy}")
def test_enums_are_plain_integers() -> None:
    for name in ("TimeCorrectionType_smart", "LiveConnectionType_rtsp", "FileState_play"):
        assert type(getattr(core, name)) is int
    assert [core.TimeCorrectionType_none, core.TimeCorrectionType_smart, core.TimeCorrectionType_dummy] == [
        0,
        1,
        2,
    ]


@pytest.mark.effect(
    "valkka.core.FrameFifoContext.{n_basic,n_avpkt,n_avframe,n_yuvpbo,n_setup,n_signal,n_marker,flush_when_full}",
    "valkka.core.DEFAULT_FRAMEFIFO_FLUSH_WHEN_FULL",
)
def test_a_fifo_context_is_made_in_three_ways() -> None:
    assert vars(core.FrameFifoContext()) == {
        "n_basic": 50,
        "n_avpkt": 0,
        "n_avframe": 0,
        "n_yuvpbo": 0,
        "n_setup": 20,
        "n_signal": 20,
        "n_marker": 20,
        "flush_when_full": False,
    }
    assert core.FrameFifoContext(7).n_signal == 7
    context = core.FrameFifoContext(1, 2, 3, 4, 5, 6, True)
    assert [
        context.n_basic,
        context.n_yuvpbo,
        context.n_setup,
        context.n_signal,
        context.flush_when_full,
    ] == [1, 4, 5, 6, True]
    for wrong in ((1, 2), ("many",), (1, 2, 3, 4, 5, 6, 7, 8)):
        with pytest.raises(TypeError):
            core.FrameFifoContext(*wrong)


@pytest.mark.effect("valkka.core.VERSION_{MAJOR,MINOR,PATCH}", "valkka.core.TIMESTAMP_CORRECT_TRESHOLD")
def test_constants_are_those_of_what_they_are_for() -> None:
    assert f"{core.VERSION_MAJOR}.{core.VERSION_MINOR}.{core.VERSION_PATCH}" == core.__version__
    (threshold,) = [
        parameter.default
        for parameter in inspect.signature(core.TimestampFrameFilter).parameters.values()
        if parameter.name == "msdiff_max"
    ]
    assert threshold == core.TIMESTAMP_CORRECT_TRESHOLD


@pytest.mark.effect("valkka.core.FrameFilter")
def test_all_filters_are_of_one_kind_and_only_these_can_be_next() -> None:
    filters = {
        kind
        for name in dir(core)
        if name.endswith("FrameFilter") and not issubclass(kind := getattr(core, name), Later)
    }
    assert len(filters) > 20
    assert all(issubclass(kind, core.FrameFilter) for kind in filters)

    class Mine(core.FrameFilter):
        pass

    mine = Mine("mine")
    assert list(core.GateFrameFilter("gate", mine).nexts()) == [mine]
    with pytest.raises(TypeError, match="FrameFilter"):
        untyped.GateFrameFilter("gate", core.LiveThread("live"))


@pytest.mark.effect(
    "valkka.core.OpenGLFrameFifoContext.{n_720p,n_1080p,n_1440p,n_4K,n_setup,n_signal,flush_when_full}",
    "valkka.core.DEFAULT_OPENGLFRAMEFIFO_FLUSH_WHEN_FULL",
)
def test_a_context_of_windows_has_frames_of_each_size() -> None:
    assert vars(core.OpenGLFrameFifoContext()) == {
        "n_720p": 20,
        "n_1080p": 20,
        "n_1440p": 20,
        "n_4K": 20,
        "n_setup": 20,
        "n_signal": 20,
        "flush_when_full": core.DEFAULT_OPENGLFRAMEFIFO_FLUSH_WHEN_FULL,
    }
    context = core.OpenGLFrameFifoContext()
    context.n_720p = 30
    assert (context.n_720p, context.n_1080p, context.n_1440p, context.n_4K) == (30, 20, 20, 20)
    assert core.OpenGLThread("gl", context).gl_ctx is context
    with pytest.raises(TypeError):
        untyped.OpenGLThread("gl", core.FrameFifoContext())


def test_a_connection_has_defaults_and_takes_any_attribute() -> None:
    context = untyped.LiveConnectionContext()
    assert (context.connection_type, context.msreconnect, context.request_tcp) == (0, 10000, False)
    assert (context.recv_buffer_size, context.reordering_time, context.time_correction) == (0, 0, 1)
    context.mstimeout = 10000
    fork = core.ForkFrameFilterN("fork")
    context = core.LiveConnectionContext(RTSP, "rtsp://10.0.0.5/", 2, fork)
    assert (context.connection_type, context.slot, context.framefilter) == (RTSP, 2, fork)
    for wrong in (
        (RTSP,),
        (RTSP, 3, 2, fork),
        (RTSP, "rtsp://a/", "1", fork),
        (RTSP, "rtsp://a/", 1, "fork"),
    ):
        with pytest.raises(TypeError):
            untyped.LiveConnectionContext(*wrong)


@pytest.mark.effect("valkka.core.LiveConnectionContext.{recv_buffer_size,reordering_time,msreconnect}")
@pytest.mark.parametrize(
    ("field", "value", "option", "expected"),
    [
        ("recv_buffer_size", 1 << 20, "receive_buffer_bytes", 1 << 20),
        ("reordering_time", 50_000, "reorder_ms", 50),
        ("reordering_time", 10, "reorder_ms", 1),
        ("time_correction", core.TimeCorrectionType_dummy, "clock", "arrival"),
        ("msreconnect", 3000, "longest_retry_s", 3.0),
    ],
)
def test_what_a_connection_asks_of_the_source(field, value, option, expected) -> None:
    context = core.LiveConnectionContext(RTSP, "rtsp://10.0.0.5/", 2, None)
    setattr(context, field, value)
    assert _connection("live", context).options[option] == expected


def test_raw_times_are_asked_for_by_no_correction() -> None:
    context = core.LiveConnectionContext(RTSP, "rtsp://10.0.0.5/", 2, None)
    assert not _connection("live", context).raw_times
    context.time_correction = core.TimeCorrectionType_none
    assert _connection("live", context).raw_times


def test_arguments_go_by_the_documented_names() -> None:
    end = core.GateFrameFilter(name="gate", next=None)
    core.SwScaleFrameFilter(name="scale", target_width=3, target_height=2, next=end)
    core.ForkFrameFilter3(name="fork", next=end, next2=None, next3=end)
    core.MovementFrameFilter(name="move", interval=100, treshold=0.1, duration=1000, next=end)
    untyped.TimeIntervalFrameFilter("interval", np.int64(100), end)
    untyped.RGBShmemFrameFilter("ring", 10, np.int32(300), 200)


@pytest.mark.parametrize(
    "make",
    [
        lambda: untyped.GateFrameFilter(3),
        lambda: untyped.GateFrameFilter("gate", "next"),
        lambda: untyped.ForkFrameFilter("fork", object(), None),
        lambda: untyped.ForkFrameFilterN("fork").connect(1, None),
        lambda: untyped.ForkFrameFilterN("fork").connect("tag", "filter"),
        lambda: untyped.TimeIntervalFrameFilter("interval", "often"),
        lambda: untyped.MovementFrameFilter("movement", 100, "much", 1000),
        lambda: untyped.MovementFrameFilter("movement", 100, 0.1, 1000).setCallback("me"),
        lambda: untyped.RGBShmemFrameFilter("ring", 10, 300.5, 200),
        lambda: untyped.RGBShmemFrameFilter("ring", 10, 300, 200).useFd(3),
        lambda: untyped.AVThread("av", "filter"),
        lambda: untyped.AVThread("av", None, 3),
        lambda: untyped.LiveThread(None),
        lambda: untyped.LiveThread("live").playStreamCall("context"),
        lambda: untyped.TestThread("test").setCallback(3),
        lambda: untyped.setLogLevel_livelogger("loud"),
    ],
)
def test_arguments_of_another_type_are_refused(make) -> None:
    with pytest.raises(TypeError):
        make()


@pytest.mark.effect(
    "valkka.core.{ValkkaXInitThreads,get_numpy_version,numpy_version_ok,ffmpeg_av_register_all}"
)
def test_helpers() -> None:
    assert core.ValkkaXInitThreads() == 1
    assert core.get_numpy_version() == np.__version__
    assert core.numpy_version_ok()
    assert untyped.ffmpeg_av_register_all() is None


@pytest.mark.effect("valkka.core.os")
def test_importing_starts_nothing_and_leaves_the_driver_of_va_api_alone() -> None:
    program = (
        "from valkka.core import *\n"
        "import threading\n"
        "assert threading.active_count() == 1\n"
        "assert os.environ['vblank_mode'] == os.environ['__GL_SYNC_TO_VBLANK'] == '0'\n"
        "assert 'LIBVA_DRIVER_NAME' not in os.environ\n"
        "assert not [it for it in os.listdir('/proc/self/fd') if int(it) > 3]\n"
    )
    env = {name: value for name, value in os.environ.items() if name not in ("LIBVA_DRIVER_NAME", "DISPLAY")}
    for session, told in (("x11", False), ("wayland", True)):
        ended = subprocess.run(
            [sys.executable, "-c", program],
            env={**env, "XDG_SESSION_TYPE": session},
            capture_output=True,
            timeout=30,
        )
        assert ended.returncode == 0, ended.stderr.decode()
        assert (b"not x11" in ended.stderr) == told


def test_star_export_has_no_names_but_the_documented_ones() -> None:
    assert {"os", "__version__", "LiveThread", "EventFd"} - set(valkka.core.__all__) <= {"EventFd"}
    assert len(valkka.core.__all__) == len(set(valkka.core.__all__))
    assert not {"log", "plan", "thread", "filters"} & set(valkka.core.__all__)
