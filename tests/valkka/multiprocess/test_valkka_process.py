"""Processes that signal, as programs of the second level subclass them."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import numpy as np
import pytest

from valkka.api2.multiprocess import ValkkaProcess, ValkkaShmemRGBProcess, safe_select
from valkka.api2.shmem import ShmemRGBServer


class Counter(ValkkaProcess):
    incoming_signal_defs: ClassVar = {
        "count_": {"step": int},
        "pong": {"message": str},
        "test_": {"test_int": int, "test_str": str},
        "fail_": [],
        "big_": {"size": int},
        "hang_": [],
    }
    outgoing_signal_defs: ClassVar = {"counted": {"total": int, "pid": int}, "ping": {"message": str}}

    def __init__(self, name: str = "counter", affinity: int = -1) -> None:
        super().__init__(name, affinity)
        self.got: list[Any] = []

    def preRun_(self) -> None:
        super().preRun_()
        self.total = 0
        self.sendSignal_(name="ping", message=f"on {sorted(os.sched_getaffinity(0))}")

    def cycle_(self) -> None:
        self.signal_in.wait(0.2)

    def postRun_(self) -> None:
        self.sendSignal_(name="ping", message="the end")

    def count_(self, step: int) -> None:
        self.total += step
        self.sendSignal_(name="counted", total=self.total, pid=os.getpid())

    def pong_(self, message: str) -> None:
        self.sendSignal_(name="ping", message=message[::-1])

    def fail_(self) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def big_(self, size: int) -> None:
        self.sendSignal_(name="ping", message="x" * size)

    def hang_(self) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        self.sendSignal_(name="ping", message="hangs")
        while True:
            time.sleep(10)

    def pong(self, message: str) -> None:
        self.sendSignal(name="pong", message=message)

    def counted(self, total: int, pid: int) -> None:
        self.got.append((total, pid))

    def ping(self, message: str) -> None:
        self.got.append(message)


def hear(process: ValkkaProcess) -> Any:
    """What a program's thread does for all its processes."""
    reads, _, _ = safe_select([process.getPipe()], [], [])
    assert reads == [process.getPipe()]
    process.handleSignal(process.getPipe().recv())
    return process.got[-1]


@pytest.fixture
def make() -> Iterator[Callable[..., Counter]]:
    made = []

    def make(**options: Any) -> Counter:
        counter = Counter(**options)
        made.append(counter)
        counter.start()
        return counter

    yield make
    for counter in made:
        counter.stop()
        counter.join()
        counter.pipe.close()


@pytest.mark.effect(
    "valkka.api2.multiprocess.ValkkaProcess.{getPipe,sendSignal,handleSignal,stop,run,preRun_,cycle_,postRun_,handleSignal_,sendSignal_,stop_}",
    "valkka.api2.multiprocess.safe_select",
)
def test_signals_go_both_ways(make: Callable[..., Counter]) -> None:
    cpu = min(os.sched_getaffinity(0))
    counter = make(affinity=cpu)
    assert (counter.name, counter.pre) == ("counter", "Counter.counter: ")
    assert hear(counter) == f"on [{cpu}]"
    for step in (1, 2):
        counter.sendSignal(name="count_", step=step)
    assert [hear(counter), hear(counter)] == [(1, counter.pid), (3, counter.pid)]
    counter.pong("abc")
    assert hear(counter) == "cba"
    counter.stop()
    assert hear(counter) == "the end"
    counter.join()
    assert counter.exitcode == 0
    assert {counter.getPipe(): counter}[counter.pipe] is counter


def test_a_cpu_that_is_not_there_is_done_without(make: Callable[..., Counter]) -> None:
    assert hear(make(affinity=1000)) == f"on {sorted(os.sched_getaffinity(0))}"


def test_a_signal_was_handled_when_sending_returns(make: Callable[..., Counter]) -> None:
    counter = make()
    hear(counter)
    counter.sendSignal(name="count_", step=5)
    assert counter.getPipe().poll(0)
    assert not counter.signal_in.is_set()


@pytest.mark.effect("valkka.api2.multiprocess.ValkkaProcess.{incoming_signal_defs,outgoing_signal_defs}")
def test_signals_are_checked(make: Callable[..., Counter]) -> None:
    counter = make()
    for wrong in ({}, {"name": "count_"}, {"name": "count_", "step": True}, {"name": "count_", "step": "1"}):
        with pytest.raises(AttributeError):
            counter.sendSignal(**wrong)
    for unknown in ({"name": "nothing_"}, {"name": "count_", "step": 1, "more": 2}):
        with pytest.raises(KeyError):
            counter.sendSignal(**unknown)
    with pytest.raises(AttributeError):
        counter.sendSignal_(name="ping", message=3)


