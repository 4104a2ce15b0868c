import asyncio
import contextlib
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest

import camgraph as cg
from camgraph.base.errors import BackendBusy, BackendRaised, BrokenError
from camgraph.process.tasks import MOST_TASKS
from camgraph.testing.waiting import wait_until

Spawn = Callable[..., Any]


class Mixed(cg.AsyncMessageProcess):
    """Of all it has, one half waits, and the other does not."""

    said = cg.message(what=object)

    def __init__(self, seen: list[Any], begin: Callable[[Any], object] = lambda mixed: None) -> None:
        self.seen = seen
        self.begin = begin
        # Primitives of asyncio can be made as early as that.
        self.gate = asyncio.Event()
        self.queue: asyncio.Queue[int] = asyncio.Queue()

    async def setup(self) -> None:
        self.begin(self)
        await asyncio.sleep(0.02)
        self.seen.append("setup")

    @cg.backend
    async def wait_for_gate(self, name: object = None) -> object:
        self.seen.append(("begun", name))
        await self.gate.wait()
        return name

    @cg.backend
    def open_gate(self) -> None:
        self.gate.set()

    @cg.backend
    async def note(self, what: object) -> None:
        self.seen.append(what)

    @cg.backend
    def note_at_once(self, what: object) -> None:
        self.seen.append(what)

    @cg.backend
    async def put(self, number: int) -> None:
        await self.queue.put(number)

    @cg.backend
    async def get(self) -> int:
        return await self.queue.get()

    @cg.backend
    async def divide(self, by: int) -> float:
        await asyncio.sleep(0)
        return 1 / by

    @cg.backend
    async def divide_for_nobody(self, by: int) -> None:
        await asyncio.sleep(0)
        1 / by

    @cg.backend
    async def leave(self, code: int) -> None:
        await asyncio.sleep(0)
        raise SystemExit(code)

    @cg.backend
    async def be_cancelled(self, there: bool) -> int:
        if there:
            task = asyncio.current_task()
            assert task is not None
            task.cancel()
        else:
            sleeping = asyncio.ensure_future(asyncio.sleep(60))
            asyncio.get_running_loop().call_soon(sleeping.cancel)
            await sleeping
        await asyncio.sleep(0)
        return 1

    @cg.backend
    async def say_from_everywhere(self, what: object) -> None:
        await asyncio.sleep(0)
        self.said.emit(("task", what))
        await asyncio.to_thread(self.said.emit, ("thread", what))

    async def cleanup(self) -> None:
        await asyncio.sleep(0.01)
        self.seen.append("cleanup")


class Gated(Mixed):
    def __init__(self, seen: list[Any]) -> None:
        super().__init__(seen)
        self.loop = asyncio.get_running_loop()
        instances.append(self)

    def open(self) -> None:
        self.loop.call_soon_threadsafe(self.gate.set)


instances: list[Gated] = []


@pytest.fixture
def seen() -> list[Any]:
    return []


@pytest.fixture
def mixed(spawn: Spawn, seen: list[Any]) -> Any:
    return spawn(Mixed, seen)


@pytest.fixture(autouse=True)
def _no_noise(caplog: pytest.LogCaptureFixture, recwarn: pytest.WarningsRecorder) -> Iterator[None]:
    """Nothing is left for asyncio to complain of: results never retrieved, tasks destroyed."""
    yield
    assert [record for record in caplog.records if record.name == "asyncio"] == []
    assert [str(warning.message) for warning in recwarn] == []


def test_calls_wait_for_setup_and_cleanup_comes_last(mixed: Any, seen: list[Any]) -> None:
    ready: list[object] = []
    mixed.ready.connect(lambda: ready.append(list(seen)))
    for what in range(5):
        (mixed.note if what % 2 else mixed.note_at_once)(what)
    mixed.close()
    assert ready[0][:1] == ["setup"]  # type: ignore[index]
    assert seen == ["setup", 0, 1, 2, 3, 4, "cleanup"]
    assert mixed.exit == "exit code 0"


def test_calls_are_begun_in_their_order_whether_they_wait_or_not(mixed: Any, seen: list[Any]) -> None:
    for what in range(200):
        (mixed.note if what % 3 else mixed.note_at_once)(what)
    mixed.divide(1).result(5)
    assert seen == ["setup", *range(200)]


