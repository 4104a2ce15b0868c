"""Processes that are started again: whatever ends them, and whoever else is dead or stopped meanwhile."""

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

import camgraph as cg
from camgraph.errors import BackendBusy
from camgraph.testing.cameras import Cameras
from camgraph.testing.waiting import wait_until


class Analyzer(cg.MessageProcess):
    restart = True
    counted = cg.message(pid=int, frames=int)
    said = cg.message(what=object)

    def __init__(self, limit: int) -> None:
        self.limit = limit

    def setup(self) -> None:
        self.frames = 0
        self.fails = False

    def on_frame(self, frame: cg.Frame) -> None:
        if self.fails:
            raise ArithmeticError("this frame is too much")
        self.frames += 1
        self.counted.emit(os.getpid(), self.frames)

    @cg.backend
    def say(self, what: object) -> None:
        self.said.emit(what)

    @cg.backend
    def end(self, way: str) -> None:
        match way:
            case "raise":
                self.fails = True
            case "divide":
                1 // len(way[:0])
            case "segfault":
                ctypes.string_at(0)
            case "say no more":
                self._outlet._channel.finish()  # type: ignore[attr-defined]
            case "garbage":
                os.write(self._outlet._channel.fileno(), b"garbage" * 20)  # type: ignore[attr-defined]
            case "_exit":
                os._exit(3)
            case "SIGKILL":
                os.kill(os.getpid(), signal.SIGKILL)


class Steady(cg.MessageProcess):
    said = cg.message(number=int)

    @cg.backend
    def say(self, number: int) -> None:
        self.said.emit(number)


class Hopeless(cg.MessageProcess):
    restart = True

    def setup(self) -> None:
        os._exit(7)

    @cg.backend
    def call(self) -> None: ...


class Ending(cg.MessageProcess):
    restart = True

    @cg.backend
    def leave(self, code: int) -> None:
        raise SystemExit(code)


class Heard:
    """What a front end tells: the pids that have counted frames, and the ends."""

    def __init__(self, front: Any) -> None:
        self.counting: dict[int, int] = {}
        self.said: list[Any] = []
        self.restarted: list[str] = []
        self.exited: list[str] = []
        self.failed: list[str] = []
        front.counted.connect(lambda pid, frames: self.counting.update({pid: frames}))
        front.said.connect(lambda what: self.said.append(what))
        front.restarted.connect(self.restarted.append)
        front.exited.connect(self.exited.append)
        front.failed.connect(lambda error: self.failed.append(error.summary))

    def newcomer(self, known: set[int]) -> int:
        """Wait until a process that was not known has counted some frames; return its pid."""
        wait_until(
            lambda: any(frames > 2 for pid, frames in self.counting.items() if pid not in known), 20, "frames"
        )
        (pid,) = set(self.counting) - known
        return pid


def watching(site: cg.Site) -> tuple[Any, Heard]:
    front = site.spawn(Analyzer, limit=5)
    heard = Heard(front)
    front.watch(site.streams["door"].frames())
    return front, heard


def test_whatever_ends_it_it_comes_back_and_watches_and_others_lose_nothing(site: cg.Site) -> None:
    front, heard = watching(site)
    steady = site.spawn(Steady)
    numbers: list[int] = []
    steady.said.connect(lambda number: numbers.append(number))
    known: set[int] = set()
    expected = {
        "SIGKILL": "signal SIGKILL",
        "_exit": "exit code 3",
        "raise": "exit code 1",
        "segfault": "signal SIGSEGV",
        "garbage": "signal SIGKILL",
    }
    for count, (way, how) in enumerate(expected.items()):
        known.add(heard.newcomer(known))
        assert front.pid in known
        front.end(way)
        steady.say(count)
        wait_until(lambda: len(heard.restarted) > count, 10, f"the end by {way}")  # noqa: B023
        assert heard.restarted[-1].startswith(how)
        assert front.alive
        front.say(way)
        steady.say(-count)
    known.add(heard.newcomer(known))
    assert front.pid in known
    assert len(known) == len(expected) + 1
    wait_until(lambda: heard.said == list(expected), 5, "the calls made while it was down")
    wait_until(lambda: len(numbers) == 2 * len(expected))
    assert numbers == [number for count in range(len(expected)) for number in (count, -count)]
    assert heard.failed[0] == "Analyzer.on_frame raised ArithmeticError: this frame is too much"
    assert heard.failed[1].startswith("Analyzer was killed by SIGSEGV in end (test_restarts.py:")
    assert "can't be read" in heard.failed[2]
    assert site.processes == (front, steady)
    assert front.statistics().restarts == len(expected)
    assert steady.statistics().restarts == 0
    site.close()
    assert heard.exited == [front.exit] == ["exit code 0"]
    assert len(heard.restarted) == len(expected)


