"""The supervisor's side of back ends that are started again: real processes, played clients."""

import ctypes
import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import camgraph as cg
from camgraph.base.descriptors import site_address
from camgraph.base.loop import Loop
from camgraph.control.messages import ProcessExited, ProcessStarted, ProcessStopped, Spawn
from camgraph.graph.spec import FrameRequest
from camgraph.process import payload
from camgraph.supervisor import stops
from camgraph.supervisor.backends import BackEnds
from camgraph.supervisor.ends import STAYED_STOPPED


class Worker(cg.MessageProcess):
    restart = True

    def __init__(self, trace: str, way: str) -> None:
        self.trace, self.way = trace, way

    def setup(self) -> None:
        with open(self.trace, "a") as file:
            file.write(f"{os.getpid()}\n")
        if self.way == "segfault":
            ctypes.string_at(0)
        if self.way:
            raise SystemExit(int(self.way))

    def on_frame(self, frame: Any) -> None: ...


class Supervised:
    """Back ends, what was told of them, and the front's ends of their channels."""

    def __init__(self, site: str, trace: Path, reads: Callable[[], bool] = lambda: True) -> None:
        self.trace = trace
        trace.touch()
        self.loop = Loop()
        self.told: list[ProcessStarted | ProcessStopped | ProcessExited] = []
        self.channels: list[int] = []
        self.backends = BackEnds(self.loop, site=site, tell=self._tell, reads=reads)

    def spawn(self, way: str = "", **options: Any) -> None:
        memfd = os.memfd_create("payload")
        os.write(memfd, payload.pack(Worker, (str(self.trace), way), {}))
        spawn = Spawn(process="Worker-1", name="Worker", **({"restart": True} | options))
        self.backends.spawn(spawn, memfd)

    def until(self, condition: Callable[[], object]) -> None:
        deadline = time.monotonic() + 20
        while not condition():
            assert time.monotonic() < deadline, self.told
            self.loop.run_once(0.05)
            self.backends.look_for_stops()

    def set_up(self) -> list[int]:
        return [int(pid) for pid in self.trace.read_text().split()]

    def exits(self) -> list[tuple[int, str, bool]]:
        ends = [message for message in self.told if isinstance(message, ProcessExited)]
        return [(end.pid, end.how, end.restarts) for end in ends]

    def close(self) -> None:
        self.backends.stop()
        self.until(lambda: self.backends.ended)
        for channel in self.channels:
            os.close(channel)
        self.loop.close()

    def _tell(
        self, message: ProcessStarted | ProcessStopped | ProcessExited, descriptors: tuple[int, ...]
    ) -> None:
        self.told.append(message)
        self.channels += map(os.dup, descriptors)


@pytest.fixture
def supervised(tmp_path: Path) -> Iterator[Supervised]:
    supervised = Supervised("nobody", tmp_path / "trace")
    yield supervised
    supervised.close()


def memfds() -> int:
    names = []
    for entry in Path("/proc/self/fd").iterdir():
        try:
            names.append(os.readlink(entry))
        except OSError:
            continue
    return sum("payload" in name or "watched" in name or "story" in name for name in names)


def state_of(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]


def test_a_killed_one_is_started_again_and_each_life_is_told(supervised: Supervised) -> None:
    supervised.spawn()
    supervised.until(lambda: len(supervised.set_up()) == 1)
    (first,) = supervised.set_up()
    os.kill(first, signal.SIGKILL)
    supervised.until(lambda: len(supervised.set_up()) == 2)
    second = supervised.set_up()[1]
    assert supervised.told[0] == ProcessStarted(process="Worker-1", pid=first)
    assert supervised.exits() == [(first, "signal SIGKILL", True)]
    assert supervised.told[2] == ProcessStarted(process="Worker-1", pid=second)
    assert supervised.backends.pids == {"Worker-1": second}
    supervised.backends.terminate("Worker-1", 5.0)
    supervised.until(lambda: supervised.backends.ended)
    assert supervised.exits()[1:] == [(second, "exit code 0", False)]
    assert memfds() == 0


def test_one_that_is_not_to_be_started_again_ends(supervised: Supervised) -> None:
    supervised.spawn("5", restart=False)
    supervised.until(lambda: supervised.backends.ended)
    assert [end[1:] for end in supervised.exits()] == [("exit code 5", False)]
    assert memfds() == 0


