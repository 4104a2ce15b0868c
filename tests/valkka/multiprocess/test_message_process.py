"""Processes with a front end and a back end, as programs subclass them."""

import logging
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from camgraph.testing.waiting import wait_until
from valkka.multiprocess import MessageObject, MessageProcess, safe_select

INHERITED = {"before": "the start"}


class Worker(MessageProcess):
    timeout = 0.2

    def __init__(self, name: str = "worker") -> None:
        super().__init__(name)
        self.cycles = 0
        self.more = os.pipe()

    def preRun__(self) -> None:
        self.send_out__(("preRun", os.getpid(), self.question, INHERITED))

    def postRun__(self) -> None:
        self.send_out__("postRun")

    def readPipes__(self, timeout: float) -> None:
        reads, _, _ = safe_select([self.back_pipe, self.more[0]], [], [], timeout=timeout)
        self.cycles += 1
        if self.more[0] in reads:
            self.send_out__(os.read(self.more[0], 100))
        if self.back_pipe in reads:
            self.handleBackPipe__(self.back_pipe)

    def add(self, a: int, b: int) -> Any:
        self.sendMessageToBack(MessageObject("add", a=a, b=b))
        return self.returnFromBack()

    def c__add(self, a: int, b: int) -> None:
        self.return_out__(a + b)

    def c__tell(self, what: str) -> None:
        self.send_out__(getattr(self, what))

    def c__die(self) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def c__hang(self) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        self.send_out__("hangs")
        while True:
            time.sleep(10)

    def c__big(self, size: int) -> None:
        self.send_out__(bytes(size))

    def c__children(self) -> None:
        """Leave a process behind that has all descriptors of this one."""
        pid = os.fork()
        if pid == 0:
            time.sleep(100)
            os._exit(0)
        self.send_out__(pid)


@pytest.fixture
def worker() -> Iterator[Worker]:
    worker = Worker()
    worker.question = "set before start"
    worker.go()
    told = receive(worker)
    assert told == ("preRun", worker.pid, "set before start", {"before": "the start"})
    yield worker
    worker.stop()
    for fd in worker.more:
        os.close(fd)
    assert worker.exitcode is not None
    worker.front_pipe.close()


def receive(process: MessageProcess, within_s: float = 5.0) -> Any:
    reads, writes, excepts = safe_select([process.getPipe()], [], [], timeout=within_s)
    assert (reads, writes, excepts) == ([process.getPipe()], [], []), "nothing came"
    return process.getPipe().recv()


def ask(worker: Worker, what: str) -> Any:
    worker.sendMessageToBack(MessageObject("tell", what=what))
    return receive(worker)


@pytest.mark.effect(
    "valkka.multiprocess.base.MessageObject",
    "valkka.multiprocess.base.MessageProcess.{go,getPipe,sendMessageToBack,returnFromBack,sendPing,run,preRun__,readPipes__,handleBackPipe__,routeMainPipe__,send_out__,return_out__,c__ping}",
)
def test_messages_go_both_ways(worker: Worker, capfd: pytest.CaptureFixture[str]) -> None:
    worker.sendPing([4, 5])
    pong = receive(worker)
    assert (pong(), pong["lis"], pong.command, pong.kwargs) == ("pong", [1, 2, 3], "pong", {"lis": [1, 2, 3]})
    assert worker.add(20, 3) == 23
    os.write(worker.more[1], b"from a pipe of its own")
    assert receive(worker) == b"from a pipe of its own"
    worker.sendMessageToBack(MessageObject("big", size=5_000_000))
    assert receive(worker) == bytes(5_000_000)


def test_name_is_that_of_processes_and_its_logger_has_ours(worker: Worker) -> None:
    assert worker.name.startswith("Worker-")
    assert worker.logger.name == "Worker.worker"
    assert worker.getPipe() is worker.front_pipe
    assert MessageProcess.timeout == 1.0
    assert (worker.loop, worker.listening) == (True, False)


def test_it_is_started_once(worker: Worker) -> None:
    assert isinstance(worker, multiprocessing.Process)
    with pytest.raises(AssertionError, match="twice"):
        worker.start()
    assert worker.add(2, 3) == 5


@pytest.mark.effect("valkka.multiprocess.base.MessageProcess.{requestStop,waitStop,postRun__}")
def test_the_end_in_order_is_told_by_none(worker: Worker) -> None:
    worker.requestStop()
    worker.waitStop()
    assert worker.exitcode == 0
    assert [receive(worker), receive(worker)] == [None, "postRun"]


