import asyncio
import concurrent.futures
import logging
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import camgraph as cg
from camgraph.base.errors import BackendBusy, BackendRaised, BrokenError, CannotTravel, ClosedError
from camgraph.base.loop import Loop
from camgraph.control.channel import channel_pair
from camgraph.process import calls
from camgraph.process.calls import Call, Calls
from camgraph.process.channel import Channel
from camgraph.process.front import make_front_end
from camgraph.process.travel import Parcel, dumps_home
from camgraph.process.wire import Kind
from camgraph.testing.waiting import wait_until

Spawn = Callable[..., Any]


class Base(cg.MessageProcess):
    @cg.backend
    def double(self, value: int) -> int:
        return 2 * value

    @cg.backend
    def triple(self, value: int) -> int:
        return 3 * value


class Answers(Base):
    noise = cg.message(number=int)

    def triple(self, value):
        return 3 * value + 1

    @cg.backend
    def maybe(self) -> int | None:
        return None

    @cg.backend
    def told_as_text(self) -> "list[int]":
        return [1, 2]

    @cg.backend
    def picture(self, height: int) -> "np.ndarray[Any, Any]":
        return np.full((height, 1000, 3), 7, np.uint8)

    @cg.backend
    def nothing(self, value: object = None) -> None:
        return value  # type: ignore[return-value]

    @cg.backend
    def untold(self):
        return 5

    @cg.backend
    def divide(self, by: int) -> float:
        return 1 / by

    @cg.backend
    def lock(self) -> Any:
        return {"held": threading.Lock()}

    @cg.backend
    def leave(self) -> int:
        raise SystemExit(4)

    @cg.backend
    def after_noise(self, count: int) -> int:
        for number in range(count):
            self.noise.emit(number)
        events["emitted"].set()
        return count

    @cg.backend
    def hold(self, event: str) -> bool:
        return events[event].wait(5)


events = {"go": threading.Event(), "emitted": threading.Event()}


@pytest.fixture(autouse=True)
def _nobody_goes() -> Any:
    for event in events.values():
        event.clear()
    yield
    events["go"].set()


@pytest.fixture
def answers(spawn: Spawn) -> Any:
    return spawn(Answers)


def test_a_method_that_is_annotated_to_return_something_has_a_result(answers: Any) -> None:
    assert answers.double(21).result(5) == 42
    assert answers.double(value=2).result(5) == 4
    assert answers.maybe().result(5) is None
    assert answers.told_as_text().result(5) == [1, 2]
    assert isinstance(answers.double(1), concurrent.futures.Future)


def test_an_override_without_annotation_or_mark_has_the_result_its_base_promises(answers: Any) -> None:
    assert answers.triple(2).result(5) == 7
    assert type(answers).triple.__annotations__["return"] is Call


@pytest.mark.parametrize("height", [1, 100, 12_000])
def test_arrays_of_any_size_come_back(answers: Any, height: int) -> None:
    array = answers.picture(height).result(20)
    assert array.shape == (height, 1000, 3)
    assert (array == 7).all()


def test_a_method_without_result_returns_none_and_what_it_returns_is_warned_of_once(
    answers: Any, caplog: pytest.LogCaptureFixture
) -> None:
    assert answers.nothing(3) is None
    assert answers.nothing(3) is None
    assert answers.untold() is None
    assert answers.double(1).result(5) == 2
    warnings = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert [text.partition(" returned")[0] for text in warnings] == ["Answers.nothing", "Answers.untold"]


def test_an_exception_goes_to_the_future_and_the_process_lives_on(answers: Any) -> None:
    failed: list[Any] = []
    answers.failed.connect(failed.append)
    with pytest.raises(BackendRaised, match=r"Answers\.divide raised ZeroDivisionError") as raised:
        answers.divide(0).result(5)
    first_line, *_, last_line = raised.value.traceback.splitlines()
    assert first_line.startswith("Traceback")
    assert "return 1 / by" in raised.value.traceback
    assert "process/back.py" not in raised.value.traceback
    assert last_line.startswith("ZeroDivisionError")
    assert answers.divide(2).result(5) == 0.5
    assert failed == []


def test_a_result_that_cannot_be_pickled_is_named_in_the_future(answers: Any) -> None:
    with pytest.raises(BackendRaised, match=r"Answers\.lock.*result.*\['held'\]: lock stays in the back end"):
        answers.lock().result(5)
    assert answers.double(1).result(5) == 2


