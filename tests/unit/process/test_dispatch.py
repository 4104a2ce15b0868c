"""Front ends that the program's own loop serves: `fileno()` and `dispatch()`."""

import gc
import os
import select
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

import camgraph as cg
from camgraph.base.errors import BackendBusy, BrokenError
from camgraph.base.loop import Loop
from camgraph.control.channel import channel_pair
from camgraph.process.channel import Channel
from camgraph.process.dispatched import DispatchedLoop
from camgraph.process.front import make_front_end
from camgraph.process.travel import dumps
from camgraph.process.wire import Kind
from camgraph.testing.waiting import wait_until

Spawn = Callable[..., Any]


class Counter(cg.MessageProcess):
    counted = cg.message(number=int)

    @cg.backend
    def count(self, start: int, end: int) -> None:
        for number in range(start, end):
            self.counted.emit(number)


class Heard(list[int]):
    """What came, and the threads in which it came."""

    def __init__(self) -> None:
        self.threads: set[int] = set()

    def __call__(self, number: int) -> None:
        self.append(number)
        self.threads.add(threading.get_ident())


def dispatch_until(front: Any, condition: Callable[[], object], within_s: float = 20.0) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        assert select.select([front], [], [], deadline - time.monotonic())[0], "nothing came"
        front.dispatch()


@pytest.fixture
def counter(spawn: Spawn) -> Any:
    front = spawn(Counter)
    front.heard = Heard()
    front.counted.connect(front.heard)
    return front


def test_callbacks_run_in_the_thread_that_dispatches_and_only_there(counter: Any) -> None:
    number = counter.fileno()
    exits: list[tuple[str, int]] = []
    counter.exited.connect(lambda how: exits.append((how, threading.get_ident())))
    counter.count(0, 500)
    dispatch_until(counter, lambda: len(counter.heard) == 500)
    assert counter.heard == list(range(500))
    counter._begin_close(5.0)
    dispatch_until(counter, lambda: not counter.alive)
    assert counter.heard.threads == {threading.get_ident()}
    assert exits == [("exit code 0", threading.get_ident())]
    assert counter.fileno() == number
    counter.dispatch()
    assert select.select([counter], [], [], 0) == ([], [], [])


def test_taking_over_while_messages_flow_loses_none_and_leaves_nothing_in_the_old_thread(
    counter: Any,
) -> None:
    counter.count(0, 2000)
    wait_until(lambda: counter.heard)
    counter.fileno()
    here = len(counter.heard)
    counter.heard.threads.clear()
    dispatch_until(counter, lambda: len(counter.heard) == 2000)
    assert here < 2000
    assert counter.heard == list(range(2000))
    assert counter.heard.threads == {threading.get_ident()}


def test_the_callback_under_way_is_waited_for(counter: Any) -> None:
    entered, go_on, left = threading.Event(), threading.Event(), threading.Event()

    def slow(number: int) -> None:
        entered.set()
        go_on.wait(5)
        left.set()

    counter.counted.connect(slow)
    counter.count(0, 1)
    assert entered.wait(5)
    threading.Timer(0.1, go_on.set).start()
    counter.fileno()
    assert left.is_set()


def test_dispatch_does_not_wait_and_does_a_bounded_part(counter: Any) -> None:
    counter.dispatch()
    counter.count(0, 1000)
    while select.select([counter], [], [], 0.2)[0]:
        before = len(counter.heard)
        counter.dispatch()
        assert len(counter.heard) - before <= 64
    assert len(counter.heard) == 1000
    started = time.monotonic()
    counter.dispatch()
    assert time.monotonic() - started < 1.0


def test_close_and_wait_dispatch_meanwhile(spawn: Spawn) -> None:
    for end in (lambda front: front.close(), lambda front: front.wait(5)):
        front = spawn(Counter)
        heard = Heard()
        front.counted.connect(heard)
        front.fileno()
        front.count(0, 100)
        front._begin_close(5.0)
        end(front)
        assert heard == list(range(100))
        assert heard.threads == {threading.get_ident()}
        assert front.exit == "exit code 0"


def test_waiting_in_the_dispatching_thread_ends_in_time(counter: Any) -> None:
    counter.fileno()
    with pytest.raises(TimeoutError):
        counter.wait(0.05)
    with pytest.raises(RuntimeError, match="in the thread that is to bring it"):
        next(counter.messages())


def test_in_a_callback_dispatch_does_nothing_and_wait_refuses(counter: Any) -> None:
    seen: list[Any] = []

    def callback(number: int) -> None:
        counter.dispatch()
        seen.append(len(counter.heard))
        try:
            counter.wait(1)
        except RuntimeError as error:
            seen.append(str(error))
        counter.close()

    counter.counted.connect(callback)
    counter.fileno()
    counter.count(0, 1)
    dispatch_until(counter, lambda: not counter.alive)
    assert seen == [1, "wait() in a callback of Counter: connect to exited instead"]


