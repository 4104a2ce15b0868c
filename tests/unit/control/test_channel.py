import os
import resource
import time
from pathlib import Path

import pytest

from camgraph.base.errors import BrokenError
from camgraph.base.loop import Loop
from camgraph.control.channel import MAX_QUEUED, ControlChannel, channel_pair
from camgraph.control.messages import AskStatistics, FromMedia, Secrets, ToMedia


@pytest.fixture
def pair():
    loop = Loop()
    ours, theirs = channel_pair()
    channels = ControlChannel[FromMedia](ours, FromMedia), ControlChannel[ToMedia](theirs, ToMedia)
    yield loop, *channels
    for channel in channels:
        channel.close()
    loop.close()


def run_until(loop: Loop, condition) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        loop.run_once(1.0)


def test_messages_and_descriptors_arrive_in_order_even_when_the_socket_is_full(pair) -> None:
    loop, near, far = pair
    read_end, write_end = os.pipe()
    received: list[int] = []

    def take(message, descriptors: list[int]) -> None:
        received.append(message.token)
        for descriptor in descriptors:
            os.write(descriptor, b"x")
            os.close(descriptor)

    near.attach(loop, lambda *_: None, lambda: None)
    for token in range(2000):
        near.send(AskStatistics(token=token), [write_end] if token in (0, 1999) else [])
    far.attach(loop, take, lambda: None)
    run_until(loop, lambda: len(received) == 2000)
    assert received == list(range(2000))
    assert os.read(read_end, 10) == b"xx"
    os.close(read_end)
    os.close(write_end)


def test_a_side_that_never_reads_is_noticed_and_costs_bounded_memory(pair) -> None:
    _, near, _ = pair

    def flood() -> None:
        for token in range(MAX_QUEUED * 10):
            near.send(AskStatistics(token=token))

    with pytest.raises(BrokenError, match="does not read"):
        flood()


def test_what_may_be_lost_is_never_queued_and_leaves_what_must_not_be_its_place(pair) -> None:
    loop, near, far = pair
    near.attach(loop, lambda *_: None, lambda: None)
    taken = 0
    while near.offer(AskStatistics(token=taken)):
        taken += 1
    assert taken > 10
    assert near.queued == 0
    near.send(AskStatistics(token=-1))
    assert not near.offer(AskStatistics(token=-2))
    received: list[int] = []
    far.attach(loop, lambda message, _: received.append(message.token), lambda: None)
    run_until(loop, lambda: len(received) == taken + 1)
    assert received == [*range(taken), -1]
    assert near.offer(AskStatistics(token=-3))
    run_until(loop, lambda: received[-1] == -3)
    far.close()
    assert not near.offer(AskStatistics(token=-4))


def test_the_end_of_the_other_side_is_told_once(pair) -> None:
    loop, near, far = pair
    ends: list[str] = []
    near.attach(loop, lambda *_: None, lambda: ends.append("end"))
    far.close()
    run_until(loop, lambda: ends)
    assert ends == ["end"]
    with pytest.raises(BrokenError):
        near.send(AskStatistics(token=1))


def test_garbage_is_passed_over(pair, caplog: pytest.LogCaptureFixture) -> None:
    loop, near, far = pair
    got: list[object] = []
    far.attach(loop, lambda message, _: got.append(message), lambda: None)
    near._sock.send(b"\xc1garbage")
    near.send(AskStatistics(token=5))
    run_until(loop, lambda: got)
    assert got == [AskStatistics(token=5)]
    assert "could not be read" in caplog.text


def test_secrets_are_not_in_the_text_of_their_message() -> None:
    assert "hunter2" not in repr(Secrets(values={"env:DOOR": "me:hunter2"}))


def test_a_message_whose_descriptors_find_no_place_is_lost_alone(
    pair, caplog: pytest.LogCaptureFixture
) -> None:
    loop, near, far = pair
    got: list[object] = []
    far.attach(loop, lambda message, _: got.append(message), lambda: None)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    near.send(AskStatistics(token=1), [0])
    near.send(AskStatistics(token=2))
    lowest = next(number for number in range(256) if not Path(f"/proc/self/fd/{number}").exists())
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest, hard))
    try:
        run_until(loop, lambda: got)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert got == [AskStatistics(token=2)]
    assert "a control message was lost" in caplog.text
    assert "Traceback" not in caplog.text
