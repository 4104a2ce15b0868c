import logging
import os
import select
import socket
import sys
import threading
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

import camgraph as cg
from camgraph.base.errors import (
    BackendBusy,
    BackendRaised,
    BrokenError,
    CannotTravel,
    ClosedError,
    LeaseLimit,
)
from camgraph.base.loop import Loop
from camgraph.control.channel import channel_pair
from camgraph.process import ports
from camgraph.process.channel import MAX_QUEUED, Channel
from camgraph.process.front import make_front_end
from camgraph.process.travel import dumps
from camgraph.process.wire import REPORT, Kind
from camgraph.testing.waiting import wait_until

Spawn = Callable[..., Any]


class Request(NamedTuple):
    stream: str
    width: int = 640


class Reader:
    """Frames from a socket: what the test sends is a frame."""

    made: "list[Reader]" = []  # noqa: RUF012

    def __init__(self, request: Request) -> None:
        if request.stream == "nowhere":
            raise BrokenError("no such site")
        self.request = request
        self.closed = False
        self._ours, self._theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._ours.setblocking(False)
        Reader.made.append(self)

    def publish(self, data: bytes) -> None:
        self._theirs.send(data)

    def fileno(self) -> int:
        return self._ours.fileno()

    def read_nowait(self) -> Any:
        try:
            data = self._ours.recv(100)
        except BlockingIOError:
            return None
        if data == b"refused":
            raise BrokenError("stream 'door' is unknown")
        if data == b"limit":
            raise LeaseLimit("3 frames are held")
        return f"{self.request.stream}: {data.decode()}"

    def close(self) -> None:
        self.closed = True
        self._ours.close()
        self._theirs.close()


@pytest.fixture(autouse=True)
def _no_readers_left() -> Any:
    Reader.made.clear()
    yield
    assert all(reader.closed for reader in Reader.made)


class Echo(cg.MessageProcess):
    said = cg.message(what=object, thread=int)
    ended = cg.message()
    flooded = threading.Event()

    def __init__(self, first: str = "", *, fail: str = "") -> None:
        self.fail = fail
        if fail == "init":
            raise ValueError("not made")
        if first:
            self.say(first)

    def setup(self) -> None:
        if self.fail == "setup":
            raise OSError("no model")

    def on_frame(self, frame: Any) -> None:
        if frame.endswith("bad"):
            raise RuntimeError("can't analyse")
        self.say(frame)

    @cg.backend
    def say(self, what: object) -> None:
        self.said.emit(what, threading.get_ident())

    @cg.backend
    def flood(self, count: int) -> None:
        for number in range(count):
            self.say(number)
        self.flooded.set()

    @cg.backend
    def divide(self, by: int) -> None:
        1 / by

    @cg.backend
    def leave(self, code: object) -> None:
        raise SystemExit(code)

    @cg.backend
    def give_unreadable(self) -> object:
        return Unreadable(sys.exit)

    @cg.backend
    def send_lock(self) -> None:
        self.said.emit(threading.Lock(), 0)

    def cleanup(self) -> None:
        self.ended.emit()
        if self.fail == "cleanup":
            raise KeyError("gone")


class Heard(list[Any]):
    def __call__(self, **fields: Any) -> None:
        self.append(fields["what"])


@pytest.fixture
def echo(spawn: Spawn) -> Any:
    front = spawn(Echo, open_reader=Reader)
    front.heard = Heard()
    front.said.connect(front.heard)
    return front


def test_calls_run_in_the_back_end_in_order_and_answers_come_in_the_serving_thread(
    echo: Any, loop: Loop
) -> None:
    threads: set[bool] = set()
    echo.said.connect(lambda **fields: threads.add(loop.in_thread()))
    for number in range(500):
        echo.say(number)
    wait_until(lambda: len(echo.heard) == 500)
    assert echo.heard == list(range(500))
    assert threads == {True}


def test_calls_may_be_made_before_the_process_runs(loop: Loop) -> None:
    front: Any = make_front_end(Echo, "early", loop, lambda grace_s: None)
    assert front.alive
    assert front.pid is None
    front.say("before")
    ours, theirs = channel_pair()
    front._bind(ours, 7)
    assert front.pid == 7
    assert b"before" in theirs.recv(1000)
    theirs.close()
    front._on_exit(-9)
    assert front.wait(5) == "signal SIGKILL"


def test_constructor_arguments_arrive_and_what_is_emitted_there_is_delivered(spawn: Spawn) -> None:
    front = spawn(Echo, "hello")
    messages = front.messages(5)
    if not front.statistics().messages:
        assert next(messages)[1]["what"] == "hello"


