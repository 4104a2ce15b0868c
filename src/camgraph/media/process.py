"""The media process: its streams, as the supervisor wants them, and its way out."""

import logging
import signal
import socket
import time

from camgraph.base.descriptors import allow_many_descriptors, close_all
from camgraph.base.errors import BrokenError, GraphError
from camgraph.base.loop import Loop
from camgraph.base.signals import end_on_sigterm
from camgraph.control.channel import ControlChannel
from camgraph.control.messages import (
    AddReader,
    AskStatistics,
    Attach,
    Configure,
    FromMedia,
    MediaHung,
    MediaStatistics,
    MemoryAnswer,
    NodeEvent,
    Secrets,
    Shutdown,
    ToMedia,
)
from camgraph.graph.nodes import Source
from camgraph.graph.spec import GraphSpec, StreamPath, address_of, login_of, same_source, streams_of
from camgraph.media import heap
from camgraph.media.attempt import Attempt
from camgraph.media.hangs import HUNG_LOOKS, LOOK_EVERY_S, HangWatch
from camgraph.media.memory import Memory
from camgraph.media.worker import StreamWorker
from camgraph.ring.protocol import Hello, refuse

_log = logging.getLogger(__name__)

END_WITHIN_S = 0.6
_HARD_END_AFTER_S = 2


