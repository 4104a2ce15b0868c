"""Real processes that are stopped and go on, looked at when the kernel says that something is new."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator

import pytest

from camgraph.base.loop import Loop
from camgraph.base.signals import call_on_sigchld
from camgraph.supervisor import stops
from camgraph.supervisor.stops import StopWatch


class Watched:
    def __init__(self, loop: Loop, *, kills: bool = True) -> None:
        self.loop = loop
        self.popen = subprocess.Popen(["sleep", "60"])
        self.pidfd = os.pidfd_open(self.popen.pid)
        self.changes: list[bool] = []
        self.watch = StopWatch(
            loop,
            self.pidfd,
            on_change=self.changes.append,
            on_stuck=self.popen.kill if kills else None,
        )

    def send(self, number: signal.Signals) -> None:
        os.kill(self.popen.pid, number)

    def until(self, condition: Callable[[], object]) -> None:
        deadline = time.monotonic() + 20
        while not condition():
            assert time.monotonic() < deadline, self.changes
            self.loop.run_once(1.0)

    def ended(self) -> bool:
        return self.popen.poll() is not None

    def close(self) -> None:
        self.watch.close()
        self.popen.kill()
        self.popen.wait()
        os.close(self.pidfd)


@pytest.fixture
def start() -> Iterator[Callable[..., Watched]]:
    loop = Loop()
    made: list[Watched] = []
    before = signal.getsignal(signal.SIGCHLD)

    def look() -> None:
        for one in made:
            one.watch.look()

    wakeup = call_on_sigchld(loop, look)

    def start(*, kills: bool = True) -> Watched:
        made.append(Watched(loop, kills=kills))
        return made[-1]

    yield start
    signal.signal(signal.SIGCHLD, before)
    for one in made:
        one.close()
    wakeup.close()
    loop.close()


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stops, "LOOK_EVERY_S", 0.05)


def test_a_stop_and_its_end_are_noticed_at_once_and_the_exit_is_left_to_be_reaped(start) -> None:
    one, other = start(), start()
    for _ in range(3):
        one.send(signal.SIGSTOP)
        one.until(lambda: one.watch.stopped)
        one.send(signal.SIGCONT)
        one.until(lambda: not one.watch.stopped)
    assert one.changes == [True, False] * 3
    assert other.changes == []
    one.send(signal.SIGTERM)
    one.until(one.ended)
    assert one.popen.returncode == -signal.SIGTERM
    one.watch.look()
    assert one.changes == [True, False] * 3


@pytest.mark.usefixtures("quick")
def test_one_that_stays_stopped_is_told_after_some_looks(start) -> None:
    one, other = start(), start(kills=False)
    stopped = time.monotonic()
    for each in (one, other):
        each.send(signal.SIGSTOP)
    one.until(one.ended)
    assert time.monotonic() - stopped >= stops.STUCK_LOOKS * stops.LOOK_EVERY_S
    assert one.popen.returncode == -signal.SIGKILL
    assert other.popen.poll() is None
    assert other.watch.stopped


@pytest.mark.usefixtures("quick")
def test_one_that_goes_on_in_between_begins_anew(start) -> None:
    one = start()
    for _ in range(2 * stops.STUCK_LOOKS):
        one.send(signal.SIGSTOP)
        one.until(lambda: one.watch.stopped)
        looked = time.monotonic()
        one.until(lambda: time.monotonic() > looked + stops.LOOK_EVERY_S)  # noqa: B023
        one.send(signal.SIGCONT)
        one.until(lambda: not one.watch.stopped)
    assert one.popen.poll() is None


@pytest.mark.usefixtures("quick")
def test_after_a_stop_of_our_own_the_looks_are_counted_anew(start) -> None:
    one = start()
    one.send(signal.SIGSTOP)
    one.until(lambda: one.watch.stopped)
    for _ in range(stops.STUCK_LOOKS + 2):
        time.sleep(3 * stops.LOOK_EVERY_S)  # As if this process had been stopped; nothing is waited for.
        one.loop.run_once(1.0)
    assert one.popen.poll() is None
    one.until(one.ended)
