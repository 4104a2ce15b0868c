"""One stream's worker with a source that says of the network what the test wants; its threads are real."""

import threading
import time
from collections.abc import Callable, Iterator

import pytest
from tests.unit.media.encoded import INFO, encode

from camgraph.base.errors import ClosedError, SourceUnavailable
from camgraph.base.loop import Loop
from camgraph.control.messages import NodeEvent, StreamStatus
from camgraph.graph.nodes import SyntheticSource
from camgraph.media import worker
from camgraph.media.memory import Memory
from camgraph.media.source import NetworkCounts, Packet, StreamInfo
from camgraph.media.sources.opening import Opener


class ToldSource:
    """Gives a key frame at once, then nothing until it is told to fail."""

    def __init__(self, packets: list[Packet]) -> None:
        self.network = NetworkCounts()
        self.fail = threading.Event()
        self._packets = packets
        self._cancelled = False

    def resolve(self) -> None:
        pass

    def open(self) -> StreamInfo:
        return INFO

    def packets(self) -> Iterator[Packet]:
        for packet in self._packets:
            yield packet._replace(arrival_ns=time.monotonic_ns())
        self.fail.wait(20)
        if self._cancelled:
            raise ClosedError("the stream was closed")
        raise SourceUnavailable("It fell over.", reason="camera_closed")

    def cancel(self) -> bool:
        self._cancelled = True
        self.fail.set()
        return True

    def close(self) -> None:
        pass


class Running:
    """A worker in its loop."""

    def __init__(self, node: SyntheticSource) -> None:
        self.loop = Loop()
        self.statuses: list[StreamStatus] = []
        memory = Memory(lambda message: None)
        self.worker = worker.StreamWorker(self.loop, node, None, 7, memory, self._told)
        self.worker.begin()

    def _told(self, word: StreamStatus | NodeEvent) -> None:
        assert isinstance(word, StreamStatus)
        self.statuses.append(word)

    @property
    def last(self) -> StreamStatus:
        return self.statuses[-1]

    def until(self, condition: Callable[[], object], timeout_s: float = 5.0) -> None:
        deadline = time.monotonic() + timeout_s
        while not condition():
            assert time.monotonic() < deadline, self.statuses[-3:]
            self.loop.run_once(0.1)

    def close(self) -> None:
        self.worker.close()
        self.until(lambda: self.worker.ended)
        self.loop.close()


@pytest.fixture
def sources(monkeypatch: pytest.MonkeyPatch) -> list[ToldSource]:
    made: list[ToldSource] = []
    packets = encode(5)

    def opened(opener: Opener, node: object) -> ToldSource:
        made.append(ToldSource(packets))
        return made[-1]

    monkeypatch.setattr(Opener, "open", opened)
    monkeypatch.setattr(worker, "LOSS_EVERY_S", 0.02)
    return made


@pytest.fixture
def running(sources: list[ToldSource]) -> Iterator[Running]:
    running = Running(SyntheticSource(id="door", stalled_after_s=60.0, longest_retry_s=0.1))
    yield running
    running.close()


def test_losses_are_told_while_they_last(running: Running, sources: list[ToldSource]) -> None:
    running.until(lambda: running.last.state == "live")
    network = sources[0].network
    network.packets, network.lost = 90, 10
    running.until(lambda: running.last.state == "degraded")
    assert (running.last.reason, running.last.loss) == ("packet_loss", 0.1)
    assert running.worker.statistics().loss == pytest.approx(0.1)
    network.packets = 100_000
    running.until(lambda: running.last.state == "live")
    assert (running.last.reason, running.last.loss) == ("", 0.0)


def test_connections_and_time_are_counted(running: Running, sources: list[ToldSource]) -> None:
    began = time.monotonic()
    running.until(lambda: running.last.state == "live")
    sources[0].network.packets, sources[0].network.lost = 50, 50
    running.until(lambda: running.last.state == "degraded")
    sources[0].fail.set()
    running.until(lambda: running.last.state == "backing_off")
    assert running.last.sentence == "It fell over. Next attempt in 0.1 s."
    running.until(lambda: running.last.state == "live")
    numbers = running.worker.statistics()
    assert (numbers.reconnects, numbers.attempts, numbers.loss) == (1, 2, 0.0)
    assert {"live", "degraded", "backing_off"} <= numbers.state_s.keys()
    assert numbers.state_s["backing_off"] >= 0.09
    assert sum(numbers.state_s.values()) == pytest.approx(time.monotonic() - began, abs=0.5)


def test_the_numbers_of_ended_connections_stay(running: Running, sources: list[ToldSource]) -> None:
    running.until(lambda: running.last.state == "live" and running.worker.statistics().received == 5)
    network = sources[0].network
    network.received_bytes, network.lost, network.jitter_ns, network.transport = 1000, 3, 2_000_000, "udp"
    first = running.worker.statistics()
    assert (first.received_bytes, first.lost, first.jitter_ns, first.transport) == (1000, 3, 2_000_000, "udp")
    assert 0 < first.newest_age_ns < 5_000_000_000
    sources[0].fail.set()
    running.until(lambda: running.last.state == "backing_off")
    between = running.worker.statistics()
    assert (between.received_bytes, between.transport, between.keyframe_interval_ns) == (1000, "", 0)
    assert between.newest_age_ns > first.newest_age_ns
    running.until(lambda: len(sources) == 2)
    sources[1].network.received_bytes = 500
    running.until(lambda: running.last.state == "live")
    assert running.worker.statistics().received_bytes == 1500
