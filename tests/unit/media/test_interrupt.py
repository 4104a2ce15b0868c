"""Ending the wait of another thread, here one of Python's own that stands in the same system call."""

import os
import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from camgraph.media.sources.interrupt import interrupt_wait
from camgraph.testing.waiting import wait_until

BOUND_S = 20.0


class Waiter:
    """A thread that waits; `result` is what came of it."""

    def __init__(self, wait: Callable[[], object]) -> None:
        self.result: object = None

        def run() -> None:
            try:
                self.result = wait()
            except OSError as error:
                self.result = error

        self.thread = threading.Thread(target=run)
        self.thread.start()

    @property
    def native_id(self) -> int:
        assert self.thread.native_id is not None
        return self.thread.native_id

    def end(self) -> object:
        self.thread.join(BOUND_S)
        assert not self.thread.is_alive()
        return self.result


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


def test_a_read_of_a_silent_connection_ends(listener: socket.socket) -> None:
    def connect() -> socket.socket:
        return socket.create_connection(listener.getsockname(), BOUND_S)

    with connect() as one, connect() as other:
        waiting, unconcerned = Waiter(lambda: one.recv(1)), Waiter(lambda: other.recv(1))
        wait_until(lambda: interrupt_wait(waiting.native_id))
        assert waiting.end() == b""
        assert unconcerned.thread.is_alive()
        wait_until(lambda: interrupt_wait(unconcerned.native_id))
        unconcerned.end()


def test_a_connection_that_is_not_answered_ends() -> None:
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        fillers = [socket.socket() for _ in range(3)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(full.getsockname())
        with socket.socket() as sock:
            sock.settimeout(BOUND_S)
            waiting = Waiter(lambda: sock.connect(full.getsockname()))
            wait_until(lambda: interrupt_wait(waiting.native_id))
            assert isinstance(waiting.end(), OSError)
        for filler in fillers:
            filler.close()


def test_what_is_no_tcp_connection_is_left_alone() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.settimeout(BOUND_S)
        waiting = Waiter(lambda: ours.recv(1))
        wait_until(lambda: _in_poll(waiting.native_id))
        assert not interrupt_wait(waiting.native_id)
        theirs.send(b"x")
        assert waiting.end() == b"x"


def test_a_thread_that_does_not_wait_or_does_not_exist() -> None:
    assert not interrupt_wait(threading.get_native_id())
    assert not interrupt_wait(0)
    assert not interrupt_wait(os.getppid())


def _in_poll(native_id: int) -> bool:
    with open(f"/proc/self/task/{native_id}/syscall", encoding="ascii") as file:
        return file.read().split()[0] in ("7", "73", "271")