class MediaProcess:
    """Runs the streams of a graph until the supervisor says Shutdown or is gone; owns the control socket."""

    def __init__(self, control: socket.socket) -> None:
        self._loop = Loop()
        self._channel: ControlChannel[ToMedia] = ControlChannel(control, ToMedia)
        self._channel.attach(self._loop, self._on_message, self._loop.stop)
        self._memory = Memory(self._send)
        self._secrets: dict[str, str] = {}
        self._workers: dict[str, StreamWorker] = {}
        self._sources: dict[str, str] = {}
        self._leaving: list[StreamWorker] = []
        self._epochs: dict[str, int] = {}
        self._hangs = HangWatch()
        self._hung: Attempt | None = None
        self._lost_events = 0

    def run(self) -> bool:
        """Serve; return when all is released. False: a thread hangs, and the process must be ended hard."""
        allow_many_descriptors()
        heap.begin()
        end_on_sigterm(self._loop, self._loop.stop)
        self._loop.call_later(LOOK_EVERY_S, self._look_for_hangs)
        self._loop.run()
        return self._end()

    def _on_message(self, message: ToMedia, descriptors: list[int]) -> None:
        match message:
            case Secrets(values=values):
                self._secrets = values
            case Configure(spec=spec, epoch=epoch):
                self._configure(spec, epoch)
            case Attach(node=node):
                worker = self._workers.get(self._sources.get(node, ""))
                if worker is not None:
                    worker.attach(node, tuple(descriptors))
                    descriptors.clear()
            case AddReader(hello=hello) if descriptors:
                self._add_reader(hello, descriptors.pop(0))
            case MemoryAnswer() as answer:
                self._memory.on_answer(answer)
            case AskStatistics(token=token):
                self._send(self._statistics(token))
            case Shutdown():
                self._loop.stop()
            case _:
                _log.error("a message was not understood: %r", message)
        close_all(descriptors)

    def _configure(self, spec: GraphSpec, epoch: int) -> None:
        try:
            streams = streams_of(spec)
        except GraphError as error:
            _log.error("a graph that can't be run came: %s", error)
            return
        nodes = {node.id: node for node in spec.nodes if isinstance(node, Source)}
        paths: dict[str, dict[str, StreamPath]] = {name: {} for name in nodes}
        for stream, path in streams.items():
            paths[path.source.id][stream] = path
        for name, worker in list(self._workers.items()):
            node = nodes.get(name)
            if node is None or not same_source(node, worker.node) or self._login(node) != worker.login:
                worker.close()
                self._leaving.append(self._workers.pop(name))
            else:
                # First all that ends: a stream that another camera feeds now is to be told of last by that.
                kept = {stream: path for stream, path in paths[name].items() if stream in worker.streams}
                worker.follow(node, kept)
        self._leaving = [worker for worker in self._leaving if not worker.ended]
        for name, node in nodes.items():
            worker = self._workers.get(name) or self._start(node, epoch)
            worker.follow(node, paths[name])
        self._sources = {stream: path.source.id for stream, path in streams.items()}

    def _start(self, node: Source, epoch: int) -> StreamWorker:
        worker = self._workers[node.id] = StreamWorker(
            self._loop,
            node,
            self._login(node),
            self._new_epoch(node.id, epoch),
            self._memory,
            self._send,
        )
        worker.begin()
        return worker

    def _new_epoch(self, name: str, epoch: int) -> int:
        """Return the process's epoch for a stream's first start, a later one for each further."""
        before = self._epochs.get(name)
        self._epochs[name] = epoch if before is None and epoch else max(time.time_ns(), (before or 0) + 1)
        return self._epochs[name]

    def _login(self, node: Source) -> str | None:
        reference = login_of(node)
        return None if reference is None else self._secrets.get(reference)

    def _add_reader(self, data: bytes, descriptor: int) -> None:
        sock = socket.socket(fileno=descriptor)
        sock.setblocking(False)
        try:
            hello = Hello.decode(data)
        except ValueError as error:
            refuse(sock, str(error))
            return
        source = self._sources.get(hello.request.stream)
        if source is None:
            refuse(sock, f"no stream is named {hello.request.stream!r}")
        else:
            self._workers[source].outputs.add_reader(sock, hello)

    def _statistics(self, token: int) -> MediaStatistics:
        return MediaStatistics(
            token=token,
            streams={name: worker.statistics() for name, worker in self._workers.items()},
            touched_bytes=sum(worker.outputs.touched_bytes for worker in self._workers.values()),
        )

    def _look_for_hangs(self) -> None:
        self._loop.call_later(LOOK_EVERY_S, self._look_for_hangs)
        heap.freed_memory.give_back()
        watched = {attempt: worker for worker in self._all_workers() for attempt in worker.attempts}
        hung = self._hangs.look(watched)
        if hung is None or self._hung is not None:
            return
        node = watched[hung].node
        sentence = (
            f"{hung.doing.capitalize()} {address_of(node)} has hung for {HUNG_LOOKS * LOOK_EVERY_S:g} s: "
            "does its disk, its device or its server answer?"
        )
        _log.error("stream %s: %s This process ends for that.", node.id, sentence)
        self._hung = hung
        self._send(MediaHung(stream=node.id, sentence=sentence))
        # What hangs may hold a lock that an orderly end waits for.
        signal.alarm(_HARD_END_AFTER_S)
        self._loop.stop()

    def _all_workers(self) -> list[StreamWorker]:
        return [*self._workers.values(), *self._leaving]

    def _send(self, message: FromMedia) -> None:
        """Tell the supervisor; from any thread. Nothing waits for it, and frames' events do not pile up."""
        if isinstance(message, NodeEvent) and message.kind == "seen":
            self._offer(message)
            return
        try:
            self._channel.send(message)
        except BrokenError as error:
            _log.debug("the supervisor did not take a message: %s", error)

    def _offer(self, event: NodeEvent) -> None:
        if not self._channel.offer(event):
            self._lost_events += 1
        elif self._lost_events:
            _log.debug("the supervisor did not take %d events", self._lost_events)
            self._lost_events = 0

    def _end(self) -> bool:
        workers = self._all_workers()
        for worker in workers:
            worker.close()
        deadline = time.monotonic() + END_WITHIN_S
        while any(worker.attempts - {self._hung} for worker in workers) and time.monotonic() < deadline:
            self._loop.run_once(deadline - time.monotonic())
        self._channel.close()
        self._loop.close()
        return all(worker.ended for worker in workers)
