"""``python -m camgraph.media`` for tests that play its supervisor, and what its frames show."""

import contextlib
import itertools
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from camgraph.base.children import start_module
from camgraph.base.descriptors import close_all
from camgraph.base.loop import Loop
from camgraph.control.channel import ControlChannel, channel_pair
from camgraph.control.messages import (
    AddReader,
    AskStatistics,
    Configure,
    FromMedia,
    MediaStatistics,
    MemoryAnswer,
    ReleaseMemory,
    ReserveMemory,
    Secrets,
    StreamStatistics,
    StreamStatus,
)
from camgraph.graph.nodes import Node, RtspSource
from camgraph.graph.spec import GraphSpec
from camgraph.ring.protocol import RingRequest
from camgraph.ring.reader import Reader
from camgraph.testing.pattern import PERIOD, decode
from camgraph.testing.waiting import wait_until


class Media:
    """A media process, and its supervisor's side of things, which a thread serves.

    Rings may have `room_bytes` all together, of which `reserved_bytes` are reserved; negative: that is not
    answered before `answer_late`.
    """

    def __init__(self, log: Path) -> None:
        ours, theirs = channel_pair()
        self._log = log
        with log.open("ab") as stderr, _redirected_stderr(stderr.fileno()):
            self.process = start_module(
                "camgraph.media", [str(theirs.fileno()), str(os.getpid())], descriptors=[theirs.fileno()]
            )
        theirs.close()
        self.loop = Loop()
        self.channel: ControlChannel[FromMedia] = ControlChannel(ours, FromMedia)
        self.channel.attach(self.loop, self._on_message, lambda: None)
        self.statuses: list[tuple[float, StreamStatus]] = []
        self.room_bytes = 1 << 40
        self.reserved_bytes = 0
        self._unanswered: list[ReserveMemory] = []
        self._statistics: dict[int, MediaStatistics] = {}
        self._connections: list[socket.socket] = []
        self._readers: list[Reader] = []
        self._token = 0
        self._thread = threading.Thread(target=self.loop.run, name="supervisor")
        self._thread.start()

    def run(self, secrets: dict[str, str] | None = None, **urls: str | Node) -> None:
        """Make these streams the desired ones."""
        nodes = [RtspSource(id=name, url=url) if isinstance(url, str) else url for name, url in urls.items()]
        self.channel.send(Secrets(values=secrets or {}))
        self.channel.send(Configure(spec=GraphSpec(nodes=tuple(nodes)), epoch=77))

    def read(self, stream: str, *request: object, leases: int = 3, policy: str = "every") -> Reader:
        """Return a reader of a stream; it lives until the end of the test."""
        reader = Reader(
            self._connect,
            RingRequest(stream, *request),  # type: ignore[arg-type]
            policy=policy,  # type: ignore[arg-type]
            leases=leases,
        )
        self._readers.append(reader)
        self.hand_over()
        return reader

    def _connect(self) -> socket.socket:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.setblocking(False)
        self._connections.append(theirs)
        return ours

    def hand_over(self) -> None:
        """Bring the readers that have connected (again) to the process."""
        while self._connections:
            with self._connections.pop() as sock:
                self.channel.send(AddReader(hello=sock.recv(4096)), [sock.fileno()])

    def until(self, condition: Callable[[], bool], timeout_s: float = 8.0, what: str = "") -> None:
        """Wait until the condition holds."""
        wait_until(condition, timeout_s, what or self.told())

    def state(self, stream: str) -> str:
        status = self.status(stream)
        return status.state if status else ""

    def status(self, stream: str) -> StreamStatus | None:
        return next((one for _, one in reversed(self.statuses) if one.stream == stream), None)

    def until_state(self, stream: str, *states: str, timeout_s: float = 8.0) -> StreamStatus:
        """Wait for one of the states and return the status."""
        self.until(lambda: self.state(stream) in states, timeout_s, f"{stream} in {states}")
        status = self.status(stream)
        assert status is not None
        return status

    def history(self, stream: str) -> list[str]:
        return [status.state for _, status in self.statuses if status.stream == stream]

    def ask(self) -> MediaStatistics:
        """Return the numbers as they are now."""
        self._token += 1
        self.channel.send(AskStatistics(token=self._token))
        wait_until(lambda: self._token in self._statistics)
        return self._statistics[self._token]

    def statistics(self) -> dict[str, StreamStatistics]:
        return self.ask().streams

    def told(self) -> str:
        return "; ".join(f"{status.stream} {status.state}" for _, status in self.statuses[-5:])

    def descriptors(self) -> int:
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def threads(self) -> int:
        return len(os.listdir(f"/proc/{self.process.pid}/task"))

    def log(self) -> str:
        return self._log.read_text(encoding="utf-8")

    def hang_up(self) -> None:
        """Close the control connection."""
        self.loop.call_soon_threadsafe(self.channel.close)

    def end(self) -> float:
        """Close the control connection; return how long the process took to end, in s."""
        started = time.monotonic()
        self.hang_up()
        assert self.process.wait(10) == 0
        return time.monotonic() - started

    def close(self) -> None:
        """End everything; closing twice does nothing."""
        for reader in self._readers:
            reader.close()
        while self._connections:
            self._connections.pop().close()
        self.loop.stop()
        self._thread.join()
        self.channel.close()
        self.loop.close()
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()
        self.process.wait()

    def answer_late(self, room_bytes: int) -> None:
        """Answer what was not answered, and all that comes, with so much room."""

        def answer() -> None:
            self.room_bytes = room_bytes
            for question in self._unanswered:
                self._on_message(question, [])

        self.loop.call_soon_threadsafe(answer)

    def _on_message(self, message: FromMedia, descriptors: list[int]) -> None:
        close_all(descriptors)
        match message:
            case StreamStatus():
                self.statuses.append((time.monotonic(), message))
            case ReserveMemory(token=token, size_bytes=size_bytes) if self.room_bytes >= 0:
                fits = self.reserved_bytes + size_bytes <= self.room_bytes
                self.reserved_bytes += size_bytes * fits
                self.channel.send(MemoryAnswer(token=token, refused="" if fits else "There is no room."))
            case ReserveMemory():
                self._unanswered.append(message)
            case ReleaseMemory(size_bytes=size_bytes):
                self.reserved_bytes -= size_bytes
            case MediaStatistics():
                self._statistics[message.token] = message


@contextlib.contextmanager
def _redirected_stderr(descriptor: int) -> Iterator[None]:
    saved = os.dup(2)
    os.dup2(descriptor, 2)
    try:
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)


def numbers(reader: Reader, count: int, timeout_s: float = 5.0) -> list[int]:
    """Read frames and return what their pictures say; each must be whole."""
    found = []
    for _ in range(count):
        frame = reader.read(timeout_s)
        result = decode(frame.array)
        assert result.ok, (frame, result)
        assert result.number is not None
        found.append(result.number)
    return found


def in_sequence(found: list[int], step: int = 1) -> bool:
    return all((later - earlier) % PERIOD == step for earlier, later in itertools.pairwise(found))
