"""Clients and servers of `valkka.api2.shmem`: same calls and results as documented, and better beneath."""

import os
import signal
import threading
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from tests.valkka.rings.conftest import Child

import camgraph
from camgraph.testing.waiting import wait_until
from valkka.api2.shmem import FragMP4ShmemClient, ShmemClient, ShmemRGBClient, ShmemRGBServer, ShmemServer
from valkka.core import EventFd

W, H = 64, 48
Fork = Callable[..., Child]


def picture(number: int, width: int = W, height: int = H) -> npt.NDArray[np.uint8]:
    return np.full((height, width, 3), number % 251, np.uint8)


def rgb_client(name: str, **more: Any) -> ShmemRGBClient:
    return ShmemRGBClient(name=name, width=W, height=H, **{"mstimeout": 5000, **more})


@pytest.mark.effect(
    "valkka.api2.shmem.ShmemRGBClient.{pullFrame,metaToString}", "valkka.api2.shmem.ShmemRGBServer.pushFrame"
)
def test_pictures_come_out_as_they_went_in_and_indices_count_up(name: str) -> None:
    client = rgb_client(name, n_ringbuffer=4)
    server = ShmemRGBServer(name=name, n_ringbuffer=4, width=W, height=H)
    for number in range(11):
        sent = np.random.default_rng(number).integers(0, 256, (H, W, 3), dtype=np.uint8)
        server.pushFrame(sent, number + 1, 1_600_000_000_000 + number)
        index, meta = client.pullFrame()
        assert index == number % 4
        assert meta is not None
        assert (meta.size, meta.width, meta.height) == (W * H * 3, W, H)
        assert (meta.slot, meta.mstimestamp) == (number + 1, 1_600_000_000_000 + number)
        assert client.shmem_list[index].shape == (W * H * 3,)
        assert np.array_equal(client.shmem_list[index].reshape((H, W, 3)), sent)
        assert "width = 64" in client.metaToString(meta)


def test_what_was_pushed_before_a_client_came_waits_for_it(name: str) -> None:
    server = ShmemRGBServer(name=name, n_ringbuffer=3, width=W, height=H)
    for number in range(8):
        server.pushFrame(picture(number), 1, number)
    client = rgb_client(name, n_ringbuffer=3, mstimeout=100)
    pulled = [client.pullFrame() for _ in range(3)]
    assert [index for index, _ in pulled] == [5 % 3, 6 % 3, 7 % 3]
    assert [meta.mstimestamp for _, meta in pulled if meta] == [5, 6, 7]
    assert client.pullFrame() == (None, None)


def times(client: ShmemRGBClient, count: int) -> list[int]:
    """Pull so many pictures; return their times."""
    pulled = [client.pullFrame() for _ in range(count)]
    return [meta.mstimestamp for _, meta in pulled if meta is not None]


def test_a_slow_client_with_few_cells_is_no_further_behind_beside_one_with_many(name: str) -> None:
    many = rgb_client(name, n_ringbuffer=20)
    few = rgb_client(name, n_ringbuffer=3)
    server = ShmemRGBServer(name=name, n_ringbuffer=3, width=W, height=H)
    server.pushFrame(picture(0), 1, 1)
    assert times(many, 1) == times(few, 1) == [1]
    for number in range(2, 17):
        server.pushFrame(picture(number), 1, number)
    assert times(few, 3) == [14, 15, 16]
    assert times(many, 15) == list(range(2, 17))


@pytest.mark.effect("valkka.api2.shmem.ShmemRGBClient.{pull,pullFrameThread}")
def test_pull_tells_index_and_size_and_smaller_pictures_their_own(name: str) -> None:
    server = ShmemRGBServer(name=name, width=W, height=H)
    server.pushFrame(picture(1), 1, 0)
    server.pushFrame(picture(2, 20, 10), 1, 0)
    server.pushFrame(picture(3, W, 2 * H), 1, 0)
    client = rgb_client(name)
    assert client.pull() == (0, W * H * 3)
    index, meta = client.pullFrameThread()
    assert index == 1
    assert meta is not None
    assert (meta.size, meta.width, meta.height) == (600, 20, 10)
    assert (client.shmem_list[1][: meta.size] == 2).all()
    assert client.shmem_list[1].shape == (W * H * 3,)
    index, meta = client.pullFrame()
    assert meta is not None
    assert (meta.width, meta.height) == (W, H)
    with pytest.raises(TypeError, match="uint8"):
        server.pushFrame(picture(1)[:, :, 0], 1, 0)


def test_views_stay_whole_however_many_are_kept(name: str) -> None:
    server = ShmemRGBServer(name=name, n_ringbuffer=2, width=W, height=H)
    client = rgb_client(name, n_ringbuffer=2)
    kept = []
    for number in range(60):
        server.pushFrame(picture(number), 1, number)
        index, meta = client.pullFrame()
        assert index is not None
        assert meta is not None
        assert meta.mstimestamp == number
        kept.append(client.shmem_list[index])
    for number, view in enumerate(kept):
        assert (view == number).all()


