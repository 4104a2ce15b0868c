"""Back ends of the asyncio flavour, as processes of their own."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import camgraph as cg
from camgraph.errors import BackendBusy, BackendRaised, BrokenError
from camgraph.testing.cameras import Cameras
from camgraph.testing.waiting import wait_until


class Mixed(cg.AsyncMessageProcess):
    said = cg.message(what=object)

    def __init__(self, trace: str = "") -> None:
        self.trace = trace
        self.lock = asyncio.Lock()
        self.gate = asyncio.Event()

    async def setup(self) -> None:
        await asyncio.sleep(0.01)
        self.every(0.02, self.tick)
        self.frames = {"under way": 0, "most": 0, "done": 0}

    async def tick(self) -> None:
        async with self.lock:
            self.said.emit("tick")

    async def on_frame(self, frame: cg.Frame) -> None:
        self.frames["under way"] += 1
        self.frames["most"] = max(self.frames["most"], self.frames["under way"])
        await asyncio.sleep(0.02)
        self.frames["under way"] -= 1
        self.frames["done"] += 1
        self.said.emit((frame.stream, frame.array.shape))

    @cg.backend
    async def counts(self) -> dict[str, int]:
        return self.frames

    @cg.backend
    def whoami(self) -> int:
        return os.getpid()

    @cg.backend
    async def work(self, seconds: float) -> float:
        await asyncio.sleep(seconds)
        return seconds

    @cg.backend
    async def work_in_thread(self, what: object) -> None:
        await asyncio.to_thread(self.said.emit, what)

    @cg.backend
    async def wait_for_ever(self) -> None:
        await asyncio.Event().wait()

    @cg.backend(deadline_s=0.2)
    async def be_late(self) -> int:
        await asyncio.sleep(60)
        return 1

    @cg.backend(deadline_s=0.3)
    async def hold_the_loop(self) -> int:
        await asyncio.sleep(0.01)
        time.sleep(60)
        return 1

    @cg.backend
    async def fail(self) -> None:
        await asyncio.sleep(0.01)
        raise ArithmeticError("not now")

    @cg.backend
    async def fail_with_result(self) -> int:
        await asyncio.sleep(0.01)
        raise ArithmeticError("not now")

    @cg.backend
    async def block_a_thread(self) -> None:
        await asyncio.to_thread(time.sleep, 60)

    async def cleanup(self) -> None:
        await asyncio.sleep(0.01)
        if self.trace:
            Path(self.trace).write_text("cleaned up")


class Again(Mixed):
    restart = True


@pytest.fixture(scope="module")
def site() -> Iterator[cg.Site]:
    with cg.Graph().start() as site:
        yield site


@pytest.fixture(scope="module")
def cameras() -> Iterator[Cameras]:
    with Cameras(count=2, size=(320, 180)) as cameras:
        yield cameras


@pytest.fixture
def filmed(cameras: Cameras) -> Iterator[cg.Site]:
    graph = cg.Graph()
    for name, url in zip(("door", "yard"), cameras.urls, strict=True):
        graph.rtsp(name, url)
    with graph.start() as site:
        yield site


@pytest.fixture
def mixed(site: cg.Site) -> Iterator[Any]:
    front = site.spawn(Mixed)
    yield front
    front.close()


def heard_by(front: Any) -> list[Any]:
    heard: list[Any] = []
    front.said.connect(lambda what: heard.append(what))
    return heard


def test_frames_of_several_streams_calls_timers_and_threads_side_by_side(filmed: cg.Site) -> None:
    mixed: Any = filmed.spawn(Mixed)
    heard = heard_by(mixed)
    for stream in ("door", "yard"):
        mixed.watch(filmed.streams[stream].frames())
    wait_until(lambda: mixed.counts().result(20)["done"] > 20, 20)
    assert mixed.counts().result(20)["most"] == 2
    began = time.monotonic()
    calls = [mixed.work(0.2) for _ in range(100)]
    assert [call.result(20) for call in calls] == [0.2] * 100
    assert time.monotonic() - began < 5
    mixed.work_in_thread("from a thread")
    wait_until(lambda: "from a thread" in heard)
    assert heard.count("tick") > 5
    assert {what[0] for what in heard if isinstance(what, tuple)} == {"door", "yard"}
    mixed.unwatch("door")
    mixed.close()
    assert mixed.exit == "exit code 0"
    assert mixed.statistics().lost == 0


def test_a_busy_one_says_so_and_loses_nothing(mixed: Any) -> None:
    calls: list[Any] = []
    refused = 0
    while refused < 5:
        try:
            calls.append((len(calls), mixed.work(0.001 * (len(calls) % 3))))
        except BackendBusy:
            refused += 1
            calls[len(calls) // 2][1].result(20)
    assert all(call.result(20) == 0.001 * (number % 3) for number, call in calls)


def test_exceptions_of_tasks(mixed: Any) -> None:
    with pytest.raises(BackendRaised, match=r"Mixed\.fail_with_result raised ArithmeticError: not now"):
        mixed.fail_with_result().result(20)
    assert mixed.whoami().result(20) == mixed.pid
    mixed.fail()
    assert mixed.wait(20).startswith("exit code 1: ")
    assert str(mixed.failure).startswith("Mixed.fail raised ArithmeticError: not now")


def test_a_task_past_its_deadline_is_reported_with_its_place(mixed: Any) -> None:
    late = mixed.be_late()
    assert mixed.wait(20).startswith("exit code 1: ")
    assert "Mixed.be_late raised TimeoutError: it ran past its deadline of 0.2 s" in str(mixed.failure)
    assert "await asyncio.sleep(60)" in mixed.failure.traceback
    with pytest.raises(BrokenError):
        late.result(0)


def test_a_task_that_holds_the_loop_past_its_deadline_is_killed(mixed: Any) -> None:
    late = mixed.hold_the_loop()
    assert mixed.wait(20).startswith("past its deadline in hold_the_loop (test_asyncio_back_end.py:")
    assert "Mixed ran past its deadline in hold_the_loop" in str(mixed.failure)
    with pytest.raises(BrokenError, match="past its deadline in hold_the_loop"):
        late.result(0)


def test_one_that_ends_by_exception_or_signal_is_started_again(filmed: cg.Site) -> None:
    front: Any = filmed.spawn(Again)
    restarted: list[str] = []
    front.restarted.connect(restarted.append)
    front.watch(filmed.streams["door"].frames())
    pids = set()
    for end in ("raise", "kill", ""):
        wait_until(lambda: front.counts().result(20)["done"] > 2, 20)
        pids.add(front.whoami().result(20))
        if end == "raise":
            front.fail()
        elif end == "kill":
            os.kill(front.pid, signal.SIGKILL)
        if end:
            wait_until(lambda: len(restarted) == len(pids), 20)
    assert len(pids) == 3
    assert [how.partition(":")[0] for how in restarted] == ["exit code 1", "signal SIGKILL"]
    front.close()
    assert front.exit == "exit code 0"


@pytest.mark.parametrize("end", ["close", "SIGTERM"])
def test_closed_or_terminated_it_cleans_up_and_ends_in_time(site: cg.Site, tmp_path: Path, end: str) -> None:
    fronts: list[Any] = []
    for under_way in ("whoami", "wait_for_ever", "block_a_thread"):
        fronts.append(site.spawn(Mixed, str(tmp_path / under_way)))
        getattr(fronts[-1], under_way)()
    for front in fronts:
        front.whoami().result(20)
    began = time.monotonic()
    for front in fronts:
        if end == "close":
            front._begin_close(10)
        else:
            os.kill(front.pid, signal.SIGTERM)
    for front in fronts:
        assert front.wait(10) == "exit code 0"
    assert time.monotonic() - began < 6
    assert [trace.read_text() for trace in tmp_path.iterdir()] == ["cleaned up"] * 3


PROGRAM = """
import os, sys, time
import camgraph as cg
from camgraph.errors import BackendRaised
from tests.real.test_asyncio_back_end import Mixed