def test_calls_that_wait_let_others_run(mixed: Any) -> None:
    waiting = [mixed.wait_for_gate(number) for number in range(5)]
    got = mixed.get()
    mixed.put(7)
    assert got.result(5) == 7
    assert not any(call.done() for call in waiting)
    mixed.open_gate()
    assert [call.result(5) for call in waiting] == list(range(5))


def test_exceptions_of_tasks_go_to_the_future_or_end_the_process(mixed: Any, seen: list[Any]) -> None:
    with pytest.raises(BackendRaised, match=r"Mixed\.divide raised ZeroDivisionError") as raised:
        mixed.divide(0).result(5)
    assert "return 1 / by" in raised.value.traceback
    assert "process/tasks.py" not in raised.value.traceback
    assert mixed.divide(2).result(5) == 0.5
    mixed.divide_for_nobody(0)
    assert mixed.wait(5).startswith("exit code 1")
    assert str(mixed.failure).startswith("Mixed.divide_for_nobody raised ZeroDivisionError")
    assert "1 / by" in mixed.failure.traceback
    assert seen[-1] == "cleanup"


def test_system_exit_in_a_task_ends_the_process(mixed: Any, seen: list[Any]) -> None:
    waiting = mixed.wait_for_gate()
    mixed.leave(5)
    assert mixed.wait(5) == "exit code 5"
    assert mixed.failure is None
    with pytest.raises(BrokenError, match="exit code 5"):
        waiting.result(0)
    assert seen[-1] == "cleanup"


@pytest.mark.parametrize("there", [True, False])
def test_a_task_that_is_cancelled_in_the_back_end_answers(mixed: Any, there: bool) -> None:
    with pytest.raises(BackendRaised, match=r"Mixed\.be_cancelled raised RuntimeError: it was cancelled"):
        mixed.be_cancelled(there).result(5)
    assert mixed.divide(1).result(5) == 1


def test_messages_are_sent_from_tasks_and_threads(mixed: Any) -> None:
    heard: list[object] = []
    mixed.said.connect(lambda what: heard.append(what))
    for number in range(20):
        mixed.say_from_everywhere(number)
    wait_until(lambda: len(heard) == 40)
    assert sorted(heard) == sorted(  # type: ignore[type-var]
        (where, number) for where in ("task", "thread") for number in range(20)
    )


def test_a_back_end_with_too_much_under_way_is_busy_and_nothing_is_lost(
    spawn: Spawn, seen: list[Any]
) -> None:
    calls: list[Any] = []
    mixed = spawn(Gated, seen)

    def call_for_ever() -> None:
        while True:
            calls.append(mixed.wait_for_gate(len(calls)))

    mixed.wait_ready(5)
    with pytest.raises(BackendBusy):
        call_for_ever()
    assert len(calls) > MOST_TASKS
    # The gate can't be opened by a call: that would come after those that wait for it.
    instances[-1].open()
    assert [call.result(10) for call in calls] == list(range(len(calls)))


def test_closing_serves_all_calls_made_before_though_too_many_were_under_way(
    spawn: Spawn, seen: list[Any]
) -> None:
    mixed = spawn(Gated, seen)
    mixed.wait_ready(5)
    calls = [mixed.wait_for_gate(number) for number in range(MOST_TASKS + 100)]
    wait_until(lambda: len(seen) > MOST_TASKS)
    mixed._begin_close(5.0)
    # Longer than an idle back end stays; what it has not read yet is not nothing.
    assert not mixed._ended.wait(0.7)
    instances[-1].open()
    mixed.wait(5)
    assert [call.result(0) for call in calls] == list(range(len(calls)))


def test_tasks_under_way_at_the_end_finish_or_are_cancelled(spawn: Spawn) -> None:
    ends: list[str] = []

    class Slow(cg.AsyncMessageProcess):
        @cg.backend
        async def work(self, seconds: float) -> int:
            try:
                await asyncio.sleep(seconds)
            except asyncio.CancelledError:
                ends.append("cancelled")
                raise
            ends.append("finished")
            return 1

        async def cleanup(self) -> None:
            ends.append("cleanup")

    front = spawn(Slow)
    short, long = front.work(0.2), front.work(60)
    front.close()
    assert front.exit == "exit code 0"
    assert ends == ["finished", "cancelled", "cleanup"]
    assert short.result(0) == 1
    with pytest.raises(BrokenError, match="ended before it answered: exit code 0"):
        long.result(0)


