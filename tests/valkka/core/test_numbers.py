"""Numbers of numpy do where whole numbers are asked for; what is applied has plain ones."""

from dataclasses import replace
from typing import Any

import msgspec
import numpy as np

from valkka.core import (
    AVThread,
    ForkFrameFilterN,
    LiveConnectionContext,
    LiveConnectionType_rtsp,
    RGBShmemFrameFilter,
    SetSlotFrameFilter,
    SwScaleFrameFilter,
    TimeIntervalFrameFilter,
)
from valkka.core.live_thread import _connection
from valkka.core.plan import make_plan


def test_a_plan_of_numbers_of_numpy_can_be_sent() -> None:
    number: Any = np.int64
    ring = RGBShmemFrameFilter("ring", number(10), number(64), number(32))
    scale = SwScaleFrameFilter("scale", number(64), number(32), ring)
    decoder = AVThread("av", TimeIntervalFrameFilter("interval", number(40), scale))
    decoder._running = True
    fork = ForkFrameFilterN("fork")
    fork.connect("decoder", decoder.getFrameFilter())
    slot = SetSlotFrameFilter("slot", fork)
    slot.setSlot(number(4))
    context = LiveConnectionContext(LiveConnectionType_rtsp, "rtsp://10.0.0.5/", number(3), slot)
    context.slot = number(3)
    context.msreconnect = number(3000)
    context.recv_buffer_size = number(1 << 20)
    context.reordering_time = number(50_000)
    plan = make_plan([replace(_connection("live", context), id="live.3-1")])
    assert plan.problems == []
    assert msgspec.msgpack.encode(plan.graph.spec)


def test_an_address_that_is_none_is_told_without_its_password() -> None:
    for address in ("rtsp://me:hid den@10.0.0.5/", "rtsp://me:hid/den@10.0.0.5:port/"):
        context = LiveConnectionContext(LiveConnectionType_rtsp, address, 3, None)
        where = _connection("live", context).where
        assert "den" not in where
        assert "10.0.0.5" in where
