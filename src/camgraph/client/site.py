"""The live site: streams, readers, processes, numbers, and the one way to close them all."""

import atexit
import logging
import os
import threading
import time
import weakref
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from camgraph.base.descriptors import MAX_DESCRIPTORS, close_all
from camgraph.base.errors import BrokenError, ClosedError, GraphError
from camgraph.base.loop import Loop, Timer
from camgraph.client.answers import Answers
from camgraph.client.connection import Connection, Listener
from camgraph.client.nodes import LiveCamera, LiveFork, LiveGate, LiveMovement, LivePublished, LiveRate
from camgraph.client.processes import Processes
from camgraph.client.requests import open_reader
from camgraph.client.statuses import StatusBoard
from camgraph.client.streams import StreamTable
from camgraph.control.messages import (
    Answer,
    Apply,
    AskStatistics,
    Do,
    FromSupervisor,
    GraphChanged,
    MediaStatus,
    NodeEvent,
    Pong,
    ProcessExited,
    ProcessStarted,
    ProcessStopped,
    Secrets,
    SiteStatistics,
    StreamStatus,
)
from camgraph.graph.builder import GraphBuilder
from camgraph.graph.changes import GraphDiff, NodeCommand, node_of, source_of
from camgraph.graph.nodes import Fork, Gate, Movement, Publish, Rate
from camgraph.graph.request_values import check_request
from camgraph.graph.spec import FrameRequest, GraphSpec, check_spec, references_of, streams_of
from camgraph.process.declare import MessageProcess
from camgraph.process.front import FrontEnd
from camgraph.ring.reader import Reader

_log = logging.getLogger(__name__)
_sites: "weakref.WeakSet[Site]" = weakref.WeakSet()


COMMAND_WITHIN_S = 2.0
RESPAWNS_WITHIN_S = 3.0
"""After another supervisor was started, if the streams have not all told of themselves before that."""