def test_an_argument_that_cannot_be_pickled_leaves_no_call_open(answers: Any) -> None:
    with pytest.raises(CannotTravel):
        answers.double(threading.Lock())
    with pytest.raises(TypeError):
        answers.double()
    assert not answers._calls._open


def test_system_exit_ends_the_process_and_the_future_says_so(answers: Any) -> None:
    answers.hold("go")
    left, next_one = answers.leave(), answers.double(1)
    events["go"].set()
    for call in (left, next_one):
        with pytest.raises(BrokenError, match="Answers ended before it answered: exit code 4"):
            call.result(5)
    assert answers.wait(5) == "exit code 4"


def test_messages_beyond_the_bound_cost_no_result(answers: Any) -> None:
    entered, go_on = threading.Event(), threading.Event()

    def slow(number: int) -> None:
        entered.set()
        go_on.wait(5)

    answers.noise.connect(slow)
    call = answers.after_noise(10_000)
    assert entered.wait(5)
    assert events["emitted"].wait(5)
    go_on.set()
    assert call.result(10) == 10_000
    wait_until(lambda: answers.statistics().lost > 0, 5, "messages were lost, the result was not")


def test_a_result_arrives_after_the_messages_that_were_sent_before_it(answers: Any) -> None:
    order: list[object] = []
    answers.noise.connect(lambda number: order.append(number))
    answers.after_noise(3).add_done_callback(lambda call: order.append(call.result()))
    wait_until(lambda: len(order) == 4)
    assert order == [0, 1, 2, 3]


def test_waiting_has_an_end_and_says_for_what(answers: Any) -> None:
    call = answers.hold("go")
    with pytest.raises(TimeoutError, match=r"Answers\.hold has not returned within 0\.05 s"):
        call.result(0.05)
    with pytest.raises(TimeoutError):
        call.exception(0.05)
    events["go"].set()
    assert call.result(5) is True
    assert call.exception(5) is None


def test_a_cancelled_call_is_done_and_the_method_runs_all_the_same(answers: Any) -> None:
    call = answers.hold("go")
    assert call.cancel()
    assert call.cancelled()
    with pytest.raises(concurrent.futures.CancelledError):
        call.result(5)
    events["go"].set()
    assert answers.double(4).result(5) == 8
    assert not answers._calls._open


def test_in_a_callback_a_result_that_is_not_there_raises_and_names_the_remedy(answers: Any) -> None:
    seen: list[object] = []

    def callback(call: Any) -> None:
        seen.append(call.result())
        try:
            answers.double(3).result(5)
        except RuntimeError as error:
            seen.append(str(error))

    answers.hold("go").add_done_callback(callback)
    events["go"].set()
    wait_until(lambda: len(seen) == 2)
    assert seen[0] is True
    assert "in a callback of Answers: use add_done_callback" in str(seen[1])


def test_a_callback_that_exits_does_not_end_the_thread_that_serves(
    answers: Any, caplog: pytest.LogCaptureFixture
) -> None:
    def leave(call: Any) -> None:
        raise SystemExit(3)

    call = answers.hold("go")
    call.add_done_callback(leave)
    done: list[object] = []
    call.add_done_callback(done.append)
    events["go"].set()
    assert answers.double(2).result(5) == 4
    assert done == [call]
    assert "a callback of <Call of Answers.hold: done> failed" in caplog.text


def test_in_the_thread_that_dispatches_result_dispatches_meanwhile(answers: Any) -> None:
    order: list[object] = []
    answers.noise.connect(lambda number: order.append((number, threading.get_ident())))
    answers.fileno()
    assert answers.after_noise(2).result(5) == 2
    assert order == [(0, threading.get_ident()), (1, threading.get_ident())]
    with pytest.raises(TimeoutError):
        answers.hold("go").result(0.05)
    events["go"].set()


def test_awaited_in_asyncio_by_hundreds_at_once(answers: Any) -> None:
    async def main() -> None:
        assert await answers.double(5) == 10
        results = await asyncio.gather(*(answers.double(number) for number in range(300)))
        assert results == list(range(0, 600, 2))
        with pytest.raises(BackendRaised):
            await answers.divide(0)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(answers.hold("go"), 0.05)
        waiting = asyncio.ensure_future(answers.hold("go"))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        events["go"].set()
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(_awaited(answers.double(number))) for number in range(3)]
        assert [task.result() for task in tasks] == [0, 2, 4]

    asyncio.run(main())


async def _awaited(call: Call) -> Any:
    return await call


