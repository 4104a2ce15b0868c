import os
import threading
from collections.abc import Iterator
from typing import Any, NoReturn

import pytest

import camgraph as cg
from camgraph.control.channel import channel_pair
from camgraph.process.back import BackEnd
from camgraph.process.channel import MAX_QUEUED, Channel
from camgraph.process.run import run_back_end
from camgraph.process.travel import dumps
from camgraph.process.wire import REPORT, Envelope, Kind
from camgraph.testing.waiting import wait_until


class Worker(cg.MessageProcess):
    said = cg.message(number=int)

    @cg.backend
    def say(self, times: int) -> int:
        for number in range(times):
            self.said.emit(number)
        return times

    @cg.backend
    def block(self, length: int) -> bytes:
        return bytes(length)


class AsyncWorker(cg.AsyncMessageProcess, Worker):
    pass


def no_reader(request: object) -> NoReturn:
    raise AssertionError("nothing is watched here")


class Front:
    """The other side of a back end, as raw as it gets."""

    def __init__(self, kind: type[cg.MessageProcess]) -> None:
        ours, theirs = channel_pair()
        self.channel = Channel(ours)
        self.back = BackEnd(Channel(theirs), no_reader)
        self.code: int | None = None
        self._thread = threading.Thread(target=self._run, args=(kind,))
        self._thread.start()
        assert self.receive().kind is Kind.READY

    def _run(self, kind: type[cg.MessageProcess]) -> None:
        self.code = run_back_end(self.back, lambda: (kind, (), {}))

    def call(self, method: str, *args: Any, token: int = 0) -> None:
        self.channel.send(Kind.CALL, method, dumps("call", (args, {})).body, token=token, force=True)

    def receive(self) -> Envelope:
        received = wait_until(self.channel.receive)
        assert received is not None
        return received

    def receive_until(self, kind: Kind) -> list[Envelope]:
        received = [self.receive()]
        while received[-1].kind is not kind:
            received.append(self.receive())
        return received

    def close(self) -> None:
        self.channel.close()
        self._thread.join()


@pytest.fixture(params=[Worker, AsyncWorker])
def front(request: pytest.FixtureRequest) -> Iterator[Front]:
    made = Front(request.param)
    yield made
    made.close()


def test_the_numbers_are_told_when_they_have_changed_and_else_nothing_wakes_it(
    front: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("camgraph.process.report.REPORT_EVERY_S", 0.1)
    assert front.back.loop.due_in_s() is None
    front.call("say", 3, token=1)
    *_, result, report = front.receive_until(Kind.REPORT)
    assert result.kind is Kind.RESULT
    assert REPORT.unpack(report.body) == (0, 3, 0, 1)
    wait_until(lambda: front.back.loop.due_in_s() is None)
    front.call("say", 2)
    assert REPORT.unpack(front.receive_until(Kind.REPORT)[-1].body) == (0, 5, 0, 2)
    wait_until(lambda: front.back.loop.due_in_s() is None)


def test_results_of_a_front_end_that_does_not_read_wait_beyond_the_bound_of_messages(front: Front) -> None:
    front.call("say", 2 * MAX_QUEUED + 1000, token=1)
    for token in range(2, 200):
        front.call("block", 10, token=token)
    wait_until(lambda: front.back._report.served == 199)
    received: list[Envelope] = []
    while len([envelope for envelope in received if envelope.kind is Kind.RESULT]) < 199:
        received.append(front.receive())
    tokens = [envelope.token for envelope in received if envelope.kind is Kind.RESULT]
    assert tokens == list(range(1, 200))
    assert {envelope.kind for envelope in received} <= {Kind.MESSAGE, Kind.RESULT, Kind.REPORT}


def test_large_results_come_all_though_their_bytes_are_beyond_the_bound(front: Front) -> None:
    for token in range(1, 13):
        front.call("block", 10 << 20, token=token)
    results: list[tuple[int, int]] = []
    while len(results) < 12:
        envelope = front.receive()
        if envelope.kind is Kind.RESULT:
            results.append((envelope.token, len(envelope.body) >> 20))
    assert results == [(token, 10) for token in range(1, 13)]


def test_what_the_front_end_may_not_call_ends_it_and_leaves_no_descriptor(front: Front) -> None:
    descriptors = len(os.listdir("/proc/self/fd"))
    reading, writing = os.pipe()
    front.channel.send(Kind.CALL, "setup", b"", descriptors=(writing,))
    failed = front.receive()
    assert failed.kind is Kind.FAILED
    assert b"which is no back end method" in failed.body
    wait_until(lambda: front.code == 1)
    assert os.read(reading, 1) == b""
    os.close(reading)
    assert len(os.listdir("/proc/self/fd")) <= descriptors
