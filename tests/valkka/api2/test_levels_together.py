"""Filters of the first level behind a live thread of the second, and clients of the second at their ends."""

from typing import Any

import pytest

from camgraph.testing.pattern import decode
from camgraph.testing.waiting import wait_until
from valkka import core
from valkka.api2 import FragMP4ShmemClient, ShmemClient, ShmemRGBClient

SIZE = (320, 180)


def play(livethread, address, slot, framefilter):
    ctx: Any = core.LiveConnectionContext(core.LiveConnectionType_rtsp, address, slot, framefilter)
    # Programs set what no context has.
    ctx.mstimeout = 10_000
    livethread.registerStream(ctx)
    livethread.playStream(ctx)


def test_boxes_of_a_camera_come_with_their_names(livethread, addresses):
    mux = core.FragMP4MuxFrameFilter("mux", core.FragMP4ShmemFrameFilter("boxes", 10, 1024 * 1024))
    play(livethread, addresses[0], 6, mux)
    mux.activate()
    client = FragMP4ShmemClient(name="boxes", mstimeout=10_000)
    names, metas, data = [], [], []
    for _ in range(4):
        index, meta = client.pullFrame()
        assert index is not None
        assert isinstance(meta, core.FragMP4Meta)
        names.append(meta.name)
        metas.append((meta.slot, meta.size, meta.is_first))
        data.append(bytes(client.shmem_list[index][: meta.size]))
    assert names == ["ftyp", "moov", "moof", "mdat"]
    for name, box, (slot, size, _) in zip(names, data, metas, strict=True):
        assert (slot, size, box[4:8]) == (6, int.from_bytes(box[:4]), name.encode())
    assert metas[2][2]
    mux.deActivate()


def test_packets_of_a_camera_begin_with_its_parameters(livethread, addresses):
    play(livethread, addresses[0], 1, core.ShmemFrameFilter("packets", 20, 1024 * 1024))
    client = ShmemClient(name="packets", n_ringbuffer=20, n_bytes=1024 * 1024, mstimeout=10_000)
    kinds = []
    for _ in range(3):
        index, size = client.pull()
        assert index is not None
        packet = bytes(client.shmem_list[index][:size])
        assert packet.startswith(b"\0\0\0\1")
        kinds.append(packet[4] & 31)
    assert kinds[:2] == [7, 8]


@pytest.mark.effect(
    "valkka.core.AVThread.getBlockingFrameFilter", "valkka.core.{FifoFrameFilter,BlockingFifoFrameFilter}"
)
def test_a_closed_gate_before_a_decoder_is_opened_and_closed(livethread, addresses):
    end = core.SwScaleFrameFilter("scale", *SIZE, core.RGBShmemFrameFilter("gated", 10, *SIZE))
    avthread = core.AVThread("av", end)
    entrance = avthread.getBlockingFrameFilter()
    assert isinstance(entrance, core.BlockingFifoFrameFilter)
    assert isinstance(avthread.getFrameFilter(), core.FifoFrameFilter)
    gate = core.GateFrameFilter("gate", entrance)
    avthread.startCall()
    avthread.decodingOnCall()
    play(livethread, addresses[1], 1, gate)
    client = ShmemRGBClient(name="gated", width=SIZE[0], height=SIZE[1], mstimeout=300)

    def camera():
        index, meta = client.pullFrame()
        if index is None or meta is None:
            return None
        picture = client.shmem_list[index][: meta.size]
        return decode(picture.reshape(meta.height, meta.width, 3)).camera

    # Whether parameters of the decoder pass a closed gate, pictures come as soon as it is open.
    for parameters_pass in (gate.noConfigFrames, gate.passConfigFrames):
        parameters_pass()
        wait_until(lambda: camera() is None, 5, "nothing, as the gate is closed")
        gate.set()
        wait_until(lambda: camera() == 2, 10, "pictures, as the gate is open")
        gate.unSet()
    wait_until(lambda: camera() is None, 5, "nothing, as the gate is closed")
    avthread.stopCall()
