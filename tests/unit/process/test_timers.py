import functools
import os
import socket
import threading
import time
from collections.abc import Callable
from itertools import pairwise
from statistics import median
from typing import Any

import pytest

import camgraph as cg
from camgraph.testing.waiting import wait_until

Spawn = Callable[..., Any]
Begin = Callable[[Any], object]


class Does(cg.MessageProcess):
    """Does in its back end what the test wants."""

    def __init__(self, begin: Begin) -> None:
        self.begin = begin
        self.seen: list[Any] = []

    def setup(self) -> None:
        self.begin(self)

    @cg.backend
    def ask(self) -> list[Any]:
        return self.seen


def in_turn(*callbacks: Callable[[], object]) -> Callable[[], None]:
    def call() -> None:
        for callback in callbacks:
            callback()

    return call


def seen_by(front: Any) -> list[Any]:
    seen: list[Any] = front.ask().result(5)
    return seen


def test_timers_come_in_the_order_of_their_times_in_the_instances_thread(spawn: Spawn) -> None:
    def begin(does: Does) -> None:
        home = threading.get_ident()
        for delay_s, name in ((0.06, "c"), (0.02, "a"), (0.04, "b"), (0.02, "a2")):
            does.call_later(delay_s, functools.partial(see, does, name, home))

    def see(does: Does, name: str, home: int) -> None:
        does.seen.append((name, threading.get_ident() == home))

    front = spawn(Does, begin)
    wait_until(lambda: len(seen_by(front)) == 4)
    assert seen_by(front) == [("a", True), ("a2", True), ("b", True), ("c", True)]


def test_a_timer_that_is_cancelled_does_not_come(spawn: Spawn) -> None:
    def begin(does: Does) -> None:
        later = does.call_later(0.02, lambda: does.seen.append("cancelled"))
        repeating = does.every(0.02, lambda: does.seen.append("cancelled"))
        done = does.call_later(0.0, lambda: does.seen.append("now"))
        does.call_later(0.08, in_turn(done.cancel, lambda: does.seen.append("end")))
        for timer in (later, repeating, later):
            timer.cancel()

    front = spawn(Does, begin)
    wait_until(lambda: "end" in seen_by(front))
    assert seen_by(front) == ["now", "end"]


def test_every_does_not_drift(spawn: Spawn) -> None:
    period_s = 0.05

    def begin(does: Does) -> None:
        does.seen.append(time.monotonic())
        does.every(
            period_s, in_turn(lambda: does.seen.append(time.monotonic()), lambda: time.sleep(0.3 * period_s))
        )

    front = spawn(Does, begin)
    wait_until(lambda: len(seen_by(front)) > 12)
    began, *turns = seen_by(front)
    # What the callback takes does not add up: else they would come at any phase.
    assert median((turn - began) % period_s for turn in turns) < 0.3 * period_s
    assert turns[0] - began >= 0.999 * period_s


def test_every_leaves_out_the_turns_that_were_missed(spawn: Spawn) -> None:
    period_s = 0.02

    def begin(does: Does) -> None:
        does.every(period_s, lambda: turn(does))

    def turn(does: Does) -> None:
        does.seen.append(time.monotonic())
        if len(does.seen) == 2:
            time.sleep(5.5 * period_s)

    front = spawn(Does, begin)
    wait_until(lambda: len(seen_by(front)) > 6)
    gaps = [later - earlier for earlier, later in pairwise(seen_by(front))]
    assert gaps[1] >= 5.5 * period_s
    # Nothing is made up for: the next ones come one by one.
    assert all(gap > 0.3 * period_s for gap in gaps[2:])


def test_every_can_be_cancelled_in_its_own_callback(spawn: Spawn) -> None:
    def begin(does: Does) -> None:
        timers: list[Any] = []

        def turn() -> None:
            does.seen.append("turn")
            if len(does.seen) == 3:
                timers[0].cancel()
                does.call_later(0.05, lambda: does.seen.append("end"))

        timers.append(does.every(0.01, turn))

    front = spawn(Does, begin)
    wait_until(lambda: "end" in seen_by(front))
    assert seen_by(front) == ["turn", "turn", "turn", "end"]


@pytest.mark.parametrize("seconds", [0, -1.0, 1e-12])
def test_every_takes_more_than_nothing(spawn: Spawn, seconds: float) -> None:
    def begin(does: Does) -> None:
        with pytest.raises(ValueError, match="more than 0"):
            does.every(seconds, lambda: None)

    front = spawn(Does, begin)
    assert seen_by(front) == []
    assert front.failure is None


def test_timers_may_be_asked_for_and_cancelled_in_any_thread(spawn: Spawn) -> None:
    def begin(does: Does) -> None:
        home = threading.get_ident()

        def callback() -> None:
            does.seen.append(threading.get_ident() == home)

        def work() -> None:
            for _ in range(50):
                does.call_later(0.0, callback)
                does.call_later(0.01, callback).cancel()
                does.call_later(30.0, callback).cancel()

        for _ in range(8):
            threading.Thread(target=work).start()

    front = spawn(Does, begin)
    wait_until(lambda: len(seen_by(front)) == 400)
    assert set(seen_by(front)) == {True}


def test_a_timer_from_another_thread_wakes_an_idle_back_end(spawn: Spawn) -> None:
    told = threading.Event()
    made: list[Does] = []
    front = spawn(Does, made.append)
    front.wait_ready(5)
    made[0].call_later(0.0, told.set)
    assert told.wait(5)