def test_what_does_not_let_itself_be_cancelled_does_not_keep_the_process(
    spawn: Spawn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("camgraph.process.tasks.FINISH_WITHIN_S", 0.1)
    stubborn: list[asyncio.Task[Any]] = []

    class Stubborn(cg.AsyncMessageProcess):
        def setup(self) -> None:
            stubborn.append(asyncio.ensure_future(self.go_on()))

        async def go_on(self) -> None:
            while True:
                with contextlib.suppress(asyncio.CancelledError):
                    await asyncio.sleep(60)

    front = spawn(Stubborn)
    front.wait_ready(5)
    began = time.monotonic()
    front.close()
    assert front.exit == "exit code 0"
    assert time.monotonic() - began < 3
    stubborn[0]._log_destroy_pending = False  # type: ignore[attr-defined]


class Leaving(cg.AsyncMessageProcess):
    def __init__(self, seen: list[Any], end: Callable[[], None]) -> None:
        self.seen, self.end = seen, end

    @cg.backend
    def leave(self) -> None:
        asyncio.get_running_loop().call_soon(self.end)

    def cleanup(self) -> None:
        self.seen.append("cleanup")


def _exits() -> None:
    raise SystemExit(7)


def _cancels_all() -> None:
    for task in asyncio.all_tasks():
        task.cancel()


@pytest.mark.parametrize(
    ("ends", "how", "told"),
    [
        (_exits, "exit code 7", []),
        (_cancels_all, "exit code 1", ["Leaving.asyncio raised CancelledError"]),
        (lambda: asyncio.get_running_loop().stop(), "exit code 1", ["Leaving.asyncio raised RuntimeError"]),
    ],
)
def test_what_ends_the_asyncio_loop_ends_the_process_in_order(
    spawn: Spawn, seen: list[Any], ends: Callable[[], None], how: str, told: list[str]
) -> None:
    front = spawn(Leaving, seen, ends)
    failed: list[str] = []
    front.failed.connect(lambda error: failed.append(error.summary.partition(":")[0]))
    front.leave()
    assert front.wait(10).startswith(how)
    assert seen == ["cleanup"]
    assert failed == told


class Stubborn(cg.AsyncMessageProcess):
    @cg.backend(deadline_s=0.05)
    async def finish_late(self) -> int:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(60)
        return 1


def test_a_task_that_finishes_though_its_deadline_is_past_is_late_all_the_same(spawn: Spawn) -> None:
    front = spawn(Stubborn)
    failed: list[Any] = []
    front.failed.connect(failed.append)
    with pytest.raises(BrokenError, match="before it answered: exit code 1"):
        front.finish_late().result(5)
    assert "Stubborn.finish_late raised TimeoutError: it ran past its deadline" in failed[0].summary


def test_setup_that_fails_after_it_has_waited_ends_the_process_without_cleanup(
    spawn: Spawn, seen: list[Any]
) -> None:
    class Broken(Mixed):
        async def setup(self) -> None:
            await asyncio.sleep(0.01)
            raise OSError("no model")

    front = spawn(Broken, seen)
    assert front.wait(5).startswith("exit code 1")
    assert "Broken.setup raised OSError: no model" in str(front.failure)
    assert seen == []


class Request(NamedTuple):
    stream: str


class Reader:
    """Frames from a socket: what the test sends is a frame."""

    made: "dict[str, Reader]" = {}  # noqa: RUF012

    def __init__(self, request: Request) -> None:
        self._ours, self._theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._ours.setblocking(False)
        Reader.made[request.stream] = self

    def publish(self, data: bytes) -> None:
        self._theirs.send(data)

    def fileno(self) -> int:
        return self._ours.fileno()

    def read_nowait(self) -> Any:
        try:
            return self._ours.recv(100)
        except BlockingIOError:
            return None

    def close(self) -> None:
        self._ours.close()
        self._theirs.close()


class Watches(Mixed):
    async def on_frame(self, frame: bytes) -> None:
        self.seen.append(("begun", frame))
        await self.gate.wait()
        self.seen.append(("done", frame))


def test_the_frames_of_a_request_come_one_at_a_time_and_those_of_others_meanwhile(
    spawn: Spawn, seen: list[Any]
) -> None:
    front = spawn(Watches, seen, open_reader=Reader, watched=[Request("door"), Request("yard")])
    front.wait_ready(5)
    wait_until(lambda: len(Reader.made) == 2)
    for number in range(3):
        for stream, reader in Reader.made.items():
            reader.publish(f"{stream} {number}".encode())
    wait_until(lambda: len(seen) == 3)
    # Nothing is begun twice while a call is served.
    assert front.divide(1).result(5) == 1
    assert sorted(seen[1:]) == [("begun", b"door 0"), ("begun", b"yard 0")]
    front.open_gate()
    wait_until(lambda: len(seen) == 13)
    for name in (b"door", b"yard"):
        own = [(what, frame) for what, frame in seen[1:] if frame.startswith(name)]
        assert own == [(what, name + b" %d" % n) for n in range(3) for what in ("begun", "done")]
    front.close()
    assert front.statistics().frames == 6
    Reader.made.clear()


def test_no_frame_is_begun_after_the_end(spawn: Spawn, seen: list[Any]) -> None:
    front = spawn(Watches, seen, open_reader=Reader, watched=[Request("door")])
    front.wait_ready(5)
    wait_until(lambda: Reader.made)
    reader = Reader.made.pop("door")
    reader.publish(b"first")
    wait_until(lambda: ("begun", b"first") in seen)
    with contextlib.suppress(OSError):
        reader.publish(b"second")
        front.leave(2)
        front.wait(5)
    assert ("begun", b"second") not in seen
    assert seen[-1] == "cleanup"


def test_callbacks_may_wait_and_do_not_overlap(spawn: Spawn, seen: list[Any]) -> None:
    ours, theirs = socket.socketpair()
    ours.setblocking(False)

    def begin(mixed: Mixed) -> None:
        async def later() -> None:
            await asyncio.sleep(0.01)
            seen.append("later")

        async def turn() -> None:
            seen.append("turn begins")
            await asyncio.sleep(0.03)
            seen.append("turn ends")
            if seen.count("turn ends") == 3:
                repeating.cancel()

        async def read() -> None:
            # It stays readable meanwhile, which is no reason to begin again.
            seen.append("read begins")
            await asyncio.sleep(0.03)
            seen.append(await asyncio.get_running_loop().sock_recv(ours, 1))
            if seen[-1] == b"c":
                mixed.remove_reader(ours)

        mixed.call_later(0.0, later)
        repeating = mixed.every(0.01, turn)
        mixed.add_reader(ours, read)

    with ours, theirs:
        theirs.send(b"abc")
        mixed = spawn(Mixed, seen, begin)
        wait_until(lambda: b"c" in seen and seen.count("turn ends") == 3 and "later" in seen)
        mixed.close()
    turns = [what for what in seen if str(what).startswith("turn")]
    assert turns == ["turn begins", "turn ends"] * 3
    assert [what for what in seen if what == "read begins" or isinstance(what, bytes)] == [
        "read begins",
        b"a",
        "read begins",
        b"b",
        "read begins",
        b"c",
    ]


@pytest.mark.parametrize("kind", ["timer", "reader"])
def test_an_exception_in_a_callback_that_waits_ends_the_process_and_names_it(
    spawn: Spawn, seen: list[Any], kind: str
) -> None:
    reading, writing = os.pipe()

    async def look() -> None:
        await asyncio.sleep(0)
        raise ArithmeticError("seen too much")

    def begin(mixed: Mixed) -> None:
        if kind == "timer":
            mixed.call_later(0.0, look)
        else:
            mixed.add_reader(reading, look)
            os.close(writing)

    front = spawn(Mixed, seen, begin)
    assert front.wait(5).startswith("exit code 1")
    assert str(front.failure).startswith("Mixed.look raised ArithmeticError: seen too much")
    os.close(reading)
    if kind == "timer":
        os.close(writing)


def test_a_timer_from_another_thread_comes_though_the_loop_is_idle(spawn: Spawn, seen: list[Any]) -> None:
    made: list[Mixed] = []
    front = spawn(Mixed, seen, made.append)
    front.wait_ready(5)
    threads: list[int] = []
    told = threading.Event()

    def tell() -> None:
        threads.append(threading.get_ident())
        told.set()

    made[0].call_later(0.01, tell)
    assert told.wait(5)
    assert threads != [threading.get_ident()]
