import ctypes
import os
import resource
import select
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from camgraph.base.errors import BrokenError
from camgraph.base.loop import Loop
from camgraph.control.channel import channel_pair
from camgraph.process.channel import MAX_IN_MEMFDS_BYTES, MAX_QUEUED, Channel
from camgraph.process.wire import Kind
from camgraph.testing.waiting import wait_until

MANY = 20_000


class Side:
    """A channel that keeps what it receives, and in which thread."""

    def __init__(self, channel: Channel) -> None:
        self.channel = channel
        self.bodies: list[bytes] = []
        self.threads: set[str] = set()
        self.ended = threading.Event()

    def read(self) -> None:
        try:
            for _ in range(64):
                envelope = self.channel.receive()
                if envelope is None:
                    return
                self.bodies.append(envelope.body)
                self.threads.add(threading.current_thread().name)
        except EOFError:
            self.channel.stop_reading()
            self.ended.set()


@pytest.fixture
def loops() -> Iterator[Callable[[str], Loop]]:
    running: list[tuple[Loop, threading.Thread]] = []

    def start(name: str) -> Loop:
        loop = Loop()
        thread = threading.Thread(target=loop.run, name=name)
        thread.start()
        running.append((loop, thread))
        return loop

    yield start
    for loop, thread in running:
        loop.stop()
        thread.join()
        loop.close()


@pytest.fixture
def pair() -> Iterator[tuple[Channel, Channel]]:
    ours, theirs = channel_pair()
    channels = Channel(ours), Channel(theirs)
    yield channels
    for channel in channels:
        channel.close()


def close_in(loop: Loop, channel: Channel) -> None:
    closed = threading.Event()

    def close() -> None:
        channel.close()
        closed.set()

    loop.call_soon_threadsafe(close)
    assert closed.wait(5)


def test_what_is_sent_before_there_is_a_socket_comes_first_and_in_order(loops: Callable[[str], Loop]) -> None:
    ours, theirs = channel_pair()
    early, late = Channel(), Side(Channel(theirs))
    for number in range(10):
        assert early.send(Kind.CALL, "m", b"%d" % number)
    early.open(ours)
    early.send(Kind.CALL, "m", b"10")
    loop = loops("reader")
    late.channel.attach(loop, late.read)
    wait_until(lambda: len(late.bodies) == 11)
    assert late.bodies == [b"%d" % number for number in range(11)]
    early.close()
    assert late.ended.wait(5)
    close_in(loop, late.channel)


def test_a_flood_arrives_whole_and_in_order_while_the_serving_moves(loops: Callable[[str], Loop]) -> None:
    ours, theirs = channel_pair()
    sender, receiver = Channel(ours), Side(Channel(theirs))
    sending = loops("sender")
    sender.attach(sending, lambda: None)
    readers = [loops("first"), loops("second"), loops("third")]
    turn = threading.Event()

    def flood() -> None:
        for number in range(MANY):
            while not sender.send(Kind.MESSAGE, "m", b"%d" % number):
                turn.wait(0.001)

    thread = threading.Thread(target=flood)
    thread.start()
    moves = 0
    while thread.is_alive() or moves < 3:
        receiver.channel.attach(readers[moves % 3], receiver.read)
        moves += 1
        wait_until(lambda: bool(receiver.bodies))
        thread.join(0.005)
    wait_until(lambda: len(receiver.bodies) == MANY, 20)
    assert receiver.bodies == [b"%d" % number for number in range(MANY)]
    assert len(receiver.threads) > 1
    close_in(sending, sender)
    close_in(readers[(moves - 1) % 3], receiver.channel)


def test_a_full_queue_takes_no_more_and_says_so(pair: tuple[Channel, Channel]) -> None:
    sender, receiver = pair
    sent = 0
    while sender.send(Kind.CALL, "m", b"%d" % sent):
        sent += 1
    assert sender.queued == MAX_QUEUED
    assert sender.send(Kind.FAILED, "", b"forced", force=True)
    received: list[bytes] = []
    while sender.queued or not received:
        while (envelope := receiver.receive()) is not None:
            received.append(envelope.body)
        sender._flush()
    while (envelope := receiver.receive()) is not None:
        received.append(envelope.body)
    assert received == [b"%d" % number for number in range(sent)] + [b"forced"]


def test_memory_under_way_is_bounded_however_small_its_datagrams(pair: tuple[Channel, Channel]) -> None:
    sender, receiver = pair
    body = bytes(8 << 20)
    for _ in range(6):
        assert sender.send(Kind.MESSAGE, "m", body)
    assert 6 - sender.queued == MAX_IN_MEMFDS_BYTES // len(body)
    assert receiver.receive() is not None
    assert sender.receive() is None  # It takes the acknowledgement, and sends one more.
    assert 6 - sender.queued == MAX_IN_MEMFDS_BYTES // len(body) + 1


def test_a_message_larger_than_the_bound_goes_alone(pair: tuple[Channel, Channel]) -> None:
    sender, receiver = pair
    assert sender.send(Kind.MESSAGE, "m", bytes(MAX_IN_MEMFDS_BYTES + 1))
    envelope = receiver.receive()
    assert envelope is not None
    assert len(envelope.body) == MAX_IN_MEMFDS_BYTES + 1