def test_the_end_comes_after_all_messages_though_a_callback_runs_a_loop_of_its_own(loop: Loop) -> None:
    ours, theirs = channel_pair()
    front: Any = make_front_end(Counter, "ended", loop, lambda grace_s: None)
    front.fileno()
    order: list[object] = []

    def show_dialog(number: int) -> None:
        order.append(number)
        front.dispatch()

    front.counted.connect(show_dialog)
    front.exited.connect(order.append)
    back = Channel(theirs)
    for number in range(3):
        assert back.send(Kind.MESSAGE, "counted", dumps("", (number,)).body)
    back.close()
    front._bind(ours, 1)
    front._on_exit(0)
    # As in Qt, with a notifier: one by one, not by a turn of the loop.
    assert front._serving.serve(front._dispatch_one, 1) == 1
    assert order == [0]
    assert front.wait(5) == "exit code 0"
    assert order == [0, 1, 2, "exit code 0"]


def test_a_thread_that_closes_leaves_the_callbacks_to_the_one_that_dispatches(counter: Any) -> None:
    counter.fileno()
    counter.count(0, 10)
    closer = threading.Thread(target=counter.close)
    closer.start()
    dispatch_until(counter, lambda: not counter.alive)
    closer.join()
    assert counter.heard == list(range(10))
    assert counter.heard.threads == {threading.get_ident()}


@pytest.mark.parametrize("port", ["counted", "exited"])
def test_a_callback_that_is_interrupted_leaves_nobody_waiting(spawn: Spawn, port: str) -> None:
    front = spawn(Counter)
    front.fileno()
    messages = front.messages(5)

    def interrupt(*args: object, **fields: object) -> None:
        getattr(front, port).disconnect(interrupt)
        raise KeyboardInterrupt

    getattr(front, port).connect(interrupt)
    front.count(0, 3)
    with pytest.raises(KeyboardInterrupt):
        front.close()
    assert front.wait(5) == "exit code 0"
    # What had not come when the first one's callback was interrupted may be lost; whoever iterates is let go.
    told = [name for name, _ in messages]
    assert len(told) <= 3
    assert set(told) <= {"counted"}
    assert told or port == "counted"


def test_who_waits_dispatches_once_the_thread_that_did_has_ended(counter: Any) -> None:
    thread = threading.Thread(target=counter.dispatch)
    thread.start()
    thread.join()
    counter.count(0, 10)
    counter.close(wait=False)
    assert counter.wait(5) == "exit code 0"
    assert counter.heard == list(range(10))
    assert counter.heard.threads == {threading.get_ident()}


def test_closing_ends_although_the_thread_that_dispatched_is_gone(counter: Any) -> None:
    thread = threading.Thread(target=counter.dispatch)
    thread.start()
    thread.join()
    counter._serving._dispatched._thread_id = 0  # Idents are used again.
    counter.count(0, 10)
    counter.close(0.2)
    assert counter.exit == "exit code 0"
    assert counter.heard == list(range(10))


def test_what_a_full_socket_did_not_take_is_sent_by_dispatch(counter: Any) -> None:
    counter.fileno()
    calls = 0
    try:
        while calls < 5000:
            counter.count(calls, calls + 1)
            calls += 1
    except BackendBusy:
        pass
    dispatch_until(counter, lambda: len(counter.heard) + counter.statistics().lost >= calls)
    assert counter.heard == sorted(counter.heard)


def test_another_loop_may_take_it_from_here_and_the_descriptor_stays(counter: Any, loop: Loop) -> None:
    number = counter.fileno()
    counter.count(0, 10)
    counter._attach(loop)
    counter.count(10, 20)
    wait_until(lambda: len(counter.heard) == 20)
    assert threading.get_ident() not in counter.heard.threads
    assert counter.fileno() == number
    counter.dispatch()
    counter.close()


def test_the_descriptor_goes_with_the_loop() -> None:
    loop = DispatchedLoop()
    number = loop.fileno()
    loop.call_soon_threadsafe(loop.dispatch)
    del loop
    gc.collect()
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(number)


def test_a_forked_copy_is_told_so(counter: Any) -> None:
    counter._serving._made_in = 0
    with pytest.raises(BrokenError, match="forked copy"):
        counter.fileno()
    counter._serving._made_in = os.getpid()
    counter._made_in = 0
    with pytest.raises(BrokenError, match="forked copy"):
        counter.wait(None)
    counter._made_in = os.getpid()