def test_a_killed_back_end_is_told_by_one_none(worker: Worker, caplog: pytest.LogCaptureFixture) -> None:
    worker.sendMessageToBack(MessageObject("die"))
    assert receive(worker) is None
    assert safe_select([worker.getPipe()], [], [], timeout=0) == ([], [], [])
    with pytest.raises(EOFError, match="returned nothing: it has ended: signal SIGKILL"):
        worker.returnFromBack()
    worker.sendMessageToBack(MessageObject("add", a=1, b=2))
    assert "is lost: the back end has ended: signal SIGKILL" in caplog.text
    worker.stop()
    assert worker.exitcode == -signal.SIGKILL


def test_who_waits_for_an_answer_hears_of_the_death(worker: Worker) -> None:
    worker.sendMessageToBack(MessageObject("children"))
    grandchild = receive(worker)
    worker.sendMessageToBack(MessageObject("hang"))
    assert receive(worker) == "hangs"
    threading.Timer(0.1, worker.kill).start()
    with pytest.raises(EOFError, match="signal SIGKILL"):
        worker.returnFromBack()
    os.kill(grandchild, signal.SIGKILL)


def test_killed_in_the_middle_of_a_message(worker: Worker) -> None:
    worker.sendMessageToBack(MessageObject("big", size=50_000_000))
    assert worker.getPipe().poll(5)
    worker.kill()
    assert receive(worker) is None


@pytest.mark.effect("valkka.multiprocess.base.MessageProcess.stop")
def test_one_that_does_not_stop_is_ended(worker: Worker, caplog: pytest.LogCaptureFixture) -> None:
    worker.end_within_s = worker.kill_within_s = 0.1
    worker.sendMessageToBack(MessageObject("hang"))
    assert receive(worker) == "hangs"
    worker.stop()
    assert worker.exitcode == -signal.SIGKILL
    assert "does not stop within 0.1 s" in caplog.text


def test_unknown_commands_are_logged_and_wrong_arguments_end_it(
    worker: Worker, capfd: pytest.CaptureFixture[str]
) -> None:
    Worker.formatLogger(logging.WARNING)
    worker.sendMessageToBack(MessageObject("nothing_such"))
    assert ask(worker, "timeout") == 0.2
    worker.sendMessageToBack(MessageObject("add", c=3))
    assert receive(worker) is None
    worker.join()
    assert worker.exitcode == 1


class Plain(MessageProcess):
    pass


class Unreadable:
    def __reduce__(self) -> tuple[Any, ...]:
        return int, ("this is no number",)


@pytest.mark.effect("valkka.multiprocess.base.MessageProcess.readPipes__")
def test_a_message_that_cannot_be_read_is_logged(capfd: pytest.CaptureFixture[str]) -> None:
    worker = Plain("unreadable")
    Plain.formatLogger()
    worker.go()
    worker.getPipe().send(Unreadable())
    worker.sendPing([])
    assert receive(worker)() == "pong"
    worker.stop()
    assert "CRITICAL: Plain.unreadable: a message can't be read" in capfd.readouterr().err


class Setting(MessageProcess):
    """Tells how long it may wait."""

    times = 0

    def readPipes__(self, timeout: float) -> None:
        self.times += 1
        if self.times < 3:
            self.send_out__(timeout)
            self.listening = True
        else:
            super().readPipes__(0.1)


@pytest.mark.effect("valkka.multiprocess.base.MessageProcess.timeout")
def test_how_long_it_waits_and_whether() -> None:
    worker = Setting()
    worker.timeout = 0.3
    worker.go()
    assert [receive(worker), receive(worker)] == [0.3, 0]
    worker.stop()


class Finite(MessageProcess):
    def readPipes__(self, timeout: float) -> None:
        super().readPipes__(0)
        self.loop = False


def test_waiting_for_one_that_ends_by_itself() -> None:
    worker = Finite()
    worker.go()
    worker.waitStop()
    assert worker.exitcode == 0
    assert receive(worker) is None


class Outer(MessageProcess):
    """Has a process of its own."""

    def preRun__(self) -> None:
        self.inner = Plain("inner")
        self.inner.go()
        self.send_out__(self.inner.pid)
        self.inner.sendPing([])
        self.send_out__(self.inner.getPipe().recv())

    def postRun__(self) -> None:
        self.inner.stop()


@pytest.mark.parametrize("dies", [False, True])
def test_processes_of_processes(dies: bool, capfd: pytest.CaptureFixture[str]) -> None:
    outer = Outer()
    outer.go()
    inner = Path(f"/proc/{receive(outer)}")
    assert receive(outer)() == "pong"
    if dies:
        outer.kill()
    outer.stop()
    wait_until(lambda: not inner.exists(), 5, "its end")