@pytest.mark.parametrize("value", [2**80, {1: "a", (2, 3): None}, b"x" * 300_000, [float("inf")], None])
def test_values_arrive_as_they_are(echo: Any, value: object) -> None:
    echo.say(value)
    wait_until(lambda: echo.heard)
    assert echo.heard == [value]


def test_an_argument_that_cannot_travel_is_named_and_nothing_is_sent(echo: Any) -> None:
    with pytest.raises(CannotTravel, match=r"Echo\.say\(what\): lock stays at the front"):
        echo.say(threading.Lock())
    echo.say("next")
    wait_until(lambda: echo.heard == ["next"])


def test_closing_serves_the_calls_made_before_then_cleans_up(echo: Any) -> None:
    ended = threading.Event()
    exits: list[str] = []
    echo.ended.connect(ended.set)
    echo.exited.connect(exits.append)
    for number in range(3000):
        while True:
            try:
                echo.say(number)
                break
            except BackendBusy:
                wait_until(lambda: echo._channel.queued < MAX_QUEUED)
    echo.close()
    assert echo.heard == list(range(3000))
    assert ended.is_set()
    assert (echo.exit, exits, echo.alive, echo.failure) == ("exit code 0", ["exit code 0"], False, None)
    echo.close()
    with pytest.raises(ClosedError, match="Echo is closed"):
        echo.say(1)


@pytest.mark.parametrize(
    ("action", "summary", "last_line"),
    [
        (lambda front: front.divide(0), "Echo.divide raised ZeroDivisionError: division by zero", "division"),
        (
            lambda front: front.send_lock(),
            "Echo.send_lock raised CannotTravel: Echo.said.emit(what)",
            "lock",
        ),
    ],
)
def test_an_exception_is_reported_with_its_traceback_and_ends_the_process(
    echo: Any, caplog: pytest.LogCaptureFixture, action: Any, summary: str, last_line: str
) -> None:
    errors: list[BackendRaised] = []
    exits: list[str] = []
    echo.failed.connect(errors.append)
    echo.exited.connect(exits.append)
    action(echo)
    assert echo.wait(5).startswith("exit code 1")
    (error,) = errors
    assert echo.failure is error
    assert error.summary.startswith(summary)
    lines = error.traceback.splitlines()
    assert lines[0] == "Traceback (most recent call last):"
    assert "test_processes.py" in error.traceback
    assert "process/back.py" not in lines[1]
    assert last_line in lines[-1]
    assert exits == [f"exit code 1: {error.summary}"]
    assert not caplog.records
    with pytest.raises(BrokenError, match="Echo has ended: exit code 1"):
        echo.say(1)


@pytest.mark.parametrize("where", ["init", "setup", "cleanup"])
def test_an_exception_of_a_hook_is_reported(spawn: Spawn, where: str) -> None:
    front = spawn(Echo, fail=where)
    if where == "cleanup":
        front.close()
    assert front.wait(5).startswith("exit code 1")
    assert f"Echo.{'__init__' if where == 'init' else where} raised" in front.failure.summary


def test_a_failure_nobody_listens_to_is_logged_once(spawn: Spawn, caplog: pytest.LogCaptureFixture) -> None:
    front = spawn(Echo)
    front.divide(0)
    front.wait(5)
    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert "Echo failed: Echo.divide raised ZeroDivisionError: division by zero" in record.getMessage()
    assert "Traceback" in record.getMessage()
    late: list[BackendRaised] = []
    front.failed.connect(late.append)
    assert late == [front.failure]


@pytest.mark.parametrize(("code", "returncode"), [(None, 0), (3, 3), ("so", 1)])
def test_system_exit_is_no_failure(spawn: Spawn, code: object, returncode: int) -> None:
    front = spawn(Echo)
    front.leave(code)
    assert front.wait(5) == f"exit code {returncode}"
    assert front.failure is None


def test_frames_of_all_requests_reach_on_frame_and_are_counted(echo: Any) -> None:
    door, hall = Request("door"), Request("hall")
    echo.watch(door)
    echo.watch(hall)
    echo.watch(Request("door"))
    wait_until(lambda: len(Reader.made) == 2)
    for number in range(3):
        Reader.made[0].publish(b"%d" % number)
    wait_until(lambda: echo.heard == ["door: 0", "door: 1", "door: 2"])
    Reader.made[1].publish(b"x")
    wait_until(lambda: echo.heard[-1] == "hall: x")
    echo.say("between")
    wait_until(lambda: echo.heard[-1] == "between")
    echo.close()
    assert echo.statistics().frames == 4
    assert echo.statistics().messages == 6
    assert echo.statistics().lost == 0


