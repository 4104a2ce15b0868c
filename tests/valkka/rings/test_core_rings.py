"""Rings of `valkka.core`: one class for both ends, integers by pointer, cells as arrays."""

import numpy as np
import pytest

import camgraph
from valkka.core.event_fd import EventFd
from valkka.core.intp import copy_intp, delete_intp, intp_assign, intp_value, new_intp
from valkka.core.rings import (
    FragMP4SharedMemRingBuffer,
    RGB24Meta,
    SharedMemRingBuffer,
    SharedMemRingBufferBase,
    SharedMemRingBufferRGB,
    getNumpyShmem,
)


@pytest.mark.effect("valkka.core.{new_intp,copy_intp,intp_assign,intp_value,delete_intp}")
def test_pointers_to_integers() -> None:
    one = new_intp()
    assert intp_value(one) == 0
    intp_assign(one, 7)
    two = copy_intp(intp_value(one))
    intp_assign(one, 8)
    assert (intp_value(one), intp_value(two)) == (8, 7)
    delete_intp(one)
    assert intp_value(two) == 7


@pytest.mark.effect(
    "valkka.core.SharedMemRingBufferBase.{getBufferListPy,clientPull,clientPullThread}",
    "valkka.core.SharedMemRingBuffer.{serverPushPy,clientPull}",
)
def test_bytes_through_a_ring(name: str) -> None:
    server = SharedMemRingBuffer(name, 5, 300, 0, True)
    client = SharedMemRingBuffer(name, 5, 300, 5000, False)
    assert isinstance(client, SharedMemRingBufferBase)
    index, size = new_intp(), new_intp()
    for number in range(7):
        sent = np.full(100 + number, number, np.uint8)
        assert server.serverPushPy(sent)
        assert (client.clientPull if number % 2 else client.clientPullThread)(index, size)
        assert (intp_value(index), intp_value(size)) == (number % 5, 100 + number)
        cell = client.getBufferListPy()[intp_value(index)]
        assert cell.shape == (300,)
        assert np.array_equal(cell[: intp_value(size)], sent)
    idle = SharedMemRingBuffer(f"{name} idle", n_cells=5, n_bytes=300, mstimeout=1)
    assert not idle.clientPull(index, size)
    assert (intp_value(index), intp_value(size)) == (-1, 0)


@pytest.mark.effect(
    "valkka.core.SharedMemRingBufferRGB.{clientPull,clientPullPy,clientPullFrame,clientPullFrameThread,serverPushPyRGB}",
    "valkka.core.getNumpyShmem",
    "valkka.core.RGB24Meta.{size,width,height,slot,mstimestamp}",
)
def test_pictures_through_a_ring_and_cells_taken_once(name: str) -> None:
    server = SharedMemRingBufferRGB(name, 3, 16, 8, is_server=True)
    client = SharedMemRingBufferRGB(name, 3, 16, 8, 5000)
    cells = [getNumpyShmem(client, i) for i in range(3)]
    index, meta = new_intp(), RGB24Meta()
    for number in range(9):
        assert server.serverPushPyRGB(np.full((8, 16, 3), number, np.uint8), 3, 1000 + number)
        if number % 3 == 0:
            assert client.clientPullPy() == (0, 384, 16, 8, 3, 1000 + number)
        else:
            pull = client.clientPullFrame if number % 3 == 1 else client.clientPullFrameThread
            assert pull(index, meta)
            assert (intp_value(index), meta.size, meta.width, meta.height) == (number % 3, 384, 16, 8)
            assert (meta.slot, meta.mstimestamp) == (3, 1000 + number)
        assert (cells[number % 3] == number).all()
        assert (client.getBufferListPy()[number % 3] == number).all()
    size = new_intp()
    server.serverPushPyRGB(np.ones((4, 16, 3), np.uint8), 3, 0)
    assert client.clientPull(index, size)
    assert (intp_value(index), intp_value(size)) == (0, 192)
    idle = SharedMemRingBufferRGB(f"{name} idle", 3, 16, 8, 1)
    assert idle.clientPullPy()[0] == -1
    assert not idle.clientPullFrame(index, meta)
    assert intp_value(index) == -1


@pytest.mark.effect("valkka.core.FragMP4SharedMemRingBuffer.clientPullPy")
def test_boxes_through_a_ring(name: str) -> None:
    client = FragMP4SharedMemRingBuffer(name, 4, 1000, 5000)
    with camgraph.publish(name, size=(1000, 1), format="fmp4") as publisher:
        publisher.publish_bytes(b"\0\0\0\x20moof" + bytes(24), tag=2, capture_ns=5_000_000, keyframe=True)
        assert client.clientPullPy() == (0, 32, 2, 5, b"moof", True)
    idle = FragMP4SharedMemRingBuffer(f"{name} idle", 4, 1000, 1)
    assert idle.clientPullPy()[0] == -1


@pytest.mark.effect("valkka.core.SharedMemRingBufferBase.{serverUseFd,clientUseFd}")
def test_events_of_both_ends(name: str) -> None:
    server, client = SharedMemRingBuffer(name, 5, 10, 0, True), SharedMemRingBuffer(name, 5, 10, 5000)
    event = EventFd()
    server.serverUseFd(event)
    client.clientUseFd(event)
    server.serverPushPy(np.ones(3, np.uint8))
    assert event.is_set()
    assert client.clientPull(new_intp(), new_intp())
    assert not event.is_set()


def test_an_end_refuses_what_the_other_does(name: str) -> None:
    server, client = SharedMemRingBuffer(name, 5, 10, 0, True), SharedMemRingBuffer(name, 5, 10)
    with pytest.raises(RuntimeError, match="is a server"):
        server.getBufferListPy()
    with pytest.raises(RuntimeError, match="is a client"):
        client.serverPushPy(np.ones(3, np.uint8))
    with pytest.raises(ValueError, match="n_cells"):
        SharedMemRingBuffer(name, 0, 10)
    with pytest.raises(ValueError, match="n_bytes"):
        SharedMemRingBuffer(name, 1, 0)
