"""The processes a site has spawned: their payloads to the supervisor, its news to their front ends."""

import itertools
import logging
import os
import socket
import threading
import time
from functools import partial
from typing import Any

from camgraph.base.errors import BrokenError
from camgraph.client.connection import Connection
from camgraph.control.messages import ProcessExited, ProcessStarted, Spawn, Terminate
from camgraph.process import payload
from camgraph.process.declare import MessageProcess
from camgraph.process.front import FrontEnd, make_front_end

_log = logging.getLogger(__name__)

CLOSE_GRACE_S = 2.0
DELIVER_WITHIN_S = 2.0


class Processes:
    """Front ends by the id under which the supervisor knows their back ends."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self._fronts: dict[str, FrontEnd] = {}
        self._closing: tuple[FrontEnd, ...] = ()

    @property
    def alive(self) -> tuple[FrontEnd, ...]:
        """The front ends whose processes have not ended."""
        with self._lock:
            return tuple(front for front in self._fronts.values() if front.alive)

    def spawn(self, kind: type[MessageProcess], args: tuple[Any, ...], kwargs: dict[str, Any]) -> FrontEnd:
        """Have a back end started; return its front end, which is usable at once."""
        data = payload.pack(kind, args, kwargs)
        process = f"{kind.__name__}-{next(self._numbers)}"
        front = make_front_end(kind, process, self._connection.loop, partial(self._terminate, process))
        with self._lock:
            self._fronts[process] = front
        try:
            with os.fdopen(os.memfd_create(f"camgraph-{process}", os.MFD_CLOEXEC), "wb") as file:
                file.write(data)
                file.flush()
                self._connection.send(Spawn(process=process, name=kind.__name__), (file.fileno(),))
        except BaseException:
            self._forget(process)
            front._on_exit(None)
            raise
        return front

    def on_started(self, message: ProcessStarted, descriptor: int) -> None:
        """Give a front end its channel; closes the descriptor of one that is not known."""
        sock = socket.socket(fileno=descriptor)
        with self._lock:
            front = self._fronts.get(message.process)
        if front is None:
            sock.close()
        else:
            front._bind(sock, message.pid)

    def on_exited(self, message: ProcessExited) -> None:
        """Tell a front end how its back end ended."""
        front = self._forget(message.process)
        if front is not None:
            front._on_exit(message.returncode)

    def begin_close(self) -> None:
        """Ask all back ends to end, without waiting."""
        self._closing = self.alive
        for front in self._closing:
            front._begin_close(CLOSE_GRACE_S)

    def end(self) -> None:
        """Wait until every front end has delivered its end; the supervisor has ended."""
        self.lost()
        deadline = time.monotonic() + DELIVER_WITHIN_S
        for front in self._closing:
            try:
                front.wait(max(0.0, deadline - time.monotonic()))
            except (TimeoutError, RuntimeError):
                _log.warning("%s: its end could not be delivered: a callback is busy", front.name)

    def lost(self) -> None:
        """Tell all front ends that nobody will tell how their back ends ended: the supervisor is gone."""
        with self._lock:
            fronts, self._fronts = list(self._fronts.values()), {}
        for front in fronts:
            front._on_exit(None)

    def _forget(self, process: str) -> FrontEnd | None:
        with self._lock:
            return self._fronts.pop(process, None)

    def _terminate(self, process: str, grace_s: float) -> None:
        try:
            self._connection.send(Terminate(process=process, grace_s=grace_s))
        except BrokenError:
            self._forget(process)
            raise