def test_a_pipe_is_read_until_its_end(spawn: Spawn) -> None:
    reading, writing = os.pipe()

    def begin(does: Does) -> None:
        def read() -> None:
            data = os.read(reading, 3)
            does.seen.append(data)
            if not data:
                does.remove_reader(reading)
                os.close(reading)

        does.add_reader(reading, read)

    front = spawn(Does, begin)
    os.write(writing, b"abcdef")
    wait_until(lambda: seen_by(front) == [b"abc", b"def"])
    os.close(writing)
    wait_until(lambda: seen_by(front) == [b"abc", b"def", b""])


def test_a_reader_that_removes_itself_is_called_no_more(spawn: Spawn) -> None:
    ours, theirs = socket.socketpair()
    theirs.send(b"more than is read")

    def begin(does: Does) -> None:
        def read() -> None:
            does.seen.append(ours.recv(4))
            does.remove_reader(ours)
            does.remove_reader(ours)
            does.call_later(0.05, lambda: does.seen.append("end"))

        does.add_reader(ours, read)

    with ours, theirs:
        front = spawn(Does, begin)
        wait_until(lambda: "end" in seen_by(front))
        assert seen_by(front) == [b"more", "end"]


def test_asked_for_again_the_newest_callback_counts(spawn: Spawn) -> None:
    ours, theirs = socket.socketpair()

    def begin(does: Does) -> None:
        does.add_reader(ours, lambda: does.seen.append("old"))
        does.add_reader(
            ours.fileno(), in_turn(lambda: does.seen.append("new"), lambda: does.remove_reader(ours))
        )

    with ours, theirs:
        theirs.send(b"x")
        front = spawn(Does, begin)
        wait_until(lambda: seen_by(front))
        assert seen_by(front) == ["new"]


@pytest.mark.parametrize("kind", ["socket", "file"])
def test_what_was_closed_without_being_removed_is_heard_of_no_more(spawn: Spawn, kind: str) -> None:
    """Neither does its number mean it any more, nor is it in the way of the next one that has the number."""
    made: list[Any] = []

    def pair() -> tuple[Any, Any]:
        if kind == "socket":
            return socket.socketpair()
        reading, writing = os.pipe()
        return os.fdopen(reading, "rb", 0), os.fdopen(writing, "wb", 0)

    def begin(does: Does) -> None:
        ours, theirs = pair()
        number = ours.fileno()
        does.add_reader(ours, lambda: does.seen.append("old"))
        ours.close()
        theirs.close()
        again, other = pair()
        made.extend((again, other))
        assert again.fileno() == number
        does.add_reader(again, in_turn(lambda: does.seen.append("new"), lambda: does.remove_reader(again)))
        does.remove_reader(ours)
        other.send(b"x") if kind == "socket" else other.write(b"x")

    front = spawn(Does, begin)
    wait_until(lambda: seen_by(front))
    assert seen_by(front) == ["new"]
    assert front.failure is None
    for each in made:
        each.close()


@pytest.mark.parametrize("kind", ["socket", "file"])
def test_the_process_ends_in_order_though_what_it_read_was_closed(spawn: Spawn, kind: str) -> None:
    def begin(does: Does) -> None:
        if kind == "socket":
            ours, theirs = socket.socketpair()
            does.add_reader(ours, lambda: None)
            ours.close()
            theirs.close()
        else:
            file = open(os.devnull, "rb")  # noqa: SIM115
            reading, writing = os.pipe()
            pipe = os.fdopen(reading, "rb")
            does.add_reader(pipe, lambda: None)
            for each in (file, pipe):
                each.close()
            os.close(writing)

    front = spawn(Does, begin)
    assert seen_by(front) == []
    front.close()
    assert front.exit == "exit code 0"


class Fails(cg.MessageProcess):
    def __init__(self, asks: str) -> None:
        self.asks = asks

    def setup(self) -> None:
        match self.asks:
            case "call_later":
                self.call_later(0.0, self.look)
            case "every":
                self.every(0.01, self.look)
            case "partial":
                self.call_later(0.0, functools.partial(self.look, 1))
            case "add_reader":
                self.pipe = os.pipe()
                os.write(self.pipe[1], b"x")
                self.add_reader(self.pipe[0], self.look)

    def look(self, by: int = 0) -> None:
        raise ArithmeticError("seen too much")

    def cleanup(self) -> None:
        for fd in getattr(self, "pipe", ()):
            os.close(fd)


@pytest.mark.parametrize("asks", ["call_later", "every", "partial", "add_reader"])
def test_an_exception_in_a_callback_ends_the_process_and_names_it(spawn: Spawn, asks: str) -> None:
    front = spawn(Fails, asks)
    assert front.wait(5).startswith("exit code 1")
    assert str(front.failure).startswith("Fails.look raised ArithmeticError: seen too much")
    assert "in look" in front.failure.traceback
    assert "process/timers.py" not in front.failure.traceback


def test_nothing_is_called_back_after_the_end(spawn: Spawn) -> None:
    seen: list[str] = []
    ours, theirs = socket.socketpair()
    theirs.send(b"x")

    class Ends(cg.MessageProcess):
        def setup(self) -> None:
            self.call_later(0.0, self.end)
            self.call_later(0.0, lambda: seen.append("timer"))
            self.every(0.001, lambda: seen.append("every") if ended else None)

        def end(self) -> None:
            ended.append(True)
            self.add_reader(ours, lambda: seen.append("reader"))
            raise SystemExit(3)

        def cleanup(self) -> None:
            seen.append("cleanup")
            self.call_later(0.0, lambda: seen.append("late"))
            time.sleep(0.01)

    ended: list[bool] = []
    with ours, theirs:
        front = spawn(Ends)
        assert front.wait(5) == "exit code 3"
    assert seen == ["cleanup"]