def test_a_busy_back_end_leaves_no_call_open(answers: Any) -> None:
    answers.hold("go")
    made: list[Call] = []

    def call_for_ever() -> None:
        while True:
            made.append(answers.double(len(made)))

    with pytest.raises(BackendBusy):
        call_for_ever()
    # The first one waits as well; all others are queued.
    assert len(answers._calls._open) == len(made) + 1
    events["go"].set()
    assert [call.result(10) for call in made] == list(range(0, 2 * len(made), 2))
    assert not answers._calls._open


def test_many_threads_get_each_their_own_result(answers: Any) -> None:
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        results = pool.map(lambda number: answers.double(number).result(10), range(1000))
    assert list(results) == list(range(0, 2000, 2))


def test_an_exception_that_nobody_asks_for_is_logged_once(
    answers: Any, caplog: pytest.LogCaptureFixture
) -> None:
    answers.divide(0)
    answers.divide(0).exception(5)
    wait_until(lambda: caplog.records)
    assert answers.double(1).result(5) == 2
    (text,) = [record.getMessage() for record in caplog.records]
    assert text.startswith("nobody asked how a call of Answers.divide went: Answers.divide raised Zero")


def test_unanswered_calls_are_bounded(answers: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls, "MOST_OPEN", 10)
    made = [answers.hold("go") for _ in range(10)]
    with pytest.raises(BackendBusy, match=r"Answers\.double: 10 calls are not answered yet"):
        answers.double(1)
    answers.nothing()
    events["go"].set()
    assert [call.result(5) for call in made] == [True] * 10
    assert answers.double(1).result(5) == 2


class Peer:
    """A front end whose back end is this test."""

    def __init__(self, loop: Loop) -> None:
        self.renewed = threading.Event()
        self.front: Any = make_front_end(
            type("Restarting", (Answers,), {"restart": True}),
            "peer",
            loop,
            lambda grace_s: None,
            renew=lambda pid: self.renewed.set(),
        )

    def begin(self, pid: int) -> Channel:
        ours, theirs = channel_pair()
        self.front._bind(ours, pid)
        return Channel(theirs)

    def end(self, *channels: Channel) -> None:
        self.front._begin_close(1.0)
        for channel in channels:
            channel.close()
        self.front._on_exit(0)
        self.front.wait(5)


def receive(channel: Channel) -> Any:
    return wait_until(channel.receive)


def answer(channel: Channel, token: int, value: object) -> None:
    parcel: Parcel = dumps_home(lambda: "x", ("result",), (value,))
    channel.send(Kind.RESULT, body=parcel.body, token=token)


def test_calls_handed_over_are_answered_by_the_next_life_and_sent_ones_fail(loop: Loop) -> None:
    peer = Peer(loop)
    first = peer.begin(1)
    answered, sent = peer.front.double(1), peer.front.double(2)
    answer(first, receive(first).token, "one")
    assert answered.result(5) == "one"
    assert receive(first).token
    first.close()
    # The front end finds it dead before it is told, and keeps what it could not send.
    kept = peer.front.double(3)
    peer.front._on_restart(-9, "signal SIGKILL")
    with pytest.raises(BrokenError, match="peer ended before it answered: signal SIGKILL"):
        sent.result(5)
    assert not kept.done()
    second = peer.begin(2)
    assert receive(second).kind is Kind.WATCHED
    answer(second, receive(second).token, "three")
    assert kept.result(5) == "three"
    peer.end(second)


def test_each_call_fails_once_whatever_comes_late(loop: Loop) -> None:
    peer = Peer(loop)
    channel = peer.begin(1)
    call = peer.front.double(1)
    done: list[object] = []
    call.add_done_callback(done.append)
    token = receive(channel).token
    answer(channel, token, 1)
    answer(channel, token, 2)
    answer(channel, 999, 3)
    wait_until(lambda: done)
    peer.end(channel)
    assert done == [call]
    assert call.result(0) == 1


def test_the_end_fails_all_calls_and_later_ones_raise(loop: Loop) -> None:
    peer = Peer(loop)
    channel = peer.begin(1)
    open_calls = [peer.front.double(number) for number in range(5)]
    peer.end(channel)
    for call in open_calls:
        with pytest.raises(BrokenError, match="ended before it answered: exit code 0"):
            call.result(0)
    with pytest.raises(ClosedError):
        peer.front.double(1)
    assert not peer.front._calls._open


def test_tokens_are_given_once() -> None:
    table = Calls()
    tokens = [table.open("f", lambda done, timeout: timeout)[0] for _ in range(100)]
    assert len(set(tokens)) == 100
    assert table.forget(tokens[0]) is not None
    assert table.forget(tokens[0]) is None
    table.fail_all("over")