def test_one_that_has_only_lost_its_channel_is_killed_and_comes_back(site: cg.Site) -> None:
    front, heard = watching(site)
    known = {heard.newcomer(set())}
    front.end("say no more")
    heard.newcomer(known)
    assert len(heard.restarted) == 1


def test_what_is_watched_follows_the_last_word(site: cg.Site) -> None:
    front, heard = watching(site)
    known = {heard.newcomer(set())}
    front.unwatch("door")
    front.end("SIGKILL")
    wait_until(lambda: heard.restarted)
    front.say("here")
    wait_until(lambda: heard.said == ["here"], 10)
    assert set(heard.counting) == known
    front.end("SIGKILL")
    wait_until(lambda: len(heard.restarted) == 2)
    front.watch(site.streams["door"].frames())
    heard.newcomer(known)


@pytest.mark.parametrize("way", ["divide", "SIGKILL"])
def test_each_call_is_served_or_counted_as_lost(way: str) -> None:
    with cg.Graph().start() as site:
        front = site.spawn(Analyzer, limit=5)
        heard = Heard(front)
        for number in range(2000):
            if number == 1000:
                wait_until(lambda: heard.restarted, 20, "the first death")
            if number in (500, 1000):
                call_patiently(front.end, way)
            call_patiently(front.say, number)
        wait_until(lambda: len(heard.restarted) == 2, 20, "the second death")
        call_patiently(front.say, "last")
        wait_until(lambda: heard.said[-1:] == ["last"], 20, "the last call")
        missing = 2001 - len(heard.said)
        lost = front.statistics().calls_lost
        # After a SIGKILL nobody reports what was served in the last second: so many at most are lost.
        assert lost == missing if way == "divide" else lost >= missing
        served = [number for number in heard.said if number != "last"]
        assert served == sorted(served)


def call_patiently(call: Any, what: object) -> None:
    while True:
        try:
            call(what)
        except BackendBusy:
            time.sleep(0.01)  # Until it has caught up.
        else:
            return


def test_an_orderly_end_of_its_own_is_an_end(site: cg.Site) -> None:
    front = site.spawn(Ending)
    restarted: list[str] = []
    front.restarted.connect(restarted.append)
    front.leave(4)
    wait_until(lambda: restarted, 10)
    front.leave(0)
    assert front.wait(10) == "exit code 0"
    assert restarted == ["exit code 4"]
    assert site.statistics().processes == {}


def test_one_that_dies_at_once_again_and_again_is_waited_for_longer_and_longer(site: cg.Site) -> None:
    front = site.spawn(Hopeless)
    ends_ns: list[int] = []
    front.restarted.connect(lambda how: ends_ns.append(time.monotonic_ns()))
    wait_until(lambda: len(ends_ns) >= 5, 20, "five deaths")
    waits = [(after - before) / 1e9 for before, after in pairwise(ends_ns)]
    assert waits[1] >= 0.2
    assert all(wait >= 0.5 for wait in waits[2:])
    # The last death was told, so it is being waited for, or starts just now.
    front.call()
    started = time.monotonic()
    front.close()
    assert time.monotonic() - started < 3.0
    assert front.exit == "exit code 7"
    assert front.statistics().calls_lost == 1
    assert site.statistics().processes == {}
    assert not site.processes


@pytest.mark.parametrize("delay_s", [0.0, 0.01, 0.05, 0.15, 0.4])
def test_closing_after_a_death_ends_it_for_good(delay_s: float) -> None:
    with cg.Graph().start() as site:
        front = site.spawn(Ending)
        exits: list[str] = []
        front.exited.connect(exits.append)
        os.kill(wait_until(lambda: front.pid, 10), signal.SIGKILL)
        time.sleep(delay_s)  # Not to wait for something: any moment of the restart may be the worst.
        started = time.monotonic()
        front.close()
        assert time.monotonic() - started < 5.0
        assert exits == [front.exit]
        assert front.exit in ("signal SIGKILL", "exit code 0")
        assert site.statistics().processes == {}


def test_a_dead_supervisors_processes_are_started_by_the_next(site: cg.Site) -> None:
    front, heard = watching(site)
    steady = site.spawn(Steady)
    known = {heard.newcomer(set())}
    os.kill(site.supervisor_pid, signal.SIGKILL)
    assert steady.wait(10) == "unknown: its supervisor is gone"
    front.say("meanwhile")
    known.add(heard.newcomer(known))
    assert heard.restarted == ["its supervisor ended"]
    wait_until(lambda: heard.said[-1:] == ["meanwhile"] or front.statistics().calls_lost)
    assert site.processes == (front,)
    os.kill(front.pid, signal.SIGKILL)
    known.add(heard.newcomer(known))
    assert heard.restarted == ["its supervisor ended", "signal SIGKILL"]
    assert site.statistics(timeout=10).processes == {front.name: front.pid}


