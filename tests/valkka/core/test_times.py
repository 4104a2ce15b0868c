"""What gives frames their times: a camera whose clock is an hour slow shows who corrects them."""

import os
import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from tests.valkka.core.test_streams import Chain
from tests.valkka.core.test_streams import _silent_for as silent_for

import camgraph as cg
from camgraph.testing.cameras import Cameras
from camgraph.testing.waiting import wait_until
from valkka.core import (
    AVThread,
    DummyTimestampFrameFilter,
    LiveConnectionContext,
    LiveConnectionType_rtsp,
    LiveThread,
    RGBShmemFrameFilter,
    TimeCorrectionType_dummy,
    TimeCorrectionType_none,
    TimeCorrectionType_smart,
    TimestampFrameFilter,
    TimestampFrameFilter2,
)

SIZE = (160, 90)
WRONG_S = 3600
DURING = f"{os.getpid()}"


@pytest.fixture(scope="module")
def slow_clock() -> Iterator[str]:
    with Cameras(count=1, size=(320, 180)) as cameras:
        cameras.fault(1, "wrong_clock", seconds=-WRONG_S)
        yield cameras.urls[0]


def ring(name: str) -> RGBShmemFrameFilter:
    return RGBShmemFrameFilter(f"{name}-{DURING}", 5, *SIZE)


def age_s(reader: Any) -> float:
    frame = reader.read(timeout=10)
    return float(time.time_ns() - frame.capture_ns) / 1e9


def near(seconds: float, expected_s: float) -> bool:
    return abs(seconds - expected_s) < 10


CASES: dict[str, tuple[int, bool, Any]] = {
    "as-usual": (TimeCorrectionType_smart, False, ring),
    "by-arrival": (TimeCorrectionType_dummy, False, ring),
    "by-decoder": (TimeCorrectionType_none, True, ring),
    "by-filter": (TimeCorrectionType_none, False, lambda name: TimestampFrameFilter("times", ring(name))),
    "by-filter-2": (TimeCorrectionType_none, False, lambda name: TimestampFrameFilter2("times", ring(name))),
    "stamped": (TimeCorrectionType_none, False, lambda name: DummyTimestampFrameFilter("now", ring(name))),
    "raw": (TimeCorrectionType_none, False, ring),
}


@pytest.mark.effect(
    "valkka.core.LiveConnectionContext.time_correction",
    "valkka.core.TimeCorrectionType_{none,smart,dummy}",
    "valkka.core.AVThread.setTimeCorrection",
    "valkka.core.{TimestampFrameFilter,TimestampFrameFilter2,DummyTimestampFrameFilter}",
)
def test_times_are_corrected_unless_nobody_does(slow_clock) -> None:
    live, decoders = LiveThread("live"), []
    with ExitStack() as stack:
        readers = {name: stack.enter_context(cg.read(f"{name}-{DURING}", policy="latest")) for name in CASES}
        live.startCall()
        for slot, (name, (correction, corrects, behind)) in enumerate(CASES.items(), 1):
            decoder = AVThread("av", behind(name))
            decoder.setTimeCorrection(corrects)
            decoder.startCall()
            decoder.decodingOnCall()
            decoders.append(decoder)
            context = LiveConnectionContext(
                LiveConnectionType_rtsp, slow_clock, slot, decoder.getFrameFilter()
            )
            context.request_tcp = True
            context.time_correction = correction
            live.registerStreamCall(context)
            live.playStreamCall(context)
        # Frames that come before the camera says what its clock shows are as old as they are.
        wait_until(lambda: near(age_s(readers["raw"]), WRONG_S), 10, "the camera's own times")
        corrected = {name: age_s(reader) for name, reader in readers.items() if name != "raw"}
        assert {name: age for name, age in corrected.items() if not near(age, 0)} == {}
        live.stopCall()
        for decoder in decoders:
            decoder.stopCall()


@pytest.mark.effect("valkka.core.AVThread.setTimeTolerance")
def test_what_is_older_than_is_tolerated_is_dropped(slow_clock) -> None:
    chain = Chain(slow_clock, ring("tolerated"))
    chain.live.deregisterStreamCall(chain.context)
    chain.av.setTimeCorrection(False)
    chain.context.time_correction = TimeCorrectionType_none
    with cg.read(f"tolerated-{DURING}", policy="latest") as reader:
        chain.live.registerStreamCall(chain.context)
        chain.live.playStreamCall(chain.context)
        wait_until(lambda: near(age_s(reader), WRONG_S), 10, "the camera's own times")
        chain.av.setTimeTolerance(20_000)
        wait_until(lambda: silent_for(reader, 0.3), 5, "frames of an hour ago are dropped")
        chain.av.setTimeTolerance(2 * WRONG_S * 1000)
        assert near(age_s(reader), WRONG_S)
    chain.close()
