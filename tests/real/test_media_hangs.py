"""A call into FFmpeg that never returns: the media process is replaced, in the end without its neighbours."""

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from camgraph.base.children import start_module
from camgraph.base.loop import Loop
from camgraph.control.messages import MediaStatus, NodeEvent, StreamStatus
from camgraph.graph.nodes import FileSource, RtspSource
from camgraph.graph.spec import GraphSpec
from camgraph.supervisor import media
from camgraph.supervisor.memory import MemoryLedger
from camgraph.supervisor.pool import MediaPool
from camgraph.testing.cameras import Cameras

ROOT = Path(__file__).resolve().parents[2]


class Pool:
    """Media processes, and all that is told of them."""

    def __init__(self) -> None:
        self.loop = Loop()
        self.statuses: list[StreamStatus] = []
        self.pool = MediaPool(self.loop, MemoryLedger(), tell=self._hear, on_ready=lambda: None)

    def _hear(self, message: StreamStatus | MediaStatus | NodeEvent) -> None:
        if isinstance(message, StreamStatus):
            self.statuses.append(message)

    def until(self, condition: Callable[[], object], timeout_s: float = 15.0) -> None:
        deadline = time.monotonic() + timeout_s
        while not condition():
            assert time.monotonic() < deadline, self.statuses[-8:]
            self.loop.run_once(0.1)

    def of(self, stream: str) -> list[StreamStatus]:
        return [status for status in self.statuses if status.stream == stream]

    def is_in(self, stream: str, state: str) -> bool:
        return bool(self.of(stream)) and self.of(stream)[-1].state == state

    def seats(self) -> dict[tuple[str, ...], bool]:
        return {one.streams: one.own for one in self.pool.statistics()}

    def pids(self) -> dict[str, int]:
        return {stream: one.pid for one in self.pool.statistics() for stream in one.streams}


@pytest.fixture
def pool(monkeypatch: pytest.MonkeyPatch) -> Iterator[Pool]:
    def start(module: str, arguments: list[str], **options: Any) -> subprocess.Popen[bytes]:
        found = {**os.environ, "PYTHONPATH": str(ROOT)}
        return start_module("tests.real.hanging_media", arguments, environment=found, **options)

    monkeypatch.setattr(media, "start_module", start)
    pool = Pool()
    yield pool
    pool.pool.stop()
    pool.until(lambda: pool.pool.ended)
    pool.loop.close()


@pytest.fixture
def fifo(tmp_path: Path) -> FileSource:
    os.mkfifo(tmp_path / "fifo")
    return FileSource(id="door", path=str(tmp_path / "fifo"))


def test_a_call_that_hangs_costs_its_process_twice_and_then_only_its_own(
    pool: Pool, fifo: FileSource
) -> None:
    with Cameras(count=1, size=(320, 180)) as cameras:
        yard = RtspSource(id="yard", url=cameras.urls[0])
        pool.pool.apply(GraphSpec(nodes=(fifo, yard)), {})
        pool.until(lambda: pool.is_in("yard", "live"))
        first = pool.pids()
        assert pool.seats() == {("door", "yard"): False}
        hung = "media_process_hung"
        pool.until(lambda: [status.state for status in pool.of("yard")].count("live") == 3)
        told = [status for status in pool.of("yard") if status.reason == hung]
        assert [(status.state, status.sentence) for status in told] == [
            (
                "backing_off",
                "The media process ended (the stream 'door' hung in it); it is being started again.",
            )
        ] * 2
        assert all(status.next_attempt_ns for status in told)
        told = [status for status in pool.of("door") if status.reason == hung]
        assert told[0].sentence == (
            f"Opening {fifo.path} has hung for 0.5 s: does its disk, its device or its server answer? "
            "Its media process is being replaced."
        )
        assert pool.seats() == {("door",): True, ("yard",): False}
        now = pool.pids()
        assert len({*first.values(), *now.values()}) == 3
        alone = now["door"]
        pool.until(lambda: pool.pids()["door"] not in (alone, 0))
        assert pool.pids()["yard"] == now["yard"]
        assert pool.is_in("yard", "live")


def test_a_stream_that_is_taken_out_while_it_hangs_costs_its_process_once(
    pool: Pool, fifo: FileSource
) -> None:
    yard = RtspSource(id="yard", url="rtsp://127.0.0.1:9/1")
    pool.pool.apply(GraphSpec(nodes=(fifo, yard)), {})
    pool.until(lambda: pool.is_in("door", "opening"))
    before = pool.pids()["yard"]
    pool.pool.apply(GraphSpec(nodes=(yard,)), {})
    pool.until(lambda: any(status.reason == "media_process_hung" for status in pool.of("yard")))
    pool.until(lambda: pool.of("yard")[-1].reason == "refused")
    assert pool.pids()["yard"] != before
    assert pool.seats() == {("yard",): False}