def test_a_client_that_waits_for_ever_is_woken_by_closing(name: str) -> None:
    client = rgb_client(name, mstimeout=0)
    said: list[Any] = []
    thread = threading.Thread(target=lambda: said.append(client.pullFrame()))
    thread.start()
    client.close()
    thread.join(5)
    assert said == [(None, None)]
    assert client.pullFrame() == (None, None)


@pytest.mark.effect(
    "valkka.api2.shmem.ShmemServer.{pushArray,pushBytes,pushObject}",
    "valkka.api2.shmem.ShmemClient.{pull,pullArray,pullBytes,pullObject}",
)
def test_bytes_arrays_and_objects(name: str) -> None:
    server = ShmemServer(name=name, n_bytes=1000)
    client = ShmemClient(name=name, n_bytes=1000, mstimeout=5000)
    server.pushBytes(b"some bytes")
    assert client.pull() == (0, 10)
    assert client.shmem_list[0][:10].tobytes() == b"some bytes"
    server.pushArray(np.arange(100, dtype=np.uint8))
    array = client.pullArray()
    assert array is not None
    assert array.tolist() == list(range(100))
    server.pushBytes(bytes(range(256)) * 8)
    assert client.pullBytes() == (bytes(range(256)) * 8)[:1000]
    thing = {"boxes": [(1, 2, 3, 4)], "name": "door"}
    server.pushObject(thing)
    assert client.pullObject() == thing
    with pytest.raises(ValueError, match="a cell 1000"):
        server.pushObject(bytes(2000))
    client.close()
    assert (client.pullObject(), client.pullBytes(), client.pullArray()) == (None, None, None)


@pytest.mark.effect(
    "valkka.api2.shmem.FragMP4ShmemClient.pullFrame",
    "valkka.core.FragMP4Meta.{name,is_first,size,slot,mstimestamp}",
)
def test_boxes_of_fragmented_mp4(name: str) -> None:
    client = FragMP4ShmemClient(name=name, mstimeout=5000)
    with camgraph.publish(name, size=(5000, 1), format="fmp4") as publisher:
        for number, box in enumerate([b"ftyp", b"moov", b"moof", b"mdat"]):
            data = (100 + number).to_bytes(4, "big") + box + bytes(92 + number)
            publisher.publish_bytes(data, tag=7, capture_ns=number * 1_000_000, keyframe=box == b"moof")
            index, meta = client.pullFrame()
            assert index == number
            assert meta is not None
            assert (meta.name, meta.is_first) == (box.decode(), box == b"moof")
            assert (meta.size, meta.slot, meta.mstimestamp) == (100 + number, 7, number)
            assert client.shmem_list[index][: meta.size].tobytes() == data


