"""Clients of the rings that filters fill, in forked processes; the camera is a real one."""

import select
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from multiprocessing.connection import Connection

import pytest
from tests.valkka.rings.conftest import Child

from camgraph.testing.cameras import Cameras
from valkka.api2.shmem import FragMP4ShmemClient, ShmemClient, ShmemRGBClient
from valkka.core import (
    AVThread,
    EventFd,
    ForkFrameFilter3,
    FragMP4MuxFrameFilter,
    FragMP4ShmemFrameFilter,
    LiveConnectionContext,
    LiveConnectionType_rtsp,
    LiveThread,
    RGBShmemFrameFilter,
    ShmemFrameFilter,
    SwScaleFrameFilter,
)
from valkka.core.runtime import runtime

Fork = Callable[..., Child]
SLOT, SIZE = 5, (160, 90)
PULLS = 20


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with Cameras(count=1, size=(320, 180)) as cameras:
        yield cameras.urls[0]


@pytest.fixture(autouse=True)
def _ended() -> Iterator[None]:
    yield
    runtime.shut_down()


def _pull_pictures(pipe: Connection, name: str, event: EventFd) -> None:
    client = ShmemRGBClient(name=name, width=SIZE[0], height=SIZE[1], mstimeout=1000)
    client.useEventFd(event)
    indices: list[int] = []
    times: list[int] = []
    slowest_s, none = 0.0, 0
    while len(indices) < PULLS:
        assert select.select([event.getFd()], [], [], 20)[0]
        began = time.monotonic()
        index, meta = client.pullFrame()
        if indices:
            slowest_s = max(slowest_s, time.monotonic() - began)
        if index is None or meta is None:
            none += 1
            continue
        picture = client.shmem_list[index][: meta.size].reshape((meta.height, meta.width, 3))
        assert (meta.width, meta.height, meta.slot) == (*SIZE, SLOT)
        assert picture.std() > 10
        indices.append(index)
        times.append(meta.mstimestamp)
    pipe.send((indices, times, slowest_s, none))
    pipe.recv()


def _pull_packets(pipe: Connection, name: str, mp4: str) -> None:
    client = ShmemClient(name=name, n_bytes=1 << 20, mstimeout=20_000)
    units = [client.pullBytes() or b"" for _ in range(3)]
    pipe.send([unit[:5] for unit in units])
    boxes = FragMP4ShmemClient(name=mp4, mstimeout=20_000)
    seen = []
    for _ in range(6):
        index, meta = boxes.pullFrame()
        assert index is not None
        assert meta is not None
        data = boxes.shmem_list[index][: meta.size]
        assert data[4:8].tobytes() == meta.name.encode()
        assert int.from_bytes(data[:4].tobytes(), "big") == meta.size
        seen.append((meta.name, meta.is_first, meta.slot))
    pipe.send(seen)
    pipe.recv()


@pytest.mark.effect("valkka.api2.shmem.ShmemRGBClient.useEventFd")
def test_clients_in_processes_get_pictures_and_packets(name: str, fork: Fork, address: str) -> None:
    events = [EventFd(), EventFd()]
    # As programs do it: processes first.
    viewers = [fork(_pull_pictures, name, event) for event in events]
    packets = fork(_pull_packets, f"{name} nal", f"{name} mp4")
    pictures = RGBShmemFrameFilter(name, 10, *SIZE)
    for event in events:
        pictures.useFd(event)
    mux = FragMP4MuxFrameFilter("mux", FragMP4ShmemFrameFilter(f"{name} mp4", 10, 1 << 20))
    mux.activate()
    decoder = AVThread("decoder", SwScaleFrameFilter("scale", *SIZE, pictures))
    live = LiveThread("live")
    branches = ForkFrameFilter3(
        "fork", decoder.getFrameFilter(), ShmemFrameFilter(f"{name} nal", 10, 1 << 20), mux
    )
    context = LiveConnectionContext(LiveConnectionType_rtsp, address, SLOT, branches)
    live.startCall()
    decoder.startCall()
    live.registerStreamCall(context)
    live.playStreamCall(context)
    decoder.decodingOnCall()
    for viewer in viewers:
        indices, times, slowest_s, none = viewer.said(40)
        assert times == sorted(times)
        assert all(0 <= index < 10 for index in indices)
        # Each time it was woken there was something to pull.
        assert slowest_s < 0.5, (slowest_s, none)
        assert none == 0
    units = packets.said(40)
    assert [unit[:4] for unit in units] == [b"\0\0\0\1"] * 3
    assert [unit[4] & 0x1F for unit in units[:2]] == [7, 8]
    boxes = packets.said(40)
    assert [box[0] for box in boxes] == ["ftyp", "moov", "moof", "mdat", "moof", "mdat"]
    assert boxes[2][1]
    assert {box[2] for box in boxes} == {SLOT}
    for child in (*viewers, packets):
        child.tell("end")
        child.end()
    live.stopCall()
    decoder.stopCall()


def test_frames_wait_for_a_client_that_is_slow_as_many_as_there_are_cells(name: str, address: str) -> None:
    decoder = AVThread("decoder", SwScaleFrameFilter("s", *SIZE, RGBShmemFrameFilter(name, 10, *SIZE)))
    live = LiveThread("live")
    context = LiveConnectionContext(LiveConnectionType_rtsp, address, SLOT, decoder.getFrameFilter())
    live.startCall()
    decoder.startCall()
    decoder.decodingOnCall()
    slow, quick = (ShmemRGBClient(name=name, width=SIZE[0], height=SIZE[1], mstimeout=20_000) for _ in "ab")

    def pull(client: ShmemRGBClient) -> int:
        meta = client.pullFrame()[1]
        assert meta is not None
        return meta.mstimestamp

    live.registerStreamCall(context)
    live.playStreamCall(context)
    for _ in range(15):
        # The cells of a program hold frames, too.
        last = pull(slow)
    while pull(quick) < last + 350:
        pass
    times = [last, *(pull(slow) for _ in range(8))]
    assert max(late - early for early, late in pairwise(times)) < 70, times
    live.stopCall()
    decoder.stopCall()
