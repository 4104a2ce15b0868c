"""Ours: a real media process, driven as the supervisor drives it, with one native reader a stream."""

import contextlib
import os
import socket
import subprocess
import time
from collections.abc import Sequence

from benchmarks.harness.rounds import RunFailed
from benchmarks.ingest.counting import CountingProcess
from camgraph.base.children import start_module
from camgraph.base.errors import BrokenError
from camgraph.base.loop import Loop
from camgraph.control.channel import ControlChannel, channel_pair
from camgraph.control.messages import (
    AddReader,
    Configure,
    FromMedia,
    MemoryAnswer,
    ReserveMemory,
    Secrets,
    Shutdown,
    StreamStatus,
)
from camgraph.graph.builder import GraphBuilder
from camgraph.ring.protocol import MAX_DATAGRAM_BYTES

_GREETING_S = 10.0
_END_S = 5.0


class Media:
    """A media process and its readers' process. Owns both.

    `pids` is what is measured, `apart` the readers. `checked` and `torn` count test patterns.
    """

    count_age_s = 0.0

    def __init__(self, urls: Sequence[str]) -> None:
        self._sentences: dict[str, str] = {}
        self.checked = self.torn = 0
        graph = GraphBuilder()
        names = [graph.rtsp(f"camera{index}", url).name for index, url in enumerate(urls)]
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
            self._readers = self._start_readers(names)
            self._undo = undo.pop_all()
        self.pids = [self._process.pid]
        self.apart = self._readers.pids

    def counts(self) -> list[int]:
        """Return the frames that the reader of each stream got."""
        self._loop.run_once(0)
        try:
            *counts, self.checked, self.torn = self._readers.counts()
        except RunFailed as error:
            raise RunFailed("; ".join([str(error), *self._sentences.values()])) from None
        return counts

    def close(self) -> None:
        """End both processes."""
        self._readers.close()
        self._undo.close()

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
