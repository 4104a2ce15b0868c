"""The processes a site has spawned: their payloads to the supervisor, its news to their front ends."""

import itertools
import logging
import os
import socket
import threading
import time
from dataclasses import dataclass
from functools import partial
from typing import Any

from msgspec.structs import replace

from camgraph.base.errors import BrokenError
from camgraph.client.connection import Connection
from camgraph.client.forked import ForkedProcesses
from camgraph.control.messages import (
    ProcessExited,
    ProcessStarted,
    ProcessStopped,
    Spawn,
    Terminate,
    Watch,
)
from camgraph.graph.spec import FrameRequest
from camgraph.process import payload
from camgraph.process.declare import MessageProcess, Restart
from camgraph.process.front import FrontEnd, make_front_end
from camgraph.process.outbox import Requests

_log = logging.getLogger(__name__)

CLOSE_GRACE_S = 2.0
DELIVER_WITHIN_S = 2.0
KILLED_WITHIN_S = 0.5
SUPERVISOR_ENDED = "its supervisor ended"


@dataclass
class _Spawned:
    front: FrontEnd
    spawn: Spawn
    payload: bytes
    """What another supervisor starts it with; empty: it is not to be started again."""
    lost: bool = False
    """There was no supervisor to start it, or it has ended with that: it waits for the next one."""