def test_exit_code_0_is_an_end(supervised: Supervised) -> None:
    supervised.spawn("0")
    supervised.until(lambda: supervised.backends.ended)
    assert [end[1:] for end in supervised.exits()] == [("exit code 0", False)]


def test_so_many_crashes_are_the_end_with_the_story_of_each(supervised: Supervised) -> None:
    supervised.spawn("segfault", crashes=3, within_s=30.0)
    supervised.until(lambda: supervised.backends.ended)
    first, second, last = [end for end in supervised.told if isinstance(end, ProcessExited)]
    for end in (first, second):
        assert end.how.startswith("signal SIGSEGV in setup (test_backends.py:")
        assert end.restarts
    headline, *lives = last.how.splitlines()
    assert headline.startswith("3 crashes in ")
    assert headline.endswith(" s, so it is not started again:")
    assert [life.rpartition(", after ")[0] for life in lives] == [first.how] * 3
    assert not last.restarts
    for end in (first, second, last):
        assert end.returncode == -signal.SIGSEGV
        assert f'File "{__file__}"' in end.trace
        assert "in string_at" in end.trace
    assert memfds() == 0


def test_exit_code_0_is_no_crash_too_many(supervised: Supervised) -> None:
    supervised.spawn("0", crashes=1)
    supervised.until(lambda: supervised.backends.ended)
    assert [end[1:] for end in supervised.exits()] == [("exit code 0", False)]


def test_a_stop_is_told_and_one_that_stays_stopped_is_started_again(
    supervised: Supervised, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stops, "LOOK_EVERY_S", 0.1)
    supervised.spawn()
    supervised.until(lambda: len(supervised.set_up()) == 1)
    (first,) = supervised.set_up()
    for number, stopped in (signal.SIGSTOP, True), (signal.SIGCONT, False), (signal.SIGSTOP, True):
        os.kill(first, number)
        supervised.until(lambda: isinstance(supervised.told[-1], ProcessStopped))
        assert supervised.told.pop() == ProcessStopped(process="Worker-1", pid=first, stopped=stopped)
    supervised.until(lambda: len(supervised.set_up()) == 2)
    assert supervised.exits() == [(first, STAYED_STOPPED, True)]
    os.kill(supervised.set_up()[1], signal.SIGKILL)
    supervised.until(lambda: len(supervised.exits()) == 2)
    assert supervised.exits()[1][1:] == ("signal SIGKILL", True)


def test_one_without_restart_stays_stopped(supervised: Supervised, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stops, "LOOK_EVERY_S", 0.02)
    supervised.spawn(restart=False)
    supervised.until(lambda: len(supervised.set_up()) == 1)
    (pid,) = supervised.set_up()
    os.kill(pid, signal.SIGSTOP)
    supervised.until(lambda: len(supervised.told) == 2)
    stopped = time.monotonic()
    supervised.until(lambda: time.monotonic() > stopped + 2 * stops.STUCK_LOOKS * stops.LOOK_EVERY_S)
    os.kill(pid, signal.SIGCONT)
    supervised.until(lambda: len(supervised.told) == 3)
    assert supervised.told[1:] == [
        ProcessStopped(process="Worker-1", pid=pid, stopped=True),
        ProcessStopped(process="Worker-1", pid=pid, stopped=False),
    ]


def test_of_one_whose_program_does_not_read_the_last_stop_is_told(tmp_path: Path) -> None:
    reads = True
    supervised = Supervised("nobody", tmp_path / "trace", lambda: reads)
    supervised.spawn()
    supervised.until(lambda: len(supervised.set_up()) == 1)
    (pid,) = supervised.set_up()
    reads = False

    def send(number: signal.Signals) -> None:
        os.kill(pid, number)
        supervised.until(lambda: (state_of(pid) == "T") == (number == signal.SIGSTOP))
        supervised.backends.look_for_stops()

    send(signal.SIGSTOP)
    send(signal.SIGCONT)
    supervised.backends.catch_up()
    assert len(supervised.told) == 1
    send(signal.SIGSTOP)
    supervised.backends.catch_up()
    supervised.backends.catch_up()
    assert supervised.told[1:] == [ProcessStopped(process="Worker-1", pid=pid, stopped=True)]
    os.kill(pid, signal.SIGCONT)
    supervised.close()


