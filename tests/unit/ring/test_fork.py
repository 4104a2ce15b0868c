"""A forked child shares its parent's descriptions: it must not end the parent's leases, nor keep anything."""

import gc
import os
import select
import signal
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import pytest

from camgraph.base.errors import BrokenError, ClosedError

if TYPE_CHECKING:
    from tests.unit.ring.conftest import Site


# Python 3.12 warns of forking beside threads (pytest-timeout's): the children only look, and _exit.
pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")


def in_child(function: Callable[[], None]) -> None:
    """Run a function in a forked child; what it raises fails the test."""
    read_end, write_end = os.pipe()
    pid = os.fork()
    if pid == 0:
        text = "ok"
        try:
            function()
        except BaseException as error:
            text = repr(error)
        os.write(write_end, text.encode())
        os._exit(0)
    os.close(write_end)
    with os.fdopen(read_end) as pipe:
        text = pipe.read()
    os.waitpid(pid, 0)
    assert text == "ok"


def descriptors_of_rings() -> list[str]:
    names = []
    for name in os.listdir("/proc/self/fd"):
        try:
            link = os.readlink(f"/proc/self/fd/{name}")
        except FileNotFoundError:
            continue
        if "camgraph-door" in link:
            names.append(link)
    return names


def maps_of_rings() -> list[str]:
    with open("/proc/self/maps") as maps:
        return [line for line in maps if "camgraph-door" in line]


def test_a_child_does_not_end_the_leases_of_its_parent(site: "Site") -> None:
    writer = site.writer(fps=10)
    reader = site.reader(writer, leases=4)
    site.publish(writer, 1)
    frame = reader.read(1)
    site.publish(writer, 2)
    view = reader.read(1).array[2:]

    def child() -> None:
        nonlocal frame, view
        frame.release()
        del frame, view
        gc.collect()
        reader.close()
        gc.collect()

    in_child(child)
    assert reader.statistics().held == 2
    site.publish(writer, *range(3, 100))
    assert np.array_equal(frame.array, site.picture(1)[0])
    assert np.array_equal(view, site.picture(2)[0][2:])
    assert reader.read(1).pts == 99


def test_a_child_that_lives_on_keeps_nothing_of_the_ring(site: "Site") -> None:
    writer = site.writer()
    reader = site.reader(writer)
    site.publish(writer, 1)
    view = reader.read(1).array[1:]

    def child() -> None:
        assert descriptors_of_rings() == []
        assert maps_of_rings() == []
        assert not view.any()
        assert reader.fileno() == -1

    assert maps_of_rings()
    in_child(child)
    assert view.any()


def test_a_childs_copies_are_dead_and_say_so(site: "Site") -> None:
    writer = site.writer()
    reader = site.reader(writer)
    site.publish(writer, 1)
    frame = reader.read(1)
    array = frame.array

    def child() -> None:
        for use in (reader.read, reader.read_nowait, lambda: next(reader)):
            with pytest.raises(BrokenError, match="forked"):
                use()
        for name in ("array", "planes", "memory"):
            with pytest.raises(BrokenError, match="forked"):
                getattr(frame, name)
        with pytest.raises(BrokenError, match="forked"):
            frame.copy()
        with pytest.raises(ClosedError):
            site.publish(writer, 2)
        reader.close()
        writer.close()
        assert frame.seq == 1
        assert array.shape == (16, 32)

    in_child(child)
    assert site.publish(writer, 2)
    assert reader.read(1).pts == 2


def test_a_child_does_not_keep_the_connection_of_its_parent_open(site: "Site") -> None:
    writer = site.writer()
    reader = site.reader(writer)
    pid = os.fork()
    if pid == 0:
        signal.pause()
        os._exit(0)
    try:
        sock = writer.sockets()[0]
        reader.close()
        assert select.select([sock], [], [], 5)[0]
        second = site.reader(writer)
        site.publish(writer, 1)
        second.read(1)
        writer.close()
        assert second.read_nowait() is None
        assert second.statistics().reconnects == 1
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def test_a_child_can_make_its_own_reader(site: "Site") -> None:
    inherited = site.reader(site.writer())
    site.publish(site._writers[0], 1)

    def child() -> None:
        writer = site.writer()
        reader = site.reader(writer)
        site.publish(writer, 5)
        assert reader.read(1).pts == 5

    in_child(child)
    assert inherited.read(1).pts == 1
