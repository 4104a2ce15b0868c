"""The media processes of a site: the graph spread over them by the placement, each with its part."""

import logging
import socket
import time
from collections.abc import Callable

import msgspec

from camgraph.base.loop import Loop
from camgraph.control.attachments import Attachments
from camgraph.control.messages import (
    FromMedia,
    MediaHung,
    MediaProcessStatistics,
    MediaStatistics,
    MediaStatus,
    NodeEvent,
    PlacementRule,
    ReleaseMemory,
    ReserveMemory,
    StreamStatistics,
    StreamStatus,
)
from camgraph.graph.nodes import Source
from camgraph.graph.spec import GraphSpec, StreamPath, login_of, streams_of
from camgraph.supervisor.hangs import Hangs
from camgraph.supervisor.loads import LoadMeter
from camgraph.supervisor.media import HEARTBEAT, MediaProcess
from camgraph.supervisor.memory import MemoryLedger
from camgraph.supervisor.placement import Placement

_log = logging.getLogger(__name__)

RELIEVE_EVERY_S = 10.0
ANSWERS_WITHIN_S = 1.0
MOST_REMOVED = 1000
"""Of so many streams that were removed it is known that they were."""

Streams = dict[str, StreamStatistics]


class MediaPool:
    """Runs as many media processes as the graph needs; `tell` gets what is news of them and their streams.

    `on_ready` is called when readers that wait may be served: a process has started, or the graph changed.
    """

    def __init__(
        self,
        loop: Loop,
        ledger: MemoryLedger,
        *,
        tell: Callable[[StreamStatus | MediaStatus | NodeEvent], None],
        on_ready: Callable[[], None],
    ) -> None:
        self._loop, self._ledger = loop, ledger
        self._tell, self._on_ready = tell, on_ready
        self._spec = GraphSpec()
        self._secrets: dict[str, str] = {}
        self._streams: dict[str, StreamPath] = {}
        self._removed: dict[str, None] = {}
        self._attached = Attachments()
        self._placement = Placement()
        self._meter = LoadMeter()
        self._hangs = Hangs()
        self._processes: dict[str, MediaProcess] = {}
        self._leaving: list[MediaProcess] = []
        self._questions: dict[int, _Question] = {}
        self._tokens = HEARTBEAT
        self._stopping = False
        loop.call_later(RELIEVE_EVERY_S, self._relieve)

    @property
    def rule(self) -> PlacementRule:
        """The numbers of the placement."""
        return self._placement.rule

    @property
    def ended(self) -> bool:
        """None runs, and none will."""
        return all(process.ended for process in (*self._processes.values(), *self._leaving))

    @property
    def pids(self) -> list[int]:
        """Pids of those that run."""
        return [process.pid for process in (*self._processes.values(), *self._leaving) if process.pid]

    def knows(self, stream: str) -> bool:
        """Tell whether the graph has a stream of this name."""
        return stream in self._streams

    def was_removed(self, stream: str) -> bool:
        """Tell whether the graph had a stream of this name, and has it no longer."""
        return stream in self._removed

    def apply(self, spec: GraphSpec, secrets: dict[str, str]) -> None:
        """Make this the graph that runs: place its streams, and start, change and stop processes."""
        streams = streams_of(spec)
        self._remember_removed(streams)
        self._spec, self._secrets, self._streams = spec, secrets, streams
        sources = self._sources()
        self._attached.keep_only(streams)
        self._meter.keep_only(sources)
        self._hangs.keep_only(sources)
        self._place()
        self._on_ready()

    def attach(self, node: str, descriptors: tuple[int, ...]) -> None:
        """Own descriptors for a node as long as the graph has it; none: those that it had are released."""
        self._attached.put(node, descriptors)
        process = self._process_of(node)
        if process is None:
            self._attached.put(node, ())
        else:
            process.attach(node)

    def add_reader(self, stream: str, hello: bytes, sock: socket.socket) -> bool:
        """Pass a reader's connection to the process that runs the stream; False: none can take it now."""
        process = self._process_of(stream)
        return process is not None and process.add_reader(hello, sock)

    def ask_statistics(self, on_answer: Callable[[Streams], None]) -> None:
        """Ask every process for its numbers; answer when all have told, or after `ANSWERS_WITHIN_S`."""
        self._tokens += 1
        token = self._tokens
        asked = {process.key for process in self._processes.values() if process.ask_statistics(token)}
        self._questions[token] = _Question(asked, on_answer)
        if asked:
            self._loop.call_later(ANSWERS_WITHIN_S, lambda: self._answer(token))
        else:
            self._answer(token)

    def statistics(self) -> tuple[MediaProcessStatistics, ...]:
        """Return who runs what, and how it fares."""
        return tuple(
            MediaProcessStatistics(
                name=name,
                pid=process.pid,
                starts=process.starts,
                own=self._placement.seats[name].own,
                streams=self._placement.seats[name].streams,
                cores=sum(self._meter.cores.get(one, 0.0) for one in self._placement.seats[name].streams),
                reserved_bytes=self._ledger.reserved(process.key),
                last_exit=process.last_exit,
            )
            for name, process in self._processes.items()
        )

    def stop(self) -> None:
        """End all, within the grace."""
        self._stopping = True
        for process in (*self._processes.values(), *self._leaving):
            process.stop()

    def close(self) -> None:
        """Release what was attached; at the end."""
        self._attached.close()

    def kill(self) -> None:
        """End all now."""
        for process in (*self._processes.values(), *self._leaving):
            process.kill()

    def _remember_removed(self, streams: dict[str, StreamPath]) -> None:
        removed = dict.fromkeys(name for name in (*self._removed, *self._streams) if name not in streams)
        # Programs may name what they open anew otherwise each time, for years.
        self._removed = dict.fromkeys(list(removed)[-MOST_REMOVED:])

    def _sources(self) -> dict[str, Source]:
        return {node.id: node for node in self._spec.nodes if isinstance(node, Source)}

    def _place(self) -> None:
        alone = {
            name: node.own_process or self._hangs.is_apart(name) for name, node in self._sources().items()
        }
        self._placement.assign(alone, self._meter.cores)
        self._configure()

    def _configure(self) -> None:
        seats = self._placement.seats
        for name in [name for name in self._processes if name not in seats]:
            process = self._processes.pop(name)
            process.stop()
            self._leaving.append(process)
        self._leaving = [process for process in self._leaving if not process.ended]
        for name, seat in seats.items():
            if name not in self._processes:
                self._processes[name] = MediaProcess(
                    self._loop,
                    name,
                    attached=self._attached,
                    on_message=self._hear,
                    on_started=self._started,
                    on_exited=self._exited,
                )
            self._processes[name].configure(self._part(seat.streams), self._secrets_of(seat.streams))

    def _part(self, sources: tuple[str, ...]) -> GraphSpec:
        """Return what one process runs: sources, and the filters that are fed by them."""
        ids = set(sources)
        for path in self._streams.values():
            if path.source.id in sources:
                ids.update(node.id for node, _ in path.steps)
        return msgspec.structs.replace(
            self._spec, nodes=tuple(node for node in self._spec.nodes if node.id in ids)
        )

    def _secrets_of(self, sources: tuple[str, ...]) -> dict[str, str]:
        """Return the secrets of these sources alone: a process needs no others."""
        wanted = {login_of(self._streams[name].source) for name in sources}
        return {ref: value for ref, value in self._secrets.items() if ref in wanted}

    def _process_of(self, stream: str) -> MediaProcess | None:
        path = self._streams.get(stream)
        name = None if path is None else self._placement.process_of(path.source.id)
        return None if name is None else self._processes.get(name)

    def _hear(self, process: MediaProcess, message: FromMedia) -> None:
        match message:
            case StreamStatus():
                # The last words of one that no longer runs the stream would hide the new one's; those of one
                # that ends for a hang say that all is well.
                if self._process_of(message.stream) is process and process.hung is None:
                    self._tell(message)
            case NodeEvent():
                if self._process_of(message.node) is process:
                    self._tell(message)
            case MediaHung():
                self._on_hung(process, message)
            case ReserveMemory(token=token, size_bytes=size_bytes):
                process.answer_memory(token, self._ledger.reserve(process.key, size_bytes))
            case ReleaseMemory(size_bytes=size_bytes):
                self._ledger.release(process.key, size_bytes)
            case MediaStatistics(token=token, streams=streams, touched_bytes=touched_bytes):
                self._meter.update(streams, time.monotonic_ns())
                self._ledger.touched(process.key, touched_bytes)
                question = self._questions.get(token)
                if question is not None and process.key in question.waiting:
                    question.waiting.discard(process.key)
                    question.streams.update(streams)
                    if not question.waiting:
                        self._answer(token)

    def _answer(self, token: int) -> None:
        question = self._questions.pop(token, None)
        if question is not None:
            cores = self._meter.cores
            question.on_answer(
                {
                    name: msgspec.structs.replace(numbers, cores=cores.get(name, 0.0))
                    for name, numbers in question.streams.items()
                }
            )

    def _started(self, process: MediaProcess) -> None:
        self._tell(process.status(running=True))
        self._on_ready()

    def _exited(self, process: MediaProcess) -> None:
        self._ledger.vanish(process.key)
        self._tell(process.status(running=False, sentence=f"It ended: {process.last_exit}."))
        for token, question in list(self._questions.items()):
            question.waiting.discard(process.key)
            if not question.waiting:
                self._answer(token)
        if not process.next_start_ns or self._stopping:
            return
        self._tell_lost(process, process.next_start_ns)

    def _on_hung(self, process: MediaProcess, hung: MediaHung) -> None:
        """The process ends by itself; who hangs a second one soon does not get to share the third."""
        now_ns = time.monotonic_ns()
        source = self._sources().get(hung.stream)
        if source is None or self._process_of(hung.stream) is not process:
            return
        if self._hangs.note(source, now_ns):
            _log.warning("stream %s hung twice within a minute, and gets its own media process", hung.stream)
            self._tell_lost(process, now_ns, of=hung.stream)
            self._place()

    def _tell_lost(self, process: MediaProcess, next_start_ns: int, of: str | None = None) -> None:
        """Tell of the streams of a process, or of those of one source, that it is replaced."""
        hung, now_ns = process.hung, time.monotonic_ns()
        for stream, path in self._streams.items():
            source = path.source.id
            if self._process_of(stream) is not process or of not in (None, source):
                continue
            sentence = f"The media process ended ({process.last_exit}); it is being started again."
            if hung is not None and hung.stream == source:
                sentence = f"{hung.sentence} Its media process is being replaced."
            self._tell(
                StreamStatus(
                    stream=stream,
                    state="backing_off",
                    reason="media_process_died" if hung is None else "media_process_hung",
                    sentence=sentence,
                    next_attempt_ns=next_start_ns,
                    epoch=process.epoch,
                    since_ns=now_ns,
                )
            )

    def _relieve(self) -> None:
        if self._stopping:
            return
        moved = self._placement.relieve(self._meter.cores)
        if moved is not None:
            _log.warning("stream %s moves to another media process: its own is overloaded", moved)
            self._configure()
        self._loop.call_later(RELIEVE_EVERY_S, self._relieve)


class _Question:
    """A question to all processes, the keys of those that have not answered, and what has come of it."""

    def __init__(self, waiting: set[str], on_answer: Callable[[Streams], None]) -> None:
        self.waiting = waiting
        self.on_answer = on_answer
        self.streams: Streams = {}
