"""Processes are forks of the program, and end with it; what a fork doesn't bear is told."""

import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

import camgraph as cg
from camgraph.base.parking import foreign_threads
from camgraph.testing.waiting import wait_until
from valkka.multiprocess import MessageProcess, forked, safe_select

PROGRAM = Path(__file__).with_name("orphans_program.py")


def test_they_are_forks_and_end_with_the_program() -> None:
    with subprocess.Popen(
        [sys.executable, "-W", "error", PROGRAM, "spawn"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as program:
        assert program.stdout is not None
        said = [program.stdout.readline() for _ in range(2)]
        program.kill()
    pids = {int(word) for word in said[0].split()}
    assert len(pids) == 5
    assert said[1] == "{True}\n"
    wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in pids), 5, "the end of all")


@pytest.mark.parametrize("what", ["fails", "interrupted"])
def test_a_program_that_fails_ends_them(what: str) -> None:
    with subprocess.Popen(
        [sys.executable, "-W", "error", PROGRAM, "fork", what],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as program:
        assert program.stdout is not None
        pids = {int(word) for word in program.stdout.readline().split()}
        program.stdout.readline()
        if what == "interrupted":
            program.send_signal(signal.SIGINT)
        _, errors = program.communicate(timeout=10)
    assert program.returncode == (1 if what == "fails" else -signal.SIGINT)
    assert errors.count("Traceback") == 1
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)


class Told(MessageProcess):
    def preRun__(self) -> None:
        self.send_out__(signal.getsignal(signal.SIGINT) is signal.SIG_IGN)


@pytest.fixture
def thread() -> Iterator[threading.Thread]:
    end = threading.Event()
    thread = threading.Thread(target=end.wait, name="mine-and-busy")
    thread.start()
    forked._named.clear()
    yield thread
    end.set()
    thread.join()


def test_foreign_threads_are_named_once(thread: threading.Thread, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(2):
        told = Told()
        told.start()
        told.stop()
    (warning,) = [it.getMessage() for it in caplog.records if it.levelno == logging.WARNING]
    assert "was forked while" in warning
    assert "mine-and-busy" in warning


@pytest.mark.effect("valkka.multiprocess.base.MessageProcess.ignoreSIGINT")
@pytest.mark.parametrize("ignores", [False, True])
def test_ctrl_c(ignores: bool, capfd: pytest.CaptureFixture[str]) -> None:
    told = Told()
    if ignores:
        told.ignoreSIGINT()
    told.start()
    assert told.getPipe().recv() is ignores
    assert told.pid is not None
    os.kill(told.pid, signal.SIGINT)
    if ignores:
        assert safe_select([told.getPipe()], [], [], timeout=0.1) == ([], [], [])
        told.stop()
    # In order, and without a traceback.
    assert told.getPipe().recv() is None
    told.join()
    assert told.exitcode == 0
    assert "Traceback" not in capfd.readouterr().err


def test_ctrl_c_in_the_midst_of_a_fork_comes_after_it() -> None:
    interrupts = [signal.SIGINT]

    def interrupt() -> None:
        if interrupts:
            signal.raise_signal(interrupts.pop())

    os.register_at_fork(before=interrupt)
    told = Told()
    with pytest.raises(KeyboardInterrupt):
        told.start()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert told.getPipe().recv() is False
    told.stop()
    assert told.exitcode == 0


@pytest.mark.effect("valkka.multiprocess.base.MessageProcess.{formatLogger,setDebug}")
def test_its_logger(capfd: pytest.CaptureFixture[str]) -> None:
    Told.formatLogger()
    told = Told("one")
    told.logger.debug("too much")
    told.logger.info("enough")
    told.setDebug()
    told.logger.debug("everything")
    said = capfd.readouterr().err
    assert [word in said for word in ("too much", "enough", "everything")] == [False, True, True]
    assert "Told.one INFO: enough" in said
    logging.getLogger("Told").handlers.clear()


def test_our_own_threads_are_not_foreign() -> None:
    graph = cg.Graph()
    graph.rtsp("camera", "rtsp://127.0.0.1:9/1")
    before = set(foreign_threads())
    with graph.start():
        assert set(foreign_threads()) == before
        told = Told()
        told.start()
        assert told.getPipe().recv() is False
        told.stop()
        assert told.exitcode == 0