def test_unwatch_takes_a_request_or_the_name_of_a_stream(echo: Any) -> None:
    for request in (Request("door"), Request("door", 320), Request("hall")):
        echo.watch(request)
    wait_until(lambda: len(Reader.made) == 3)
    echo.unwatch(Request("door", 320))
    wait_until(lambda: Reader.made[1].closed)
    echo.unwatch("door")
    wait_until(lambda: Reader.made[0].closed)
    assert not Reader.made[2].closed
    echo.unwatch("door")
    echo.watch(Request("door"))
    wait_until(lambda: len(Reader.made) == 4)


def test_an_exception_in_on_frame_ends_the_process(echo: Any) -> None:
    echo.watch(Request("door"))
    wait_until(lambda: Reader.made)
    Reader.made[0].publish(b"bad")
    assert echo.wait(5).startswith("exit code 1")
    assert echo.failure.summary == "Echo.on_frame raised RuntimeError: can't analyse"


def test_a_stream_that_is_refused_is_reported_and_the_others_go_on(echo: Any) -> None:
    echo.watch(Request("door"))
    echo.watch(Request("hall"))
    echo.watch(Request("nowhere"))
    wait_until(lambda: echo.failure and "no such site" in echo.failure.summary)
    Reader.made[0].publish(b"refused")
    wait_until(lambda: "stream 'door' is unknown" in echo.failure.summary)
    assert Reader.made[0].closed
    Reader.made[1].publish(b"fine")
    wait_until(lambda: echo.heard == ["hall: fine"])
    assert echo.alive


def test_holding_more_frames_than_granted_is_the_class_failing(echo: Any) -> None:
    echo.watch(Request("door"))
    wait_until(lambda: Reader.made)
    Reader.made[0].publish(b"limit")
    assert echo.wait(5).startswith("exit code 1")
    assert "3 frames are held" in echo.failure.summary


def test_watching_needs_a_request_and_an_on_frame(echo: Any, spawn: Spawn) -> None:
    with pytest.raises(TypeError, match=r"takes a request, stream\.frames"):
        echo.watch("door")
    with pytest.raises(TypeError, match="takes a request or the name"):
        echo.unwatch(3)

    class Blind(cg.MessageProcess): ...

    with pytest.raises(TypeError, match="has no on_frame"):
        spawn(Blind).watch(Request("door"))


def test_a_slow_front_end_stops_no_back_end_and_every_message_is_accounted_for(echo: Any) -> None:
    blocked, go_on, after = threading.Event(), threading.Event(), threading.Event()

    def block(what: object, thread: int) -> None:
        blocked.set()
        assert go_on.wait(20)
        if what == "after":
            after.set()

    echo.said.connect(block)
    echo.say("first")
    assert blocked.wait(5)
    Echo.flooded.clear()
    echo.flood(10_000)
    assert Echo.flooded.wait(10)  # It has emitted all, though nobody took any.
    go_on.set()
    wait_until(lambda: len(echo.heard) > MAX_QUEUED)
    echo.say("after")
    assert after.wait(5)
    echo.close()
    numbers = echo.heard[1:-1]
    assert numbers == list(range(len(numbers)))
    assert MAX_QUEUED < len(numbers) < 10_000
    assert echo.statistics().lost == 10_000 - len(numbers)
    assert echo.statistics().messages == len(numbers) + len(["first", "after", "ended"])


def test_a_back_end_that_does_not_read_makes_the_front_end_busy(loop: Loop) -> None:
    front: Any = make_front_end(Echo, "Echo", loop, lambda grace_s: None)
    for _ in range(MAX_QUEUED):
        front.say(1)
    with pytest.raises(BackendBusy, match=f"behind by {MAX_QUEUED} calls"):
        front.say(1)
    front._on_exit(None)
    assert front.wait(5) == "unknown: its supervisor is gone"


def test_garbage_breaks_the_process_and_not_the_loop(
    loop: Loop, echo: Any, caplog: pytest.LogCaptureFixture
) -> None:
    ours, theirs = channel_pair()
    asked: list[float] = []
    front: Any = make_front_end(Echo, "bad", loop, asked.append)
    front._bind(ours, 1)
    theirs.send(os.urandom(1000))
    wait_until(lambda: front.failure)
    assert "bad sent what can't be read" in front.failure.summary
    wait_until(lambda: asked == [0.0])
    theirs.send(b"more")
    front._on_exit(0)
    assert front.wait(5) == "exit code 0"
    theirs.close()
    echo.say("fine")
    wait_until(lambda: echo.heard == ["fine"])
    assert len(caplog.records) == 1


