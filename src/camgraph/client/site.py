"""The live site: streams, readers, processes, numbers, and the one way to close them all."""

import atexit
import itertools
import logging
import os
import secrets as random_secrets
import threading
import time
import weakref
from collections.abc import Callable
from concurrent.futures import Future
from types import TracebackType
from typing import Any, Self

from camgraph.base.descriptors import close_all
from camgraph.base.errors import ClosedError, GraphError
from camgraph.base.loop import Loop
from camgraph.client.connection import Connection
from camgraph.client.processes import Processes
from camgraph.client.requests import open_reader
from camgraph.client.statuses import StatusBoard
from camgraph.client.streams import LiveStream, StreamTable
from camgraph.control.messages import (
    AskStatistics,
    FromSupervisor,
    MediaStatus,
    ProcessExited,
    ProcessStarted,
    SiteStatistics,
    StreamStatus,
)
from camgraph.graph.spec import FrameRequest, GraphSpec, check_name, check_request
from camgraph.process.declare import MessageProcess
from camgraph.process.front import FrontEnd
from camgraph.ring.reader import Reader

_log = logging.getLogger(__name__)
_sites: "weakref.WeakSet[Site]" = weakref.WeakSet()


class Site:
    """A running graph. Made by `Graph.start`; closed by `close`, with its ``with`` block, or at exit."""

    def __init__(self, spec: GraphSpec, secrets: dict[str, str], *, name: str | None = None) -> None:
        if name is not None:
            check_name(name, "site")
        self._name = name or f"{os.getpid()}-{random_secrets.token_hex(4)}"
        names = [node.id for node in spec.nodes]
        self._board = StatusBoard(names)
        self._streams = StreamTable({stream: LiveStream(self, stream, self._board) for stream in names})
        self._readers: weakref.WeakSet[Reader] = weakref.WeakSet()
        self._close_callbacks: list[Callable[[], None]] = []
        self._answers: dict[int, Future[SiteStatistics]] = {}
        self._tokens = itertools.count(1)
        self._lock = threading.Lock()
        self._closed = False
        self._connection = Connection(
            self._name,
            spec,
            secrets,
            on_message=self._on_message,
            on_lost=self._on_lost,
            on_closed=self._on_closed,
        )
        self._processes = Processes(self._connection)
        _sites.add(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Site {self._name}{' closed' if self._closed else ''} {len(self._streams)} streams>"

    @property
    def name(self) -> str:
        """The site's name on this machine."""
        return self._name

    @property
    def streams(self) -> StreamTable:
        """The live streams by name, in the order of their declaration."""
        return self._streams

    @property
    def processes(self) -> tuple[FrontEnd, ...]:
        """The front ends of the processes that were spawned and have not ended."""
        return self._processes.alive

    @property
    def loop(self) -> Loop:
        """The loop of the site's own thread, in which its callbacks run."""
        return self._connection.loop

    @property
    def supervisor_pid(self) -> int:
        """The pid of the site's supervisor."""
        return self._connection.supervisor_pid

    def read(self, request: FrameRequest) -> Reader:
        """Return a reader of the frames asked for; the caller closes it, or the site does.

        Raises GraphError if the site has no such stream, ClosedError after `close`.
        """
        self._check_open()
        check_request(request)
        self._check_stream(request.stream)
        reader = open_reader(self._name, request)
        with self._lock:
            if not self._closed:
                self._readers.add(reader)
                return reader
        reader.close()
        raise ClosedError(f"site {self._name!r} is closed")

    def spawn(self, kind: type[MessageProcess], *args: Any, **kwargs: Any) -> Any:
        """Start a back end that runs ``kind(*args, **kwargs)``, and return its front end at once.

        The front end is a `FrontEnd` with a method per `backend` method and a port per `message` of the
        class. Raises TypeError for arguments that `kind` does not take, CannotTravel naming what can't be
        sent there, ClosedError after `close`.
        """
        self._check_open()
        return self._processes.spawn(kind, args, kwargs)

    def subscribe(self, callback: Callable[[StreamStatus], None]) -> Callable[[], None]:
        """Tell `callback` each stream's status, now in this thread, and each change in the site's thread.

        Returns a function that ends it.
        """
        return self._board.subscribe(callback)

    def on_close(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call back at the beginning of `close`, in the closing thread; return what takes it back."""
        with self._lock:
            self._close_callbacks.append(callback)

        def forget() -> None:
            with self._lock:
                if callback in self._close_callbacks:
                    self._close_callbacks.remove(callback)

        return forget

    def statistics(self, timeout: float = 2.0) -> SiteStatistics:
        """Return the numbers of the moment, from the media process itself.

        Raises TimeoutError if it does not answer within `timeout` seconds, ClosedError after `close`.
        """
        self._check_open()
        token = next(self._tokens)
        answer: Future[SiteStatistics] = Future()
        with self._lock:
            self._answers[token] = answer
        try:
            self._connection.send(AskStatistics(token=token))
            return answer.result(timeout)
        finally:
            with self._lock:
                self._answers.pop(token, None)

    def close(self) -> None:
        """End everything the site started; closing twice does nothing. Takes some seconds at most."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            callbacks, self._close_callbacks = self._close_callbacks, []
            readers = list(self._readers)
        if self._connection.in_thread():
            threading.Thread(
                target=self._end, args=(callbacks, readers), name=f"camgraph-{self._name}-close"
            ).start()
        else:
            self._end(callbacks, readers)

    def _end(self, callbacks: list[Callable[[], None]], readers: list[Reader]) -> None:
        for callback in callbacks:
            try:
                callback()
            except Exception:
                _log.exception("a callback of the closing site failed")
        for reader in readers:
            reader.close()
        self._processes.begin_close()
        self._connection.shut_down()
        self._processes.end()
        self._connection.close()
        _sites.discard(self)

    def _check_open(self) -> None:
        if self._closed:
            raise ClosedError(f"site {self._name!r} is closed")

    def _check_stream(self, stream: str) -> None:
        if stream not in self._streams:
            known = ", ".join(self._streams) or "none"
            raise GraphError(f"no stream is named {stream!r}; the site has: {known}")

    def _on_message(self, message: FromSupervisor, descriptors: list[int]) -> None:
        match message:
            case StreamStatus():
                self._board.publish(message)
            case ProcessStarted() if descriptors:
                self._processes.on_started(message, descriptors.pop(0))
            case ProcessExited():
                self._processes.on_exited(message)
            case SiteStatistics():
                with self._lock:
                    answer = self._answers.pop(message.token, None)
                if answer is not None:
                    answer.set_result(message)
            case MediaStatus():
                _log.info(
                    "media process %d %s",
                    message.pid,
                    "started" if message.running else f"ended. {message.sentence}",
                )
            case _:
                _log.error("a message was not understood: %r", message)
        close_all(descriptors)

    def _on_lost(self, how: str) -> None:
        self._processes.lost()
        self._board.publish_all(
            state="backing_off",
            reason="supervisor_died",
            sentence=f"The supervisor ended ({how}); it is being started again.",
            next_attempt_ns=0,
            since_ns=time.monotonic_ns(),
        )

    def _on_closed(self) -> None:
        self._board.publish_all(
            state="stopped",
            reason="closed",
            sentence="The site is closed.",
            next_attempt_ns=0,
            since_ns=time.monotonic_ns(),
        )


def _close_all() -> None:
    for site in list(_sites):
        site.close()


def _abandon_in_child() -> None:
    for site in list(_sites):
        site._closed = True
        site._lock = threading.Lock()  # Another thread may have held it.
        site._connection.abandon_after_fork()
    _sites.clear()


atexit.register(_close_all)
os.register_at_fork(after_in_child=_abandon_in_child)