def test_one_that_is_waited_for_can_be_ended_at_once(supervised: Supervised) -> None:
    supervised.spawn("5")
    supervised.until(lambda: len(supervised.exits()) == 3)
    pid = supervised.exits()[-1][0]
    assert supervised.backends.pids == {}
    assert not supervised.backends.ended
    supervised.backends.terminate("Worker-1", 5.0)
    assert supervised.backends.ended
    assert supervised.exits()[-2:] == [(pid, "exit code 5", True), (pid, "exit code 5", False)]
    assert memfds() == 0


def test_a_broken_one_is_killed_and_started_again(supervised: Supervised) -> None:
    supervised.spawn()
    supervised.until(lambda: len(supervised.set_up()) == 1)
    (pid,) = supervised.backends.pids.values()
    supervised.backends.terminate("Worker-1", 0.0, renew=pid)
    supervised.until(lambda: len(supervised.set_up()) == 2)
    assert [end[1:] for end in supervised.exits()] == [("signal SIGKILL", True)]


def test_one_that_is_told_broken_after_its_death_does_not_take_its_successor_along(
    supervised: Supervised,
) -> None:
    supervised.spawn()
    supervised.until(lambda: len(supervised.set_up()) == 1)
    (broken,) = supervised.backends.pids.values()
    os.kill(broken, signal.SIGKILL)
    supervised.until(lambda: len(supervised.set_up()) == 2)
    (successor,) = supervised.backends.pids.values()
    supervised.backends.terminate("Worker-1", 0.0, renew=broken)
    supervised.backends.terminate("Worker-1", 5.0)
    supervised.until(lambda: supervised.backends.ended)
    assert supervised.exits() == [(broken, "signal SIGKILL", True), (successor, "exit code 0", False)]


def test_one_without_restart_is_not_renewed_but_ended(supervised: Supervised) -> None:
    supervised.spawn(restart=False)
    supervised.until(lambda: len(supervised.set_up()) == 1)
    (pid,) = supervised.backends.pids.values()
    supervised.backends.terminate("Worker-1", 0.0, renew=pid)
    supervised.until(lambda: supervised.backends.ended)
    assert [end[2] for end in supervised.exits()] == [False]


def test_each_life_asks_for_what_is_watched_at_its_start(tmp_path: Path) -> None:
    site = f"test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_CLOEXEC) as listener:
        listener.bind(site_address(site))
        listener.listen()
        listener.setblocking(False)
        asked: list[bytes] = []
        connected: list[socket.socket] = []

        def hear() -> bool:
            try:
                connected.append(listener.accept()[0])
            except BlockingIOError:
                return False
            connected[-1].setblocking(True)
            asked.append(connected[-1].recv(4096))
            return True

        supervised = Supervised(site, tmp_path / "trace")
        supervised.spawn(watched=(FrameRequest(stream="door"),))
        supervised.until(hear)
        assert b"door" in asked[0]
        supervised.backends.watch("Worker-1", (FrameRequest(stream="yard"), FrameRequest(stream="hall")))
        supervised.backends.watch("Worker-9", ())
        os.kill(supervised.backends.pids["Worker-1"], signal.SIGKILL)
        supervised.until(lambda: hear() and len(asked) == 3)
        assert b"yard" in asked[1]
        assert b"hall" in asked[2]
        supervised.close()
        for sock in connected:
            sock.close()
    assert memfds() == 0


def test_of_one_whose_program_does_not_read_only_the_last_life_waits(tmp_path: Path) -> None:
    reads = True
    supervised = Supervised("nobody", tmp_path / "trace", lambda: reads)
    supervised.spawn()
    supervised.until(lambda: len(supervised.set_up()) == 1)
    reads = False
    for lives in (2, 3):
        os.kill(supervised.set_up()[-1], signal.SIGKILL)
        supervised.until(lambda: len(supervised.set_up()) == lives)  # noqa: B023
    assert len(supervised.told) == 1
    first, second, third = supervised.set_up()
    reads = True
    supervised.backends.catch_up()
    supervised.backends.catch_up()
    assert supervised.told == [
        ProcessStarted(process="Worker-1", pid=first),
        ProcessExited(process="Worker-1", pid=second, returncode=-9, how="signal SIGKILL", restarts=True),
        ProcessStarted(process="Worker-1", pid=third),
    ]
    # The channel is the last one's, and works.
    with socket.socket(fileno=os.dup(supervised.channels[-1])) as front_side:
        front_side.shutdown(socket.SHUT_WR)
    reads = False
    supervised.until(lambda: supervised.backends.ended)
    assert supervised.exits()[-1] == (third, "exit code 0", False)
    supervised.close()
    assert memfds() == 0