def test_what_the_other_side_sent_before_it_died_arrives_though_it_left_things_unread(
    pair: tuple[Channel, Channel],
) -> None:
    ours, theirs = pair
    ours.send(Kind.CALL, "unread")
    theirs.send(Kind.MESSAGE, "last words")
    theirs.close()
    envelope = ours.receive()
    assert envelope is not None
    assert envelope.name == "last words"
    with pytest.raises(EOFError):
        ours.receive()
    with pytest.raises(BrokenError, match="other side is gone"):
        ours.send(Kind.CALL, "m")


def test_after_finish_the_other_side_sees_the_end_and_can_still_answer(pair: tuple[Channel, Channel]) -> None:
    ours, theirs = pair
    ours.send(Kind.CALL, "last")
    ours.finish()
    with pytest.raises(BrokenError, match="closed"):
        ours.send(Kind.CALL, "m")
    envelope = theirs.receive()
    assert envelope is not None
    with pytest.raises(EOFError):
        theirs.receive()
    large = bytes(MAX_IN_MEMFDS_BYTES // 2 + 1)
    for _ in range(3):  # Nobody acknowledges any more, so nobody waits for it.
        theirs.send(Kind.MESSAGE, "answer", large)
    assert theirs.queued == 0
    assert all(ours.receive() is not None for _ in range(3))


def test_garbage_on_the_socket_is_a_broken_error() -> None:
    ours, theirs = channel_pair()
    channel = Channel(ours)
    with theirs:
        for garbage in (b"x", os.urandom(100), bytes(200_000)):
            theirs.send(garbage)
            with pytest.raises(BrokenError):
                channel.receive()
    channel.close()


def test_a_forked_child_has_the_channel_closed(pair: tuple[Channel, Channel]) -> None:
    ours, _ = pair
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            ours.send(Kind.CALL, "m")
        except BrokenError as error:
            os.write(writing, f"{ours.fileno()} {error}".encode())
        os._exit(0)
    os.close(writing)
    os.waitpid(pid, 0)
    with os.fdopen(reading, "rb") as file:
        assert b"-1 this is a forked copy" in file.read()
    assert ours.send(Kind.CALL, "m")


def test_closing_releases_queued_memfds_and_an_unused_socket() -> None:
    before = len(os.listdir("/proc/self/fd"))
    channel = Channel()
    channel.send(Kind.CALL, "m", bytes(1 << 20))
    channel.close()
    ours, theirs = channel_pair()
    channel.open(ours)
    theirs.close()
    assert len(os.listdir("/proc/self/fd")) == before


def test_what_was_not_sent_is_handed_over_in_order_and_the_rest_let_go(pair: tuple[Channel, Channel]) -> None:
    before = len(os.listdir("/proc/self/fd"))
    ours, theirs = pair
    sent = 0
    while not ours.queued:
        ours.send(Kind.CALL, "m", b"%d" % sent)
        sent += 1
    ours.send(Kind.CALL, "m", bytes(1 << 20))
    ours.send(Kind.WATCH, "", bytes(1 << 20))
    ours.send(Kind.CALL, "m", b"last")
    assert theirs.receive() is not None
    theirs.close()
    with pytest.raises(BrokenError, match="other side is gone"):
        ours.send(Kind.CALL, "m", b"refused")
    successor = Channel()
    successor.send(Kind.WATCHED, "", b"first")
    assert ours.hand_over(successor, Kind.CALL) == [0, 0, 0]
    front_side, back_side = channel_pair()
    successor.open(front_side)
    reader = Channel(back_side)
    arrived: list[bytes] = []
    while (envelope := reader.receive()) is not None:
        arrived.append(envelope.body)
    assert arrived == [b"first", b"%d" % (sent - 1), bytes(1 << 20), b"last"]
    for channel in (ours, successor, reader):
        channel.close()
    assert len(os.listdir("/proc/self/fd")) == before - len(pair)


@contextmanager
def few_descriptors_under_way(most: int) -> Iterator[None]:
    """Have this thread send no more descriptors than so many which nobody has received, as any user may."""
    libc = ctypes.CDLL(None, use_errno=True)
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    before = (ctypes.c_uint32 * 6)()
    libc.capget(header, before)
    limited = (ctypes.c_uint32 * 6)(*before)
    limited[0] &= ~(1 << 21 | 1 << 24)
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert libc.capset(header, limited) == 0
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
        libc.capset(header, before)


def test_too_many_descriptors_under_way_wait_without_spinning(pair: tuple[Channel, Channel]) -> None:
    sender, receiver = pair
    loop = Loop()
    sender.attach(loop, lambda: None)
    turns = received = sent = 0

    def run_for(seconds: float) -> None:
        nonlocal turns
        turns, until = 0, time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            loop.run_once(left)
            turns += 1

    with few_descriptors_under_way(max(map(int, os.listdir("/proc/self/fd"))) + 60):
        while sender.queued < 10:
            assert sender.send(Kind.CALL, "keep", b"", descriptors=(os.dup(0),))
            sent += 1
        poll = select.poll()
        poll.register(sender, select.POLLOUT)
        assert poll.poll(0)
        run_for(0.3)
        # How many are still queued depends on what else this user has under way.
        assert turns < 40
        until = time.monotonic() + 5
        while received < sent and time.monotonic() < until:
            while (envelope := receiver.receive()) is not None:
                os.close(*envelope.descriptors)
                received += 1
            run_for(0.02)
    assert received == sent
    assert sender.queued == 0
    run_for(0.05)
    assert turns < 5
    sender.close()
    loop.close()
