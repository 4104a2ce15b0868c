"""Whatever befalls a process is noticed at once and told with its cause, and costs the others nothing.

That processes are started again is shown in test_restarts.py, a kill for memory by the kernel in
tests/faults/test_out_of_memory.py.
"""

import ctypes
import os
import resource
import select
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path
from typing import Any

import camgraph as cg
from camgraph.supervisor.ends import STAYED_STOPPED
from camgraph.testing.waiting import wait_until

FLOOD = 20_000


class Victim(cg.MessageProcess):
    said = cg.message(number=int)

    @cg.backend
    def say(self, number: int) -> None:
        self.said.emit(number)

    @cg.backend
    def flood(self) -> None:
        for number in range(FLOOD):
            self.said.emit(number)

    @cg.backend
    def end(self, way: str) -> None:
        match way:
            case "segfault":
                ctypes.string_at(0)
            case "raise":
                raise ArithmeticError("this is too much")
            case "exit":
                os._exit(3)
            case "memory":
                pages = int(Path("/proc/self/statm").read_text().split()[0])
                limit = pages * resource.getpagesize() + (64 << 20)
                resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
                eaten = []
                while True:
                    eaten.append(bytearray(1 << 20))
            case "garbage":
                os.write(self._outlet._channel.fileno(), b"garbage" * 20)  # type: ignore[attr-defined]
            case "kill":
                os.kill(os.getpid(), signal.SIGKILL)


class Lasting(Victim):
    restart = True


class Crashing(cg.MessageProcess):
    restart = cg.Restart(crashes=3, within_s=30.0)

    def setup(self) -> None:
        ctypes.string_at(0)


class Slow(cg.MessageProcess):
    deadline_s = 0.3

    @cg.backend
    def stall(self) -> None:
        ctypes.PyDLL(None).sleep(60)


class Steady(cg.MessageProcess):
    counted = cg.message(seq=int)
    said = cg.message(number=int)

    def on_frame(self, frame: cg.Frame) -> None:
        self.counted.emit(frame.seq)

    @cg.backend
    def say(self, number: int) -> None:
        self.said.emit(number)


class Heard:
    """What a front end tells."""

    def __init__(self, front: Any) -> None:
        self.said: list[int] = []
        self.failed: list[Any] = []
        self.stopped: list[bool] = []
        self.restarted: list[str] = []
        front.said.connect(lambda number: self.said.append(number))
        front.failed.connect(self.failed.append)
        front.stopped.connect(self.stopped.append)
        front.restarted.connect(self.restarted.append)


HERE = Path(__file__).name
ENDS = {
    "kill": ("signal SIGKILL", "", ""),
    "segfault": (
        f"signal SIGSEGV in end ({HERE}:",
        f"Victim was killed by SIGSEGV in end ({HERE}:",
        "string_at",
    ),
    "raise": ("exit code 1", "Victim.end raised ArithmeticError: this is too much", HERE),
    "exit": ("exit code 3", "", ""),
    "memory": ("exit code 1", "Victim.end raised MemoryError", HERE),
    "garbage": ("signal SIGKILL", "", ""),
}


def test_each_end_is_told_at_once_and_others_lose_no_message_and_no_frame(site: cg.Site) -> None:
    steady: Any = site.spawn(Steady)
    frames: list[int] = []
    numbers: list[int] = []
    steady.counted.connect(lambda seq: frames.append(seq))
    steady.said.connect(lambda number: numbers.append(number))
    steady.watch(site.streams["door"].frames())
    victims: dict[str, Any] = {way: site.spawn(Victim) for way in (*ENDS, "flood", "stop")}
    heard = {way: Heard(victim) for way, victim in victims.items()}
    for victim in victims.values():
        victim.say(-1)
    wait_until(lambda: all(each.said for each in heard.values()) and len(frames) > 3, 30, "their start")

    said = 0
    victims["flood"].flood()
    os.kill(victims["stop"].pid, signal.SIGSTOP)
    wait_until(lambda: heard["stop"].stopped == [True], 2, "the news of its stop")
    for way, (exit_text, summary, trace) in ENDS.items():
        for _ in range(20):
            steady.say(said)
            said += 1
        victims[way].end(way)
        assert victims[way].wait(2).startswith(exit_text)
        if summary:
            (error,) = heard[way].failed
            assert error.summary.startswith(summary)
            assert trace in error.traceback
    os.kill(victims["stop"].pid, signal.SIGCONT)
    wait_until(lambda: heard["stop"].stopped == [True, False], 2, "the news that it goes on")
    victims["stop"].say(5)
    wait_until(lambda: heard["stop"].said == [-1, 5], 5, "its answer")

    flooded, statistics = heard["flood"].said, victims["flood"].statistics
    wait_until(lambda: len(flooded) - 1 + statistics().lost == FLOOD, 10, "an account of the flood")
    assert all(earlier < later for earlier, later in pairwise(flooded))
    wait_until(lambda: len(numbers) == said)
    assert numbers == list(range(said))
    counted = len(frames)
    wait_until(lambda: len(frames) > counted + 3)
    assert frames == list(range(frames[0], frames[-1] + 1))


