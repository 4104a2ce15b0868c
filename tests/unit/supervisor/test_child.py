"""Real processes that end in every way, and the words for it."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from camgraph.base.loop import Loop
from camgraph.base.oom import OUT_OF_MEMORY, OomKills
from camgraph.control.life import OUT_OF_MEMORY_BACK_OFF_S
from camgraph.supervisor.child import Child


class Supervised:
    """A shell command, watched, and the kernel's counter as the test would have it."""

    def __init__(
        self,
        command: str,
        *,
        restart: bool = False,
        shell: str = "/bin/sh",
        before: Callable[[], None] | None = None,
    ) -> None:
        self.loop = Loop()
        self.kills = 3
        self.ended: list[tuple[int, str]] = []
        self.child = Child(
            self.loop,
            name="one",
            restart=restart,
            launch=lambda: subprocess.Popen([shell, "-c", command], preexec_fn=before),
            on_started=lambda pid: None,
            on_exited=lambda pid, returncode: self.ended.append((returncode, self.child.ended_how)),
            on_not_started=lambda: self.ended.append((0, self.child.ended_how)),
            oom_kills=OomKills(lambda: self.kills),
        )
        self.child.begin()

    def close(self) -> None:
        self.child.stop(0.0)
        self.run_until(lambda: self.child.life.state == "ended")
        self.loop.close()

    def run_until_ended(self) -> tuple[int, str]:
        self.run_until(lambda: self.ended)
        return self.ended.pop()

    def run_until(self, condition: Callable[[], object]) -> None:
        deadline = time.monotonic() + 10
        while not condition():
            assert time.monotonic() < deadline
            self.loop.run_once(0.05)


@pytest.fixture
def start() -> Iterator[Callable[..., Supervised]]:
    made: list[Supervised] = []

    def start(command: str, **options: Any) -> Supervised:
        made.append(Supervised(command, **options))
        return made[-1]

    yield start
    for one in made:
        one.close()


def test_an_end_of_its_own_is_told_by_its_code(start) -> None:
    assert start("exit 3").run_until_ended() == (3, "exit code 3")


def test_killed_by_somebody(start) -> None:
    one = start("exec sleep 60")
    os.kill(one.child.pid, signal.SIGKILL)
    assert one.run_until_ended() == (-9, "signal SIGKILL")


def test_killed_by_the_kernel_for_memory(start) -> None:
    one = start("exec sleep 60")
    one.kills += 1
    os.kill(one.child.pid, signal.SIGKILL)
    assert one.run_until_ended() == (-9, OUT_OF_MEMORY)


@pytest.mark.parametrize("end", [Child.kill, lambda child: child.stop(0.0)], ids=["kill", "stop"])
def test_what_we_have_killed_was_not_killed_for_memory(start, end: Callable[[Child], None]) -> None:
    one = start("trap '' TERM; exec sleep 60")
    one.run_until(lambda: "sleep" in Path(f"/proc/{one.child.pid}/comm").read_text())
    one.kills += 1
    end(one.child)
    assert one.run_until_ended() == (-9, "signal SIGKILL")


def test_another_end_is_not_for_memory_though_others_were_killed(start) -> None:
    one = start("exec sleep 60")
    one.kills += 1
    os.kill(one.child.pid, signal.SIGTERM)
    assert one.run_until_ended() == (-15, "signal SIGTERM")


def test_one_killed_for_memory_is_started_again_after_a_while(start) -> None:
    one = start("exec sleep 60", restart=True)
    first = one.child.pid
    one.kills += 1
    os.kill(first, signal.SIGKILL)
    one.run_until_ended()
    ended_ns = one.child.life.story[-1][0]
    assert one.child.life.next_start_ns - ended_ns == OUT_OF_MEMORY_BACK_OFF_S * 1e9
    one.run_until(lambda: one.child.pid)
    assert one.child.pid != first
    # Killed by hand now: the kernel's kill has been told of already.
    os.kill(one.child.pid, signal.SIGKILL)
    assert one.run_until_ended() == (-9, "signal SIGKILL")


def test_one_that_can_not_be_started_is_told_each_time_and_tried_again(start) -> None:
    supervised = start("exit 0", restart=True, shell="/no/such/shell")
    for _ in range(3):
        code, how = supervised.run_until_ended()
        assert (code, how) == (0, "it could not be started: No such file or directory")
        assert supervised.child.life.state == "backing_off"
    assert supervised.child.life.starts == 3


def test_one_that_ends_before_its_program_is_told_as_not_started_too(start) -> None:
    supervised = start("exit 0", restart=True, before=lambda: 1 // 0)
    assert supervised.run_until_ended() == (0, "it could not be started: Exception occurred in preexec_fn.")
    assert supervised.child.life.state == "backing_off"