class Nameless(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text")


def _raise_nameless() -> None:
    raise Nameless


class Unreadable:
    """Can be pickled; who unpickles it runs `function`."""

    def __init__(self, function: Callable[[], object]) -> None:
        self.function = function

    def __reduce__(self) -> Any:
        return self.function, ()


@pytest.mark.parametrize(
    ("function", "text"), [(sys.exit, "SystemExit"), (_raise_nameless, "Nameless: (its text can't be had)")]
)
def test_a_message_that_can_not_be_unpickled_is_told_counted_and_all_that_is_lost(
    loop: Loop, caplog: pytest.LogCaptureFixture, function: Callable[[], object], text: str
) -> None:
    ours, theirs = channel_pair()
    front: Any = make_front_end(Echo, "odd", loop, lambda grace_s: None)
    heard: list[object] = []
    front.said.connect(lambda what, thread: heard.append(what))
    front._bind(ours, 1)
    back = Channel(theirs)
    assert back.send(Kind.MESSAGE, "said", dumps("", (Unreadable(function), 0)).body)
    assert back.send(Kind.MESSAGE, "said", dumps("", ("fine", 0)).body)
    wait_until(lambda: heard == ["fine"])
    assert front.statistics().lost == 1
    assert f"odd sent said, which can't be read here: {text}" in caplog.text
    back.close()
    front._on_exit(0)
    front.wait(5)


def test_a_result_that_can_not_be_unpickled_is_its_call_s_affair(echo: Any) -> None:
    with pytest.raises(CannotTravel, match="what Echo returned can't be read here: SystemExit"):
        echo.give_unreadable().result(5)
    echo.say("fine")
    wait_until(lambda: echo.heard == ["fine"])


@pytest.mark.parametrize(
    ("kind", "name", "value"),
    [
        ("READY", "", None),
        ("REPORT", "", None),
        ("FAILED", "", ("it raised", "text")),
        ("RAISED", "", ("it raised", "text")),
        ("RESULT", "", (1,)),
        ("MESSAGE", "unheard_of", (1,)),
    ],
)
def test_descriptors_that_nobody_expects_are_closed(loop: Loop, kind: str, name: str, value: object) -> None:
    ours, theirs = channel_pair()
    front: Any = make_front_end(Echo, "Echo", loop, lambda grace_s: None)
    front._bind(ours, 1)
    reading, writing = os.pipe()
    body = dumps("", value).body
    assert Channel(theirs).send(Kind[kind], name, body, descriptors=(writing,))
    theirs.close()
    front._on_exit(0)
    front.wait(5)
    # Nobody has its writing end any more.
    assert select.select([reading], [], [], 5)[0]
    os.close(reading)


def test_what_was_sent_before_death_is_delivered_before_exited(loop: Loop) -> None:
    ours, theirs = channel_pair()
    front: Any = make_front_end(Echo, "dies", loop, lambda grace_s: None)
    order: list[object] = []
    front.said.connect(lambda what, thread: order.append(what))
    front.exited.connect(order.append)
    back = Channel(theirs)
    for number in range(200):
        assert back.send(Kind.MESSAGE, "said", dumps("", (number, 0)).body)
    front.say("unread")
    # The exit is told before the messages were seen, and a forked child keeps the channel open.
    held = os.dup(theirs.fileno())
    back.close()
    hold = threading.Event()
    loop.call_soon_threadsafe(lambda: void(hold.wait(5)))
    front._bind(ours, 1)
    front._on_exit(-11)
    hold.set()
    assert front.wait(5) == "signal SIGSEGV"
    wait_until(lambda: len(order) == 201)
    assert order == [*range(200), "signal SIGSEGV"]
    os.close(held)


def void(value: object) -> None:
    """Drop a value."""


def test_an_abnormal_end_nobody_listens_to_is_logged(loop: Loop, caplog: pytest.LogCaptureFixture) -> None:
    front = make_front_end(Echo, "Echo-1", loop, lambda grace_s: None)
    front._on_exit(-9)
    front.wait(5)
    wait_until(lambda: [record.getMessage() for record in caplog.records] == ["Echo-1 ended: signal SIGKILL"])


def test_a_process_that_only_loses_its_channel_is_ended(loop: Loop) -> None:
    ours, theirs = channel_pair()
    asked: list[float] = []
    front = make_front_end(Echo, "Echo", loop, asked.append)
    front._bind(ours, 1)
    theirs.close()
    assert asked == []
    wait_until(lambda: asked == [0.0], 10)
    front._on_exit(0)
    front.wait(5)


def test_messages_iterates_until_the_process_ends(echo: Any) -> None:
    first, second = echo.messages(), echo.messages(5)
    echo.say("one")
    echo.say("two")
    assert next(second)[0] == "said"
    echo.close()
    assert [(name, fields.get("what")) for name, fields in first] == [
        ("said", "one"),
        ("said", "two"),
        ("ended", None),
    ]
    assert [name for name, _ in second] == ["said", "ended"]
    assert list(echo.messages()) == []


def test_waiting_for_a_message_has_a_bound(echo: Any) -> None:
    with pytest.raises(TimeoutError, match=r"no message came within 0\.05 s"):
        next(echo.messages(0.05))
    with pytest.raises(TimeoutError, match="has not ended"):
        echo.wait(0.01)


def test_what_an_iterator_has_no_room_for_is_counted(echo: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "MAX_UNREAD", 10)
    unread = echo.messages()
    for number in range(15):
        echo.say(number)
    wait_until(lambda: len(echo.heard) == 15)
    assert echo.statistics().lost == 5
    echo.close()
    assert [fields["what"] for _, fields in unread] == list(range(10))


def test_a_failing_callback_is_logged_and_stops_nobody(echo: Any, caplog: pytest.LogCaptureFixture) -> None:
    def bad(what: object, thread: int) -> None:
        raise what  # type: ignore[misc]

    echo.said.disconnect(echo.heard)
    echo.said.connect(bad)
    echo.said.connect(echo.heard)
    echo.say(ValueError("mine"))
    echo.say(SystemExit("mine too"))
    wait_until(lambda: len(echo.heard) == 2)
    assert caplog.text.count("a callback connected to Echo.said failed") == 2
    echo.said.disconnect(bad)
    with pytest.raises(ValueError, match="is not connected"):
        echo.said.disconnect(bad)


def test_in_a_callback_close_does_not_wait_and_wait_refuses(echo: Any) -> None:
    raised: list[Exception] = []

    def done(**fields: Any) -> None:
        try:
            echo.wait(1)
        except RuntimeError as error:
            raised.append(error)
        echo.close()

    echo.said.connect(done)
    echo.say("end")
    assert echo.wait(5) == "exit code 0"
    assert len(raised) == 1
    late: list[str] = []
    echo.exited.connect(late.append)
    assert late == ["exit code 0"]


def test_moving_to_another_loop_keeps_order_and_changes_the_thread(echo: Any, loop: Loop) -> None:
    other = Loop()
    thread = threading.Thread(target=other.run)
    thread.start()
    seen: list[bool] = []
    echo.said.connect(lambda **fields: seen.append(other.in_thread()))
    for turn in range(20):
        for number in range(100):
            echo.say(turn * 100 + number)
        echo._attach((other, loop)[turn % 2])
    echo._attach(other)
    echo.say("there")
    wait_until(lambda: echo.heard[-1:] == ["there"])
    assert echo.heard == [*range(2000), "there"]
    assert seen[-1]
    echo.close()
    other.stop()
    thread.join()
    other.close()


def test_a_front_end_shows_its_state_and_stays_in_its_program(echo: Any) -> None:
    import pickle

    assert repr(echo) == "<FrontEnd Echo: pid 1>"
    with pytest.raises(TypeError, match="stays in its program"):
        pickle.dumps(echo)
    with pytest.raises(AttributeError, match=r"Echo\.__init__|no attribute 'limit'"):
        _ = echo.limit
    echo.close()
    assert repr(echo) == "<FrontEnd Echo: exit code 0>"


def test_the_first_message_that_is_lost_is_told_in_the_log(
    loop: Loop, caplog: pytest.LogCaptureFixture
) -> None:
    ours, theirs = channel_pair()
    front: Any = make_front_end(Echo, "Echo-1", loop, lambda grace_s: None)
    front._bind(ours, 1)
    back = Channel(theirs)
    for lost in (0, 3, 5):
        assert back.send(Kind.REPORT, "", REPORT.pack(0, 10, lost, 0))
    wait_until(lambda: front.statistics().lost == 5)
    assert len(caplog.records) == 1
    assert "Echo-1 emits more than this program takes" in caplog.text
    back.close()
    front._on_exit(0)
    front.wait(5)


def test_with_a_block_it_is_closed_at_its_end(spawn: Spawn) -> None:
    with spawn(Echo) as front:
        front.say("last")
    assert front.exit == "exit code 0"


def test_what_is_no_callback_is_refused_at_once(echo: Any) -> None:
    for port in (echo.said, echo.exited):
        with pytest.raises(TypeError, match="takes what is called with each message, not None"):
            port.connect(None)
