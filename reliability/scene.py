"""Two streams in one media process, each of a camera of its own: a victim, and its healthy neighbour."""

import os
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self
from uuid import uuid4

import camgraph as cg
from camgraph.control.messages import MediaProcessStatistics
from camgraph.testing.cameras import Cameras
from camgraph.testing.waiting import wait_until
from camgraph.testing.watching import Watcher
from reliability.census import holdings
from reliability.names import NameServer
from reliability.rows import CAMERA_HOST, FPS, Row

SIZE = (640, 360)
VICTIM, NEIGHBOUR, HUNG = "victim", "neighbour", "hung"
START_WITHIN_S = 30.0
PATIENT_LEASES = 2 * FPS
"""A busy machine that keeps a watcher waiting for a second costs it no frame."""
STEADY_S = 1.0
"""For so long both streams have played when the fault begins."""


class Told(NamedTuple):
    """A status, and when it came here (CLOCK_MONOTONIC, s)."""

    at: float
    status: cg.StreamStatus

    @property
    def next_attempt_s(self) -> float:
        """When the next attempt is announced for; 0: it is not."""
        return self.status.next_attempt_ns / 1e9

    def is_for(self, state: str, reason: str) -> bool:
        """Tell whether this is the state, for this reason."""
        return (self.status.state, self.status.reason) == (state, reason)


class Scene:
    """Runs cameras, site and watchers from ``with`` on; harms the victim's camera, as a `Harmed`."""

    def __init__(self, row: Row) -> None:
        self.row = row
        self.site_name = f"faults-{uuid4().hex[:8]}"
        self.subject = VICTIM
        """The stream whose state the row is about."""
        self.begun = 0.0
        """When the fault began to be noticeable."""
        self._told: dict[str, list[Told]] = {VICTIM: [], NEIGHBOUR: [], HUNG: []}
        self._stack = ExitStack()
        self._others: ExitStack | None = None
        self._names: NameServer | None = None

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def _start(self) -> None:
        enter = self._stack.enter_context
        self._directory = Path(enter(tempfile.TemporaryDirectory()))
        if self.row.named:
            self._names = NameServer("127.0.0.1")
            self._stack.callback(self._names.close)
        self._camera = enter(Cameras(1, size=SIZE, fps=FPS))
        neighbour = enter(Cameras(1, size=SIZE, fps=FPS))
        self._url = self._camera.urls[0]
        if self.row.named:
            self._url = self._url.replace("127.0.0.1", CAMERA_HOST)
        self._graph = cg.Graph()
        self._graph.rtsp(NEIGHBOUR, neighbour.urls[0])
        self._add_victim()
        self.site = enter(self._graph.start(name=self.site_name))
        self.site.subscribe(lambda status: self._told[status.stream].append(Told(time.monotonic(), status)))
        self.neighbour = self._watch(NEIGHBOUR)
        self.victim = self._watch(VICTIM)
        began = time.monotonic()
        for watcher in (self.victim, self.neighbour):
            wait_until(lambda: watcher.verified_after(began), START_WITHIN_S, watcher.stream)  # noqa: B023
        steady = time.monotonic() + STEADY_S
        wait_until(lambda: time.monotonic() > steady, STEADY_S + 1)
        self.media_pid = self.pid_of(NEIGHBOUR)
        assert self.pid_of(VICTIM) == self.media_pid, "the streams are to share a media process"

    def begin(self) -> None:
        """Have the fault begin."""
        self.begun = time.monotonic()
        self.row.harm.begin(self)

    def told(self, stream: str = "") -> list[Told]:
        """Return what a stream, by default the one in question, said of itself since the fault began."""
        return [told for told in list(self._told[stream or self.subject]) if told.at >= self.begun]

    def process_of(self, stream: str) -> MediaProcessStatistics:
        """Return the media process that runs a stream."""
        return next(one for one in self.site.statistics().media if stream in one.streams)

    def pid_of(self, stream: str) -> int:
        """Return the pid of that process."""
        return self.process_of(stream).pid

    def transport(self) -> str:
        """Return how the victim's packets travel."""
        found = self.site.statistics().streams.get(VICTIM)
        return "" if found is None else found.transport

    def dropped(self, stream: str) -> dict[str, int]:
        """Return what the media process dropped of a stream, by cause."""
        found = self.site.statistics().streams.get(stream)
        return {} if found is None else {cause: count for cause, count in found.dropped_by.items() if count}

    def holdings(self) -> Counter[str]:
        """Return what the neighbour's media process holds."""
        return holdings(self.pid_of(NEIGHBOUR))

    # What harms do.

    def fault(self, kind: str, parameters: Mapping[str, float | str]) -> None:
        """See `Harmed`, as for all that follow."""
        self._camera.fault(1, kind, **parameters)

    def heal(self) -> None:
        self._camera.heal(1)

    def freeze(self) -> None:
        self._camera.freeze()

    def thaw(self) -> None:
        self._camera.thaw()

    def kill(self) -> None:
        self._camera.kill()

    def restart(self) -> None:
        self._camera.restart()

    def move(self, host: str) -> None:
        self._camera.close()
        self._camera = self._stack.enter_context(
            Cameras(1, size=SIZE, fps=FPS, host=host, port=self._camera.port)
        )

    def name(self, answer: str | None) -> None:
        assert self._names is not None
        self._names.address = answer

    def crowd(self, viewers: int) -> None:
        self._graph.remove(VICTIM)
        self.victim.close()
        self.site.apply(self._graph)
        self._others = self._stack.enter_context(ExitStack())
        graph = cg.Graph()
        names = [f"viewer-{number}" for number in range(viewers)]
        for name in names:
            graph.rtsp(name, self._url, keep_warm=True)
        others = self._others.enter_context(graph.start())
        wait_until(
            lambda: all(others.streams[name].status.state == "live" for name in names), 10, "the others"
        )
        self.fault("clients", {"limit": viewers})
        self.begun = time.monotonic()
        self._add_victim()
        self.site.apply(self._graph)
        self.victim = self._watch(VICTIM)

    def leave(self) -> None:
        assert self._others is not None
        self._others.close()

    def hang(self) -> None:
        path = self._directory / "fifo"
        os.mkfifo(path)
        self.subject = HUNG
        self._graph.file(HUNG, path)
        self.site.apply(self._graph)

    def take_out(self) -> None:
        self._graph.remove(HUNG)
        self.site.apply(self._graph)

    def _add_victim(self) -> None:
        self._graph.rtsp(VICTIM, self._url, transport=self.row.transport, **self.row.options)

    def _watch(self, stream: str) -> Watcher:
        watcher = Watcher(self.site_name, stream, leases=PATIENT_LEASES)
        self._stack.callback(watcher.close)
        return watcher


def wait_for(condition: Callable[[], object], timeout_s: float) -> bool:
    """Wait until something holds; tell whether it did in time."""
    try:
        wait_until(condition, timeout_s)
    except AssertionError:
        return False
    return True
