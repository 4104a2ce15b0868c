"""What the back ends of all transports do: send back what they are asked to, or messages of their own.

Nothing here loads Qt or camgraph: processes started by multiprocessing import this module.
"""

import contextlib
import importlib
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

Asked = int | tuple[int, float] | None
"""A value to send back; a number of messages and their rate in Hz; None: that was all."""


def speak(count: int, hz: float, send: Callable[[int], object]) -> None:
    """Send so many messages at that rate, 0 for all at once; one that is late does not delay the next."""
    begin_s = time.monotonic()
    for number in range(count):
        if hz and (early_s := begin_s + number / hz - time.monotonic()) > 0:
            time.sleep(early_s)
        send(number)


def serve(receive: Callable[[], Asked], send: Callable[[int], object]) -> None:
    """Do what is asked until the end is."""
    while (asked := receive()) is not None:
        if isinstance(asked, int):
            send(asked)
        else:
            speak(*asked, send)


def serve_pipe(connection: Connection) -> None:
    """Serve a `multiprocessing.Pipe` until it is closed."""
    with contextlib.suppress(EOFError, ConnectionError):
        serve(connection.recv, connection.send)


def serve_queues(inbox: Any, outbox: Any) -> None:
    """Serve a pair of `multiprocessing.Queue`."""
    serve(inbox.get, outbox.put)


def serve_zmq(address: str) -> None:
    """Serve a PAIR socket of pyzmq."""
    zmq: Any = importlib.import_module("zmq")
    with zmq.Context() as context, context.socket(zmq.PAIR) as sock:
        sock.setsockopt(zmq.LINGER, 0)
        sock.connect(address)
        serve(sock.recv_pyobj, sock.send_pyobj)


class PyqtgraphEcho:
    """What a QtProcess of pyqtgraph makes; `heard` is its proxy of the program's slot."""

    def __init__(self, heard: Any) -> None:
        self._heard = heard

    def ping(self, value: int) -> None:
        """Send the value back."""
        self._heard(value, _callSync="off")

    def say(self, count: int, hz: float) -> None:
        """Send messages."""
        speak(count, hz, self.ping)