def test_names_of_both_ways_must_differ() -> None:
    class Both(ValkkaProcess):
        incoming_signal_defs: ClassVar = {"ping": []}
        outgoing_signal_defs: ClassVar = {"ping": []}

    with pytest.raises(AttributeError, match="same name: ping"):
        Both("both")


def test_a_dead_back_end_takes_no_signal_and_no_time(
    make: Callable[..., Counter], caplog: pytest.LogCaptureFixture
) -> None:
    counter = make()
    hear(counter)
    counter.sendSignal(name="fail_")
    counter.sendSignal(name="count_", step=1)
    assert "signal fail_ is lost" in caplog.text
    assert "signal count_ is lost" in caplog.text
    # Who selects on it goes on as before.
    assert not counter.getPipe().poll(0)
    counter.stop()
    counter.join()
    assert counter.exitcode == -signal.SIGKILL


def test_killed_in_the_middle_of_a_signal(make: Callable[..., Counter]) -> None:
    counter = make()
    hear(counter)
    sending = threading.Thread(target=lambda: counter.sendSignal(name="big_", size=50_000_000))
    sending.start()
    assert counter.getPipe().poll(10)
    counter.kill()
    sending.join()
    counter.handleSignal(counter.getPipe().recv())
    assert len(counter.got) == 1


def test_one_that_hangs_is_ended_by_stop(
    make: Callable[..., Counter], caplog: pytest.LogCaptureFixture
) -> None:
    counter = make()
    hear(counter)
    counter.end_within_s = counter.kill_within_s = 0.1
    hanging = threading.Thread(target=lambda: counter.sendSignal(name="hang_"))
    hanging.start()
    assert hear(counter) == "hangs"
    counter.stop()
    hanging.join()
    assert counter.exitcode == -signal.SIGKILL


@pytest.mark.effect("valkka.api2.multiprocess.ValkkaProcess.startAsThread")
def test_as_a_thread() -> None:
    counter = Counter()
    counter.startAsThread()
    assert hear(counter).startswith("on ")
    counter.sendSignal(name="count_", step=4)
    assert hear(counter) == (4, os.getpid())
    counter.stop()
    assert counter.thread is not None
    counter.thread.join(5)
    assert hear(counter) == "the end"
    counter.sendSignal(name="count_", step=4)


@pytest.mark.effect("valkka.api2.multiprocess.ValkkaProcess.{test,test_}")
def test_the_default_cycle_and_test(capfd: pytest.CaptureFixture[str]) -> None:
    plain = ValkkaProcess("plain")
    plain.start()
    began = time.monotonic()
    plain.test(test_int=1, test_str="a")
    # It would sleep for seconds if it didn't wait for the signal.
    assert time.monotonic() - began < 4
    plain.handleSignal(plain.getPipe().recv())
    plain.stop()
    plain.join()
    said = capfd.readouterr()
    assert "Plain" not in said.err
    # At the back, and what it answers at the front.
    assert [word in said.out for word in ("test_ 1 a", "test_o 1 a")] == [True, True]


class Pictures(ValkkaShmemRGBProcess):
    outgoing_signal_defs: ClassVar = {"pulled": {"size": int}}

    def cycle_(self) -> None:
        super().cycle_()
        index, meta = self.client.pullFrame()
        if index is not None:
            self.sendSignal_(name="pulled", size=int(self.client.shmem_list[index][: meta.size].sum()))


@pytest.mark.effect("valkka.api2.multiprocess.ValkkaProcess.cycle_")
def test_pictures_from_shared_memory(capfd: pytest.CaptureFixture[str]) -> None:
    name = f"pictures-{os.getpid()}"
    process = Pictures("pictures", image_dimensions=(4, 2), memname=name, mstimeout=100, verbose=True)
    process.start()
    server = ShmemRGBServer(name=name, width=4, height=2)
    picture = np.full((2, 4, 3), 2, np.uint8)
    while not process.getPipe().poll(0.05):
        server.pushFrame(picture, 1, 0)
    assert process.getPipe().recv() == {"name": "pulled", "size": 48}
    process.stop()
    process.join()
    process.pipe.close()
    server.close()
