"""Ours: a real media process, driven as the supervisor drives it, with one native reader a stream or none."""

import contextlib
import os
import socket
import subprocess
import time
from collections.abc import Sequence

from benchmarks.harness.rounds import RunFailed
from benchmarks.ingest.counting import CountingProcess
from benchmarks.ingest.works import Work
from camgraph.base.children import start_module
from camgraph.base.errors import BrokenError
from camgraph.base.loop import Loop
from camgraph.control.channel import ControlChannel, channel_pair
from camgraph.control.messages import (
    AddReader,
    AskStatistics,
    Configure,
    FromMedia,
    MediaStatistics,
    MemoryAnswer,
    ReserveMemory,
    Secrets,
    Shutdown,
    StreamStatus,
)
from camgraph.graph.builder import GraphBuilder
from camgraph.graph.nodes import Decode
from camgraph.ring.protocol import MAX_DATAGRAM_BYTES

_GREETING_S = 10.0
_ANSWER_S = 10.0
_END_S = 5.0


class Media:
    """A media process and its readers' process. Owns both.

    Without readers it decodes one picture of each stream, to tell its size, and then none. `pids` is what is
    measured, `apart` the readers. `checked` and `torn` count test patterns.
    """

    count_age_s = 0.0

    def __init__(self, urls: Sequence[str], work: Work) -> None:
        self._sentences: dict[str, str] = {}
        self._statistics: MediaStatistics | None = None
        self.checked = self.torn = 0
        graph = GraphBuilder()
        decode: Decode = "keyframes" if work.kind == "keyframes" else "all"
        names = [
            graph.rtsp(f"camera{index}", url, transport=work.transport, decode=decode).name
            for index, url in enumerate(urls)
        ]
        self._loop = Loop()
        with contextlib.ExitStack() as undo:
            ours, theirs = channel_pair()
            self._channel: ControlChannel[FromMedia] = ControlChannel(ours, FromMedia)
            undo.callback(self._loop.close)
            undo.callback(self._channel.close)
            self._channel.attach(self._loop, self._on_message, lambda: None)
            with theirs:
                arguments = (str(theirs.fileno()), str(os.getpid()))
                self._process = start_module("camgraph.media", arguments, descriptors=[theirs.fileno()])
            undo.callback(self._end_media)
            self._channel.send(Secrets(values=graph.resolve_secrets()))
            self._channel.send(Configure(spec=graph.spec, epoch=time.time_ns()))
            self._readers = None if work.kind == "receive" else self._start_readers(names)
            self._undo = undo.pop_all()
        self.pids = [self._process.pid]
        self.apart = [] if self._readers is None else self._readers.pids

    def counts(self) -> list[int]:
        """Return the frames that the reader of each stream got; without readers the pictures that came."""
        if self._readers is None:
            return self._received()
        self._loop.run_once(0)
        try:
            *counts, self.checked, self.torn = self._readers.counts()
        except RunFailed as error:
            raise RunFailed("; ".join([str(error), *self._sentences.values()])) from None
        return counts

    def close(self) -> None:
        """End both processes."""
        if self._readers is not None:
            self._readers.close()
        self._undo.close()

    def _received(self) -> list[int]:
        self._statistics = None
        self._channel.send(AskStatistics(token=1))
        deadline = time.monotonic() + _ANSWER_S
        while self._statistics is None:
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RunFailed("; ".join(["the media process does not answer", *self._sentences.values()]))
            self._loop.run_once(0.1)
        # Those that wait until their thread is woken have been received, too.
        return [stream.received + stream.queued for stream in self._statistics.streams.values()]

    def _start_readers(self, names: Sequence[str]) -> CountingProcess:
        with contextlib.ExitStack() as sockets:
            pairs = [socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET) for _ in names]
            for pair in pairs:
                for sock in pair:
                    sockets.enter_context(sock)
            arguments = [f"{name}:{theirs.fileno()}" for name, (_, theirs) in zip(names, pairs, strict=True)]
            descriptors = [theirs.fileno() for _, theirs in pairs]
            readers = CountingProcess("benchmarks.ingest.reader", arguments, descriptors)
            try:
                for ours, theirs in pairs:
                    theirs.close()
                    ours.settimeout(_GREETING_S)
                    hello = ours.recv(MAX_DATAGRAM_BYTES)
                    if not hello:
                        readers.counts()
                    ours.setblocking(False)
                    self._channel.send(AddReader(hello=hello), [ours.fileno()])
            except BaseException:
                readers.close()
                raise
        return readers

    def _on_message(self, message: FromMedia, descriptors: list[int]) -> None:
        if isinstance(message, ReserveMemory):
            self._channel.send(MemoryAnswer(token=message.token))
        elif isinstance(message, MediaStatistics):
            self._statistics = message
        elif isinstance(message, StreamStatus) and message.sentence:
            self._sentences[message.stream] = f"{message.stream}: {message.sentence}"

    def _end_media(self) -> None:
        with contextlib.suppress(BrokenError):
            self._channel.send(Shutdown())
        try:
            self._process.wait(_END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