with cg.Graph().start() as site:
    front = site.spawn(Mixed)
    front.wait_ready(20)
    match sys.argv[1]:
        case "noise":
            for _ in range(50):
                front.work(0.001)
                front.work(60)
            front.wait_for_ever()
            try:
                front.fail_with_result().result(20)
            except BackendRaised:
                pass
            front.be_late().cancel()
            front.wait(20)
        case "killed":
            front.wait_for_ever()
            print(front.pid, flush=True)
            time.sleep(60)
"""


def program(what: str) -> "subprocess.Popen[str]":
    root = Path(__file__).parents[2]
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, what],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=root,
        env={**os.environ, "PYTHONASYNCIODEBUG": "1", "PYTHONPATH": f"{root / 'src'}:{root}"},
    )


def test_asyncio_has_nothing_to_complain_of() -> None:
    _, stderr = program("noise").communicate(timeout=30)
    for complaint in (
        "never retrieved",
        "never awaited",
        "was destroyed",
        "exception handler",
    ):
        assert complaint not in stderr
    assert "be_late" in stderr


def test_it_is_gone_with_its_program() -> None:
    killed = program("killed")
    assert killed.stdout is not None
    pid = killed.stdout.readline().strip()
    killed.kill()
    _, stderr = killed.communicate(timeout=10)
    assert pid, stderr
    wait_until(lambda: not Path(f"/proc/{pid}").exists(), 3)