class Processes:
    """Front ends by the id under which the supervisor knows their back ends."""

    def __init__(self, connection: Connection, site: str) -> None:
        self._connection = connection
        self._forked = ForkedProcesses(site, connection.loop)
        # What is sent to the supervisor about a process is sent under it: nothing comes between two of them.
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self._spawned: dict[str, _Spawned] = {}
        self._closing: tuple[FrontEnd, ...] = ()

    @property
    def alive(self) -> tuple[FrontEnd, ...]:
        """The front ends whose processes have not ended."""
        with self._lock:
            started = [spawned.front for spawned in self._spawned.values()]
        return tuple(front for front in (*started, *self._forked.fronts) if front.alive)

    def spawn(self, kind: type[MessageProcess], args: tuple[Any, ...], kwargs: dict[str, Any]) -> FrontEnd:
        """Have a back end started; return its front end, which is usable at once."""
        if getattr(kind, "start_method", "") == "fork":
            return self._forked.spawn(kind, f"{kind.__name__}-{next(self._numbers)}", args, kwargs)
        data = payload.pack(kind, args, kwargs)
        process = f"{kind.__name__}-{next(self._numbers)}"
        front = make_front_end(
            kind,
            process,
            self._connection.loop,
            partial(self._terminate, process),
            renew=partial(self._renew, process),
            tell_watched=partial(self._watch, process),
        )
        policy = kind.restart if isinstance(kind.restart, Restart) else Restart()
        spawn = Spawn(
            process=process,
            name=kind.__name__,
            restart=bool(kind.restart),
            crashes=policy.crashes,
            within_s=policy.within_s,
        )
        try:
            with self._lock:
                spawned = _Spawned(front, spawn, data)
                try:
                    self._hand_over(spawned)
                except BrokenError as error:
                    _log.debug("%s is started by the next supervisor: %s", process, error)
                    spawned.lost = True
                self._spawned[process] = spawned
        except BaseException:
            front._on_exit(None)
            raise
        return front

    def on_started(self, message: ProcessStarted, descriptor: int) -> None:
        """Give a front end its channel; closes the descriptor of one that is not known."""
        sock = socket.socket(fileno=descriptor)
        with self._lock:
            spawned = self._spawned.get(message.process)
        if spawned is None:
            sock.close()
        else:
            spawned.front._bind(sock, message.pid)

    def on_stopped(self, message: ProcessStopped) -> None:
        """Tell a front end that its back end was stopped by a signal, or goes on."""
        with self._lock:
            spawned = self._spawned.get(message.process)
        if spawned is not None:
            spawned.front._on_stopped(message.stopped)

    def on_exited(self, message: ProcessExited) -> None:
        """Tell a front end how its back end ended, and whether it is started again."""
        with self._lock:
            spawned = self._spawned.get(message.process)
            if spawned is not None and not message.restarts:
                del self._spawned[message.process]
        if spawned is None:
            return
        if message.restarts:
            spawned.front._on_restart(message.returncode, message.how, message.trace)
        else:
            spawned.front._on_exit(message.returncode, message.how, message.trace)

    def hide_logins(self) -> None:
        """Have no process that was forked show logins that were in this program's environment.

        The supervisor sees to the others.
        """
        self._forked.hide_logins()

    def begin_close(self) -> None:
        """Ask all back ends to end, without waiting."""
        self._closing = self.alive
        for front in self._closing:
            front._begin_close(CLOSE_GRACE_S)

    def end(self) -> None:
        """Wait until every front end has delivered its end; an own supervisor has ended."""
        self._forked.end(CLOSE_GRACE_S + KILLED_WITHIN_S)
        if not self._connection.owns_site:
            # Its supervisor lives on, and is to tell how they end.
            self._wait_ended(CLOSE_GRACE_S + DELIVER_WITHIN_S)
        with self._lock:
            left, self._spawned = list(self._spawned.values()), {}
        for spawned in left:
            spawned.front._on_exit(None)
        for front in self._wait_ended(DELIVER_WITHIN_S):
            _log.warning("%s: its end could not be delivered: a callback is busy", front.name)
        # Who keeps a closed site is not to keep their descriptors.
        self._closing = ()

    def lost(self) -> None:
        """The supervisor is gone, and with it all back ends: tell their front ends, once.

        Those that are not started again, or were closed, have ended, and nobody will tell how.
        """
        waiting: list[FrontEnd] = []
        ended: list[FrontEnd] = []
        with self._lock:
            for process, spawned in list(self._spawned.items()):
                if not spawned.payload or spawned.front._closing:
                    del self._spawned[process]
                    ended.append(spawned.front)
                elif not spawned.lost:
                    spawned.lost = True
                    waiting.append(spawned.front)
        for front in ended:
            front._on_exit(None)
        for front in waiting:
            front._on_restart(0, SUPERVISOR_ENDED)

    def respawn(self) -> None:
        """Another supervisor runs: have it start what has ended with the last one, and is to go on."""
        failed: list[FrontEnd] = []
        with self._lock:
            for process, spawned in list(self._spawned.items()):
                if not spawned.lost:
                    continue
                try:
                    self._hand_over(spawned)
                except BrokenError as error:
                    _log.debug("the next supervisor has ended as well: %s", error)
                    return
                except OSError as error:
                    _log.error("%s could not be started again: %s", process, error.strerror)
                    del self._spawned[process]
                    failed.append(spawned.front)
        for front in failed:
            front._on_exit(None)

    def forget_in_child(self) -> None:
        """Leave the processes to the parent of this forked child; their front ends can still be asked for."""
        self._lock = threading.Lock()
        self._forked.forget_in_child()

    def _wait_ended(self, timeout_s: float) -> list[FrontEnd]:
        """Return those that have not ended within the time."""
        deadline = time.monotonic() + timeout_s
        late = []
        for front in self._closing:
            try:
                front.wait(max(0.0, deadline - time.monotonic()))
            except (TimeoutError, RuntimeError):
                late.append(front)
        return late

    def _hand_over(self, spawned: _Spawned) -> None:
        """Have the supervisor start one; raises BrokenError if there is none now, OSError."""
        spawn = spawned.spawn
        with os.fdopen(os.memfd_create(f"camgraph-{spawn.process}", os.MFD_CLOEXEC), "wb") as file:
            file.write(spawned.payload)
            file.flush()
            self._connection.send(spawn, (file.fileno(),))
        spawned.lost = False
        if not spawn.restart:
            spawned.payload = b""

    def _watch(self, process: str, requests: Requests) -> None:
        with self._lock:
            spawned = self._spawned.get(process)
            if spawned is None or not spawned.payload:
                return
            watched = tuple(request for request in requests if isinstance(request, FrameRequest))
            spawned.spawn = replace(spawned.spawn, watched=watched)
            try:
                self._connection.send(Watch(process=process, watched=watched))
            except BrokenError as error:
                _log.debug("what %s watches is told to the next supervisor: %s", process, error)

    def _terminate(self, process: str, grace_s: float) -> None:
        with self._lock:
            try:
                self._connection.send(Terminate(process=process, grace_s=grace_s))
            except BrokenError:
                self._spawned.pop(process, None)
                raise

    def _renew(self, process: str, pid: int) -> None:
        self._connection.send(Terminate(process=process, grace_s=0.0, renew=pid))