def test_one_that_stays_stopped_is_killed_and_started_again(site: cg.Site) -> None:
    front: Any = site.spawn(Lasting)
    heard = Heard(front)
    front.say(1)
    wait_until(lambda: heard.said == [1], 10, "its start")
    first = front.pid
    stopped = time.monotonic()
    os.kill(first, signal.SIGSTOP)
    wait_until(lambda: heard.restarted, 15, "its end")
    assert time.monotonic() - stopped >= 5.0
    assert heard.restarted == [STAYED_STOPPED]
    assert heard.stopped[0] is True
    front.say(2)
    wait_until(lambda: heard.said == [1, 2], 10, "its successor")
    assert front.pid != first


def test_one_that_crashes_again_and_again_ends_with_its_story(site: cg.Site) -> None:
    front: Any = site.spawn(Crashing)
    errors: list[Any] = []
    front.failed.connect(errors.append)
    headline, *lives = front.wait(20).splitlines()
    assert headline.startswith("3 crashes in ")
    assert len(lives) == 3
    assert all(life.startswith(f"signal SIGSEGV in setup ({HERE}:") for life in lives)
    assert not front.alive
    assert front.statistics().restarts == 2
    assert "string_at" in errors[-1].traceback


def test_past_its_deadline_it_is_killed_and_told_where_it_was(site: cg.Site) -> None:
    front: Any = site.spawn(Slow)
    errors: list[Any] = []
    front.failed.connect(errors.append)
    front.stall()
    assert front.wait(10).startswith(f"past its deadline in stall ({HERE}:")
    (error,) = errors
    assert error.summary.startswith(f"Slow ran past its deadline in stall ({HERE}:")
    assert "in stall" in error.traceback


PROGRAM = """\
import ctypes, os, signal, sys, time
import camgraph as cg

class Busy(cg.MessageProcess):
    begun = cg.message()

    @cg.backend
    def work(self, function):
        self.begun.emit()
        if function == "stop":
            os.kill(os.getpid(), signal.SIGSTOP)
        elif function:
            getattr(ctypes.PyDLL(None), function)(60)

with cg.Graph().start() as site:
    fronts = [site.spawn(Busy) for _ in range(3)]
    begun = []
    for front, function in zip(fronts, ("", "sleep", "stop")):
        front.begun.connect(lambda: begun.append(1))
        front.work(function)
    while len(begun) < 3:
        time.sleep(0.01)
    print(site.supervisor_pid, *(front.pid for front in fronts), flush=True)
    signal.pause()
"""


def test_with_a_killed_program_all_its_processes_end_within_a_second() -> None:
    with ExitStack() as stack:
        program = subprocess.Popen([sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE, text=True)
        stack.enter_context(program)
        stack.callback(program.kill)
        assert program.stdout
        ends = [os.pidfd_open(int(pid)) for pid in program.stdout.readline().split()]
        for end in ends:
            stack.callback(os.close, end)
        assert len(ends) == 4
        program.kill()
        # By descriptor: it may take init some time to reap them.
        wait_until(lambda: len(select.select(ends, [], [], 0)[0]) == len(ends), 1, "the end of all")