@pytest.mark.effect(
    "valkka.api2.shmem.ShmemClient.{parameter_defs,setDebug}",
    "valkka.api2.shmem.ShmemRGBServer.parameter_defs",
)
def test_parameters_are_checked(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(AttributeError, match="n_bytes"):
        ShmemClient(name=name)
    with pytest.raises(AttributeError, match="nonsense"):
        ShmemRGBServer(name=name, width=W, height=H, nonsense=1)
    client = ShmemClient(name=name, n_bytes=10, mstimeout=1)
    assert (client.n_ringbuffer, client.verbose) == (10, False)
    client.pull()
    assert "ShmemClient" not in capsys.readouterr().out
    client.setDebug()
    client.pull()
    assert "nothing came in time" in capsys.readouterr().out


@pytest.mark.effect(
    "valkka.api2.shmem.{ShmemClient,ShmemRGBClient,FragMP4ShmemClient,ShmemServer,ShmemRGBServer}"
    ".parameter_defs"
)
def test_parameters_have_the_documented_defaults(name: str) -> None:
    server, client = {"n_ringbuffer": 10, "verbose": False}, {"mstimeout": 0}
    size = {"width": W, "height": H}
    kinds: list[tuple[Any, dict[str, Any], dict[str, Any]]] = [
        (ShmemServer, {"n_bytes": 7}, server),
        (ShmemRGBServer, size, server),
        (ShmemClient, {"n_bytes": 7}, server | client),
        (ShmemRGBClient, size, server | client),
        (FragMP4ShmemClient, {}, server | client | {"n_size": 1024 * 1024}),
    ]
    for kind, given, defaults in kinds:
        assert set(kind.parameter_defs) == {"name", *given, *defaults}
        made = kind(name=name, **given)
        assert {key: getattr(made, key) for key in defaults} == defaults
        with pytest.raises(AttributeError, match="n_ringbuffer"):
            kind(name=name, n_ringbuffer="many", **given)


@pytest.mark.effect("valkka.api2.shmem.{ShmemRGBServer,ShmemRGBClient,FragMP4ShmemClient}.useEventFd")
def test_events_of_pictures_and_boxes(name: str) -> None:
    pictures, boxes = EventFd(), EventFd()
    server, viewer = ShmemRGBServer(name=name, width=W, height=H), rgb_client(name)
    server.useEventFd(pictures)
    viewer.useEventFd(pictures)
    assert not pictures.is_set()
    server.pushFrame(picture(1), 1, 0)
    assert pictures.is_set()
    assert viewer.pullFrame()[0] == 0
    assert not pictures.is_set()
    client = FragMP4ShmemClient(name=f"{name} 4", mstimeout=5000)
    client.useEventFd(boxes)
    with camgraph.publish(f"{name} 4", size=(5000, 1), format="fmp4") as publisher:
        for _ in range(2):
            publisher.publish_bytes(b"\0\0\0\x08moof", tag=7, capture_ns=0, keyframe=True)
        assert client.pullFrame()[0] == 0
        assert boxes.is_set()
        assert client.pullFrame()[0] == 1
        assert not boxes.is_set()


def _pull_some(pipe: Connection, name: str, count: int) -> None:
    client = rgb_client(name)
    pipe.send("there")
    numbers = []
    for _ in range(count):
        index, meta = client.pullFrame()
        assert index is not None
        assert meta is not None
        view = client.shmem_list[index]
        assert (view == view[0]).all()
        assert view[0] == meta.mstimestamp % 251
        numbers.append(meta.mstimestamp)
    pipe.send(numbers)


def test_several_clients_in_processes_get_every_picture(name: str, fork: Fork) -> None:
    children = [fork(_pull_some, name, 8) for _ in range(3)]
    assert [child.said() for child in children] == ["there"] * 3
    server = ShmemRGBServer(name=name, width=W, height=H)
    for number in range(8):
        server.pushFrame(picture(number), 1, number)
    for child in children:
        assert child.said() == list(range(8))
        child.end()


def _use_what_was_inherited(pipe: Connection, client: ShmemClient, server: ShmemServer) -> None:
    pipe.send(client.pullObject())
    server.pushObject("from the child")
    pipe.recv()


def test_ends_made_before_a_fork_work_in_the_child(name: str, fork: Fork) -> None:
    to_child = ShmemClient(name=f"{name} a", n_bytes=100, mstimeout=5000)
    from_child = ShmemServer(name=f"{name} b", n_bytes=100)
    server = ShmemServer(name=f"{name} a", n_bytes=100)
    client = ShmemClient(name=f"{name} b", n_bytes=100, mstimeout=5000)
    child = fork(_use_what_was_inherited, to_child, from_child)
    server.pushObject("from the parent")
    assert child.said() == "from the parent"
    assert client.pullObject() == "from the child"
    child.tell("end")
    child.end()
    assert to_child.pullObject() == "from the parent"


def _pull(pipe: Connection, client: ShmemRGBClient) -> None:
    pipe.send(client.pullFrame())


def test_a_client_that_was_closed_gets_nothing_in_a_child_either(name: str, fork: Fork) -> None:
    client = rgb_client(name, mstimeout=0)
    client.close()
    child = fork(_pull, client)
    assert child.said() == (None, None)
    child.end()


def _wait_for_ever(pipe: Connection, name: str) -> None:
    client = rgb_client(name, mstimeout=0)
    try:
        pipe.send("waits")
        client.pullFrame()
    except KeyboardInterrupt:
        pipe.send("interrupted")


def test_a_client_that_waits_for_ever_can_be_interrupted(name: str, fork: Fork) -> None:
    child = fork(_wait_for_ever, name)
    assert child.said() == "waits"
    stat = Path(f"/proc/{child.process.pid}/stat")
    wait_until(lambda: stat.read_text().rpartition(")")[2].split()[0] == "S", timeout_s=5)
    os.kill(child.process.pid or 0, signal.SIGINT)
    assert child.said() == "interrupted"
    child.end()


def test_a_ring_with_room_for_few_is_read_all_the_same(name: str) -> None:
    side = 4096
    server = ShmemRGBServer(name=name, width=side, height=side)
    client = ShmemRGBClient(name=name, width=side, height=side, mstimeout=5000)
    sent = picture(7, side, side)
    for number in range(2):
        server.pushFrame(sent, 1, number)
        index, _ = client.pullFrame()
        assert index == number
        assert np.array_equal(client.shmem_list[index][::4097], sent.reshape(-1)[::4097])


def test_a_new_server_takes_the_place_of_one_that_is_gone(
    name: str, caplog: pytest.LogCaptureFixture
) -> None:
    client = rgb_client(name)
    server = ShmemRGBServer(name=name, width=W, height=H)
    server.pushFrame(picture(1), 1, 1)
    assert client.pull()[0] == 0
    newer = ShmemRGBServer(name=name, width=W, height=H)
    newer.pushFrame(picture(2), 1, 2)
    assert "another ring named" in caplog.text
    del server
    index, meta = client.pullFrame()
    assert index == 0
    assert meta is not None
    assert meta.mstimestamp == 2