@pytest.mark.parametrize("kind", [Steady, Ending])
def test_what_is_spawned_while_there_is_no_supervisor_is_started_by_the_next(
    site: cg.Site, kind: type[cg.MessageProcess]
) -> None:
    died, spawned = threading.Event(), threading.Event()

    def hold(status: cg.StreamStatus) -> None:
        if status.reason == "supervisor_died":
            died.set()
            spawned.wait(10)

    site.subscribe(hold)
    os.kill(site.supervisor_pid, signal.SIGKILL)
    assert died.wait(10)
    front = site.spawn(kind)
    assert front.alive
    if kind is Steady:
        said: list[int] = []
        front.said.connect(lambda number: said.append(number))
        front.say(3)
        spawned.set()
        wait_until(lambda: said == [3], 10, "what was said before there was anybody")
    else:
        front.leave(0)
        spawned.set()
        front.wait(10)
    assert front.statistics().restarts == 0
    spawned.set()


def test_a_program_that_has_joined_gets_its_processes_back_likewise(site: cg.Site) -> None:
    with cg.attach(site.name) as joined:
        front = joined.spawn(Analyzer, limit=5)
        heard = Heard(front)
        front.watch(joined.streams["door"].frames())
        known = {heard.newcomer(set())}
        front.end("SIGKILL")
        known.add(heard.newcomer(known))
        os.kill(site.supervisor_pid, signal.SIGKILL)
        known.add(heard.newcomer(known))
        assert heard.restarted == ["signal SIGKILL", "its supervisor ended"]
        assert joined.processes == (front,)
        assert site.processes == ()
    assert front.exit == "exit code 0"


@pytest.mark.parametrize("delay_s", [0.0, 0.01, 0.05, 0.15, 0.4])
def test_closing_while_the_supervisor_is_replaced_ends_it_for_good(delay_s: float) -> None:
    with cg.Graph().start() as site:
        front = site.spawn(Ending)
        wait_until(lambda: front.pid, 10, "its start")
        before = site.supervisor_pid
        os.kill(before, signal.SIGKILL)
        time.sleep(delay_s)  # Not to wait for something, likewise.
        started = time.monotonic()
        front.close()
        assert time.monotonic() - started < 5.0
        assert not front.alive
        wait_until(lambda: site.supervisor_pid != before, 10, "another supervisor")
        wait_until(lambda: site.statistics(timeout=10).processes == {}, 10, "its end")
        assert not site.processes


STOPPED = """\
import sys
import camgraph as cg

class Analyzer(cg.MessageProcess):
    restart = True
    counted = cg.message(pid=int)

    def __init__(self, path):
        self.path = path

    def on_frame(self, frame):
        import os
        with open(self.path, "a") as file:
            file.write(f"{os.getpid()}\\n")
        self.counted.emit(os.getpid())

graph = cg.Graph()
graph.rtsp("door", sys.argv[1])
with graph.start() as site:
    analyzer = site.spawn(Analyzer, sys.argv[2])
    analyzer.restarted.connect(lambda exit: print(exit, flush=True))
    pids = []
    def counted(pid):
        if pid not in pids:
            pids.append(pid)
            print(pid, flush=True)
    analyzer.counted.connect(counted)
    analyzer.watch(site.streams["door"].frames())
    sys.stdin.read()
print("closed", flush=True)
"""


def test_while_the_program_is_stopped_its_analyzer_is_mended_and_analyzes(
    cameras: Cameras, tmp_path: Path
) -> None:
    trace = tmp_path / "trace"
    trace.touch()

    def frames(*, beside: set[int]) -> list[int]:
        return [pid for pid in map(int, trace.read_text().split("\n")[:-1]) if pid not in beside]

    program = subprocess.Popen(
        [sys.executable, "-c", STOPPED, cameras.urls[0], str(trace)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with program:
        assert program.stdin
        assert program.stdout
        try:
            first = int(program.stdout.readline())
            os.kill(program.pid, signal.SIGSTOP)
            wait_until(lambda: state_of(program.pid) == "T", what="the program's stop")
            os.kill(first, signal.SIGKILL)
            wait_until(lambda: len(frames(beside={first})) > 5, 15, "frames of the second one")
            second = frames(beside={first})[0]
            os.kill(second, signal.SIGKILL)
            wait_until(lambda: len(frames(beside={first, second})) > 5, 15, "frames of the third one")
            third = frames(beside={first, second})[0]
            assert state_of(program.pid) == "T"
            os.kill(program.pid, signal.SIGCONT)
            told = [program.stdout.readline().strip() for _ in range(4)]
            assert told == ["signal SIGKILL", str(second), "signal SIGKILL", str(third)]
            program.stdin.close()
            assert program.stdout.read() == "closed\n"
        finally:
            program.kill()


def state_of(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