class Site:
    """A running graph: made by `Graph.start`, or joined by `attach`.

    Ended by `close`, with its ``with`` block, or at exit: all of it by the program that started it, else only
    what this program has added to it.
    """

    def __init__(self, name: str, spec: GraphSpec, connect: Callable[[Listener], Connection]) -> None:
        self._name = name
        self._board = StatusBoard([])
        self._streams = StreamTable(self, self._board)
        self._readers: weakref.WeakSet[Reader] = weakref.WeakSet()
        self._close_callbacks: list[Callable[[], None]] = []
        self._known = threading.Event()
        self._ended_early = False
        self._lock = threading.Lock()
        self._closed = False
        self._respawning: Timer | None = None
        self._unheard: set[str] = set()
        self._set_spec(spec)
        # What comes at once waits in the thread for what is made after it.
        ready = threading.Event()

        def hear(message: FromSupervisor, descriptors: list[int]) -> None:
            ready.wait()
            self._on_message(message, descriptors)

        self._connection = connect(
            Listener(
                on_message=hear,
                on_lost=self._on_lost,
                on_gone=self._on_gone,
                on_back=self._on_back,
                on_closed=self._on_closed,
            )
        )
        self._answers = Answers(self._connection)
        self._processes = Processes(self._connection, name)
        ready.set()
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
        """The live streams by name, in the order of their declaration: cameras, and what filters make."""
        return self._streams

    @property
    def spec(self) -> GraphSpec:
        """The graph that runs, as data: what was started and applied, and every command since."""
        return self._spec

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
        """The pid of the site's supervisor; 0 in a program that has joined the site."""
        return self._connection.supervisor_pid

    def read(self, request: FrameRequest) -> Reader:
        """Return a reader of the frames asked for; the caller closes it, or the site does.

        `request` comes from ``stream.frames(…)``. Raises GraphError if the site has no such stream,
        ClosedError after `close`. The reader raises BrokenError when its stream was removed, or the site of
        another program has ended.
        """
        if not isinstance(request, FrameRequest):
            raise TypeError(f"read() takes a request, stream.frames(…), not {request!r}")
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

    def observe(self, node: str, callback: Callable[[NodeEvent], None]) -> Callable[[], None]:
        """Tell `callback` in the site's thread what the node of this name sees.

        The nodes that do are those of `Graph.movement` and `Graph.observe`; the graph may get it later. A
        program that listens hears of each beginning and end of movement, in order; of single frames
        (``seen``) those are left out that come faster than they are taken anywhere on the way: pictures never
        wait for who observes them. What the callback raises is logged. Returns a function that ends it.
        """
        return self._connection.observe(node, callback)

    def attach(self, node: str, *descriptors: int) -> None:
        """Have a 1 written to these event file descriptors (`os.eventfd`) for each frame at a published ring.

        `node` is the name of a `Graph.publish`. The descriptors, 8 at most, are copied: the caller keeps its
        own, and may close them. They take the place of those attached before, by whatever program; none:
        nothing is attached any more. They stay for as long as the graph has the node and this program the
        site, whatever process is replaced meanwhile.

        Raises GraphError if there is no such node, ValueError for too many descriptors, OSError if one is
        none, ClosedError after `close`.
        """
        self._check_open()
        node_of(self._spec, node, Publish)
        if len(descriptors) > MAX_DESCRIPTORS:
            raise ValueError(f"{len(descriptors)} descriptors; a node takes {MAX_DESCRIPTORS} at most")
        self._connection.attach(node, descriptors)

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
        """Return the numbers of the moment, from the media processes themselves.

        Raises TimeoutError if the supervisor does not answer within `timeout` seconds, BrokenError if it dies
        meanwhile, ClosedError after `close`. A media process that hangs is waited for a second; its streams
        are missing then.
        """
        self._check_open()
        token = self._answers.new_token()
        answer: SiteStatistics = self._answers.ask(token, AskStatistics(token=token), timeout)
        return answer

    def apply(self, graph: GraphBuilder | GraphSpec, timeout: float = 5.0) -> GraphDiff:
        """Make this the graph that runs, and return what it changed.

        Streams that stay as they are lose no frame; those that are removed end, and their readers raise
        BrokenError a second or two later. Gates, rates and forks become as `graph` says, whatever commands
        they got: to change what runs now, begin with ``Graph.from_spec(site.spec)``. Widgets stay as they
        are.

        Raises GraphError if it can't be run, or a login reference can't be resolved; TimeoutError if nobody
        answers within `timeout` seconds; BrokenError if the supervisor dies meanwhile. `spec` tells what runs
        then.
        """
        self._check_open()
        if isinstance(graph, GraphSpec):
            graph = GraphBuilder.from_spec(graph)
        spec = graph.spec
        check_spec(spec)
        # What the graph that runs refers to was told, maybe by another program that knows more.
        secrets = graph.resolve_secrets(known=references_of(self._spec))
        self._processes.hide_logins()
        token = self._answers.new_token()
        return self._ask_change(token, Apply(token=token, spec=spec, secrets=secrets), timeout)

    def camera(self, name: str) -> LiveCamera:
        """Return the handle of a source; raise GraphError if the graph has no such source."""
        source_of(self._spec, name)
        return LiveCamera(name, lambda: self._spec, self._command)

    def gate(self, name: str) -> LiveGate:
        """Return the handle of a gate; raise GraphError if the graph has no such gate."""
        node_of(self._spec, name, Gate)
        return LiveGate(name, lambda: self._spec, self._command)

    def rate(self, name: str) -> LiveRate:
        """Return the handle of a rate; raise GraphError if the graph has no such rate."""
        node_of(self._spec, name, Rate)
        return LiveRate(name, lambda: self._spec, self._command)

    def fork(self, name: str) -> LiveFork:
        """Return the handle of a fork; raise GraphError if the graph has no such fork."""
        node_of(self._spec, name, Fork)
        return LiveFork(name, lambda: self._spec, self._command)

    def movement(self, name: str) -> LiveMovement:
        """Return the handle of a movement node; raise GraphError if the graph has no such node."""
        node_of(self._spec, name, Movement)
        return LiveMovement(name, self._command)

    def published(self, name: str) -> LivePublished:
        """Return the handle of a published ring by its node's name; raise GraphError if there is none."""
        node_of(self._spec, name, Publish)
        return LivePublished(name, self._command)

    def close(self) -> None:
        """End the site, or leave it, with all that this program started; closing twice does nothing.

        Takes some seconds at most.
        """
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
        self._answers.fail(f"site {self._name!r} is closed")
        _sites.discard(self)

    def wait_known(self, timeout: float) -> None:
        """Wait until graph and states are known, in a program that joins; BrokenError after `timeout` s."""
        if not self._known.wait(timeout):
            raise BrokenError(f"site {self._name!r} did not tell its graph within {timeout} s")
        if self._ended_early:
            raise BrokenError(f"site {self._name!r} was closed by its owner just now")

    def _command(self, command: NodeCommand) -> None:
        self._check_open()
        token = self._answers.new_token()
        self._ask_change(token, Do(token=token, command=command), COMMAND_WITHIN_S)

    def _ask_change(self, token: int, request: Apply | Do, timeout: float) -> GraphDiff:
        answer: Answer = self._answers.ask(token, request, timeout)
        if answer.refused:
            raise GraphError(answer.refused)
        return answer.diff

    def _set_spec(self, spec: GraphSpec) -> None:
        names = list(streams_of(spec))
        self._spec = spec
        self._streams.set_names(names)
        self._board.set_names(names)

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
                self._unheard.discard(message.stream)
                if not self._unheard:
                    self._respawn()
            case ProcessStarted() if descriptors:
                self._processes.on_started(message, descriptors.pop(0))
            case ProcessStopped():
                self._processes.on_stopped(message)
            case ProcessExited():
                self._processes.on_exited(message)
            case GraphChanged(spec=spec):
                self._set_spec(spec)
                self._connection.attaching.keep_only({node.id for node in spec.nodes})
            case NodeEvent():
                self._connection.observers.tell(message)
            case SiteStatistics(token=token) | Answer(token=token):
                self._answers.give(token, message)
            case MediaStatus(name=name, pid=pid, running=running, sentence=sentence):
                _log.info("%s: %s", name, f"pid {pid} started" if running else sentence)
            case Pong():
                self._known.set()
            case Secrets():
                pass
            case _:
                _log.error("a message was not understood: %r", message)
        close_all(descriptors)

    def _on_lost(self, how: str) -> None:
        self._answers.fail(f"the supervisor of site {self._name!r} is gone: {how}")
        self._processes.lost()
        self._board.publish_all(
            state="backing_off",
            reason="supervisor_died",
            sentence=f"The supervisor ended ({how}); it is being started again.",
            next_attempt_ns=0,
            since_ns=time.monotonic_ns(),
        )

    def _on_gone(self) -> None:
        if not self._known.is_set():
            # Who joins is not to wait for it.
            self._ended_early = True
            self._known.set()
        self._board.publish_all(
            state="stopped",
            reason="site_closed",
            sentence="The site was closed by its owner; it is joined again when it is started again.",
            next_attempt_ns=0,
            since_ns=time.monotonic_ns(),
        )

    def _on_back(self) -> None:
        # Pictures first: many back ends that start would leave the media processes no processor to start on.
        self._unheard = set(self._streams)
        self._respawning = self.loop.call_later(RESPAWNS_WITHIN_S if self._unheard else 0.0, self._respawn)

    def _respawn(self) -> None:
        if self._respawning is not None:
            self._respawning.cancel()
            self._respawning = None
            self._processes.respawn()

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
        site._board.forget_in_child()
        site._connection.observers.forget_in_child()
        site._processes.forget_in_child()
        site._connection.abandon_after_fork()
    _sites.clear()


atexit.register(_close_all)
os.register_at_fork(after_in_child=_abandon_in_child)
