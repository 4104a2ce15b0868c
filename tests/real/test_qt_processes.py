"""Processes heard by a Qt program, by the one QThread or by its event loop: real ones, real clicks."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from qtpy.QtCore import Qt, QTimer
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QPushButton

import camgraph as cg
from camgraph.errors import BackendRaised
from camgraph.qt import reply, signals


class Worker(cg.MessageProcess):
    """Does to itself what it is asked for, and answers."""

    came = cg.message(value=object, kind=str)
    answered = cg.message(number=int)
    flooded = cg.message(number=int)

    def setup(self) -> None:
        self._resets = 0

    @cg.backend
    def echo(self, value: object) -> None:
        self.came.emit(value=value, kind=type(value).__name__)

    @cg.backend
    def ask(self, number: int) -> None:
        self.answered.emit(number)

    @cg.backend
    def reset(self) -> None:
        self._resets += 1
        self.answered.emit(self._resets)

    @cg.backend
    def flood(self) -> None:
        for number in range(1 << 60):
            self.flooded.emit(number)

    @cg.backend
    def divide(self, what: int, by: int) -> float:
        return what / by

    @cg.backend
    def count(self, to: int) -> str:
        for number in range(to):
            self.answered.emit(number)
        return "counted"

    @cg.backend
    def end(self, how: str) -> None:
        if how == "garbage":
            os.write(self._outlet._channel.fileno(), b"garbage" * 20)  # type: ignore[attr-defined]
        elif how == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        else:
            raise ValueError(how)


@pytest.fixture(scope="module")
def app() -> QApplication:
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    existing = QApplication.instance()
    return existing if isinstance(existing, QApplication) else QApplication(["tests"])


@pytest.fixture(scope="module")
def site(app: QApplication) -> Iterator[cg.Site]:
    with cg.Graph().start() as started:
        yield started


@pytest.fixture(params=[False, True], ids=["thread", "notifier"])
def spawn(request: pytest.FixtureRequest, site: cg.Site) -> Iterator[Callable[[], Any]]:
    fronts: list[Any] = []

    def start() -> Any:
        fronts.append(site.spawn(Worker))
        signals(fronts[-1], notifier=request.param)
        return fronts[-1]

    yield start
    for front in fronts:
        front.close(0)
    until(lambda: not any(front.alive for front in fronts))
    for _ in range(10):
        turn()


def turn() -> None:
    app = QApplication.instance()
    assert app is not None
    app.sendPostedEvents()
    app.processEvents()


def until(condition: Callable[[], object], timeout_s: float = 20.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        turn()


def has(heard: list[Any], count: int) -> bool:
    return len(heard) == count


def test_a_click_reaches_the_back_end_and_its_answer_the_window(spawn: Callable[[], Any]) -> None:
    worker, button = spawn(), QPushButton("reset")
    signals(worker).answered.connect(lambda number: button.setText(f"{number} resets"))
    button.clicked.connect(worker.reset)
    button.show()
    for _ in range(3):
        QTest.mouseClick(button, Qt.MouseButton.LeftButton)
    until(lambda: button.text() == "3 resets")
    button.close()
    button.deleteLater()


def test_results_come_as_signals(spawn: Callable[[], Any]) -> None:
    worker = spawn()
    heard: list[Any] = []
    reply(worker.divide(7, 2)).finished.connect(heard.append)
    until(lambda: heard == [3.5])
    reply(worker.divide(7, 0)).failed.connect(heard.append)
    until(lambda: len(heard) == 2)
    assert isinstance(heard[1], BackendRaised)
    assert "ZeroDivisionError" in str(heard[1])
    assert worker.alive


def test_a_result_comes_after_the_messages_sent_before_it(spawn: Callable[[], Any]) -> None:
    worker = spawn()
    heard: list[object] = []
    signals(worker).answered.connect(heard.append)
    reply(worker.count(200)).finished.connect(heard.append)
    until(partial(has, heard, 201))
    assert heard == [*range(200), "counted"]


def test_built_in_messages_are_signals(spawn: Callable[[], Any]) -> None:
    worker = spawn()
    heard: list[object] = []
    sender = signals(worker)
    sender.ready.connect(lambda: heard.append("ready"))
    sender.stopped.connect(lambda stopped: heard.append(stopped))
    sender.failed.connect(lambda error: heard.append(type(error)))
    sender.exited.connect(heard.append)
    until(lambda: heard == ["ready"])
    os.kill(worker.pid, signal.SIGSTOP)
    until(lambda: heard == ["ready", True])
    os.kill(worker.pid, signal.SIGCONT)
    until(lambda: heard == ["ready", True, False])
    worker.end("raise")
    until(lambda: len(heard) == 5)
    assert heard[3] is BackendRaised
    assert str(heard[4]).startswith("exit code 1: ")


def test_processes_come_and_go_while_others_speak(spawn: Callable[[], Any]) -> None:
    steady = spawn()
    heard: list[int] = []
    signals(steady).answered.connect(heard.append)
    for round_ in range(4):
        ended: list[str] = []
        others = [spawn() for _ in range(2)]
        for other in others:
            signals(other).exited.connect(ended.append)
            other.ask(0)
        for number in range(5):
            steady.ask(round_ * 5 + number)
        until(partial(has, heard, round_ * 5 + 5))
        for other in others:
            other.close(0)
        until(partial(has, ended, 2))
    assert heard == list(range(20))


def test_neither_flood_nor_death_nor_garbage_of_one_delays_another(spawn: Callable[[], Any]) -> None:
    steady, floods = spawn(), [spawn() for _ in range(2)]
    flooded, ticks = [0], [0]
    answered: list[int] = []
    ended: list[str] = []
    for flood in floods:
        signals(flood).flooded.connect(lambda number: flooded.__setitem__(0, flooded[0] + 1))
        flood.flood()
    signals(steady).answered.connect(answered.append)
    timer = QTimer()
    timer.setInterval(10)
    timer.timeout.connect(lambda: ticks.__setitem__(0, ticks[0] + 1))
    until(lambda: flooded[0] > 300)
    timer.start()
    began, waits = time.monotonic(), []
    for number in range(15):
        if number in (5, 10):
            casualty = spawn()
            signals(casualty).exited.connect(ended.append)
            casualty.end("kill" if number == 5 else "garbage")
        asked = time.monotonic()
        steady.ask(number)
        until(partial(has, answered, number + 1))
        waits.append(time.monotonic() - asked)
    until(lambda: len(ended) == 2)
    passed = time.monotonic() - began
    timer.stop()
    assert answered == list(range(15))
    assert ended == ["signal SIGKILL"] * 2
    # The bounds are for two cores with four processes at full speed, and whatever else runs there.
    assert ticks[0] > passed / 0.010 / 8
    assert sorted(waits)[7] < 0.5


VALUES: list[object] = [
    None,
    2**200,
    -(2**63) - 1,
    float("nan"),
    "\ud83d",
    b"\0\xff" * 40_000,
    {1: "int", None: 2, (1, "x"): [3], 2.5: {"deep": {b"bytes": {1, 2}}}},
    [],
    (),
    ("nested", [{"a": (1, [2, {3}])}]),
    range(3),
    ValueError("an exception", 7),
    Ellipsis,
    object,
    np.arange(12, dtype=np.int16).reshape(3, 4),
    np.full((300, 400, 3), 7, np.uint8),
    np.array([1.5, float("nan")]),
    np.float32(0.1),
]
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.binary(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.none() | st.integers() | st.text(max_size=4), inner, max_size=3)
        | st.tuples(inner, inner)
    ),
    max_leaves=8,
)


@pytest.fixture(scope="module")
def echo(site: cg.Site) -> Iterator[Callable[[object], object]]:
    """Send a value to a back end, and return what its signal carries."""
    worker, heard = site.spawn(Worker), []
    signals(worker).came.connect(lambda value, kind: heard.append((value, kind)))
    worker.wait_ready(20)

    def through(value: object) -> object:
        heard.clear()
        worker.echo(value)
        until(lambda: heard)
        assert heard[0][1] == type(value).__name__
        return heard[0][0]

    yield through
    worker.close()
    until(lambda: not worker.alive)
    for _ in range(10):
        turn()


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_fields_of_any_type_arrive_unchanged(echo: Callable[[object], object], value: object) -> None:
    assert_same(echo(value), value)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(PLAIN)
def test_any_plain_value_arrives_unchanged(echo: Callable[[object], object], value: object) -> None:
    assert_same(echo(value), value)


def assert_same(found: object, expected: object) -> None:
    assert type(found) is type(expected)
    if isinstance(expected, np.ndarray):
        np.testing.assert_array_equal(found, expected, strict=True)
    else:
        # NaN, too, is written alike.
        assert repr(found) == repr(expected)
