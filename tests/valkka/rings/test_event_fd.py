"""EventFd: shared by forking, selected on; one pull for each time it is set, none is forgotten."""

import os
import select
from collections.abc import Callable
from multiprocessing.connection import Connection

import numpy as np
import pytest
from tests.valkka.rings.conftest import Child

from valkka.api2.shmem import ShmemClient, ShmemServer
from valkka.core.event_fd import EventFd

Fork = Callable[..., Child]
COUNT = 2000


def is_set(event: EventFd) -> bool:
    return bool(select.select([event.getFd()], [], [], 0)[0])


@pytest.mark.effect("valkka.core.EventFd.{getFd,set,clear}")
def test_it_is_set_and_cleared_and_closed_with_its_owner() -> None:
    event = EventFd()
    assert not is_set(event)
    event.clear()
    event.set()
    event.set()
    assert is_set(event)
    event.clear()
    assert not is_set(event)
    assert [EventFd(), event].index(event) == 1
    descriptor = event.getFd()
    assert os.readlink(f"/proc/self/fd/{descriptor}") == "anon_inode:[eventfd]"
    del event
    assert not os.path.exists(f"/proc/self/fd/{descriptor}")


@pytest.mark.effect("valkka.api2.shmem.{ShmemServer,ShmemClient}.useEventFd")
def test_it_stays_set_while_there_is_something_to_pull(name: str) -> None:
    event = EventFd()
    server = ShmemServer(name=name, n_bytes=100)
    server.useEventFd(event)
    server.useEventFd(event)
    client = ShmemClient(name=name, n_bytes=100, mstimeout=5000)
    client.useEventFd(event)
    server.pushBytes(b"1")
    assert is_set(event)
    for text in b"2", b"3":
        server.pushBytes(text)
    assert client.pullBytes() == b"1"
    assert is_set(event)
    assert client.pullBytes() == b"2"
    assert is_set(event)
    assert client.pullBytes() == b"3"
    assert not is_set(event)
    server.pushBytes(b"4")
    assert is_set(event)
    assert client.pullBytes() == b"4"
    assert not is_set(event)


def test_a_client_that_pulls_unasked_may_and_a_foreign_event_is_set_for_it(name: str) -> None:
    server, event = ShmemServer(name=name, n_bytes=100), EventFd()
    client = ShmemClient(name=name, n_bytes=100, mstimeout=50)
    client.useEventFd(event)
    assert client.pullBytes() is None
    for text in b"1", b"2":
        server.pushBytes(text)
    assert client.pullBytes() == b"1"
    assert is_set(event)
    assert client.pullBytes() == b"2"
    assert not is_set(event)


def test_an_event_that_nothing_comes_of_is_waited_for_once(name: str) -> None:
    event = EventFd()
    client = ShmemClient(name=name, n_bytes=100, mstimeout=50)
    client.useEventFd(event)
    # For a frame that went by before the client came, say.
    event.set()
    assert client.pull() == (None, None)
    assert not is_set(event)
    server = ShmemServer(name=name, n_bytes=100)
    server.useEventFd(event)
    server.pushBytes(b"1")
    assert is_set(event)
    assert client.pull() == (0, 1)
    assert not is_set(event)


def _pull_when_set(pipe: Connection, name: str, event: EventFd) -> None:
    client = ShmemClient(name=name, n_bytes=8, mstimeout=1000)
    client.useEventFd(event)
    pipe.send("there")
    seen: list[int] = []
    spurious = 0
    while not seen or seen[-1] != COUNT - 1:
        assert select.select([event.getFd()], [], [], 5)[0], seen[-3:]
        array = client.pullArray()
        if array is None:
            spurious += 1
        else:
            seen.append(int(array.view(np.int64)[0]))
    pipe.send((seen, spurious, is_set(event)))


def test_no_wake_up_is_lost_across_processes(name: str, fork: Fork) -> None:
    events = [EventFd(), EventFd()]
    server = ShmemServer(name=name, n_bytes=8, n_ringbuffer=30)
    children = []
    for event in events:
        server.useEventFd(event)
        children.append(fork(_pull_when_set, name, event))
        assert children[-1].said() == "there"
    for number in range(COUNT):
        server.pushArray(np.array([number]))
        if number % 3 == 0:
            # Now it is the readers' turn, now they are behind.
            select.select([], [], [], 0.0005)
    for child in children:
        seen, spurious, left = child.said(30)
        assert seen == sorted(set(seen))
        assert spurious <= COUNT // 100
        assert not left
        child.end()
