"""The supervisor's side of a real media process, which dies at the worst moment."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from camgraph.base.loop import Loop
from camgraph.control import pulse
from camgraph.control.attachments import Attachments
from camgraph.control.messages import FromMedia, MediaStatistics, StreamStatus
from camgraph.graph.nodes import Publish, RtspSource
from camgraph.graph.spec import GraphSpec
from camgraph.supervisor.media import MediaProcess


class Listening:
    """A media process, and all that is told of it."""

    def __init__(self) -> None:
        self.loop = Loop()
        self.attached = Attachments()
        self.told: list[FromMedia] = []
        self.pids: list[int] = []
        self.exits: list[str] = []
        self.media = MediaProcess(
            self.loop,
            "media-1",
            attached=self.attached,
            on_message=lambda media, message: self.told.append(message),
            on_started=lambda media: self.pids.append(media.pid),
            on_exited=lambda media: self.exits.append(media.last_exit),
        )

    def tried(self, stream: str) -> bool:
        """It has tried to open the stream."""
        return any(
            isinstance(news, StreamStatus) and news.stream == stream and news.attempt for news in self.told
        )

    def run_until(self, condition: Callable[[], object], timeout_s: float = 15.0) -> None:
        deadline = time.monotonic() + timeout_s
        while not condition():
            assert time.monotonic() < deadline
            self.loop.run_once(0.1)

    def close(self) -> None:
        self.media.stop()
        self.run_until(lambda: self.media.ended)
        self.loop.close()


@pytest.fixture
def listening() -> Iterator[Listening]:
    listening = Listening()
    yield listening
    listening.close()


def spec_of(*names: str) -> GraphSpec:
    return GraphSpec(nodes=tuple(RtspSource(id=name, url="rtsp://127.0.0.1:9/1") for name in names))


def test_a_graph_given_to_a_dying_media_process_is_run_by_the_next(listening: Listening) -> None:
    media = listening.media
    media.configure(spec_of("door"), {})
    first = media.pid
    os.kill(first, signal.SIGKILL)
    os.waitid(os.P_PID, first, os.WEXITED | os.WNOWAIT)
    media.configure(spec_of("door", "yard"), {})
    listening.run_until(lambda: listening.tried("yard"))
    assert listening.pids == [first, media.pid]
    assert media.pid != first
    assert media.starts == 2
    assert listening.exits == ["signal SIGKILL"]


def test_each_one_is_told_what_is_attached_to_its_nodes(listening: Listening) -> None:
    media, spec = listening.media, spec_of("door")
    read_end, write_end = os.pipe()
    name = os.readlink(f"/proc/self/fd/{write_end}")
    listening.attached.put("shown", (write_end,))
    listening.attached.put("elsewhere", (os.dup(write_end),))
    media.configure(GraphSpec(nodes=(*spec.nodes, ring_of("door"))), {})
    listening.run_until(lambda: times_open(media.pid, name) == 1)
    first = media.pid
    os.kill(first, signal.SIGKILL)
    listening.run_until(lambda: media.pid not in (0, first) and times_open(media.pid, name) == 1)
    # Its source is opened anew, and all behind it made anew.
    media.configure(GraphSpec(nodes=(*spec_of("yard").nodes, ring_of("yard"))), {})
    listening.run_until(lambda: listening.tried("yard"))
    listening.run_until(lambda: times_open(media.pid, name) == 1)
    listening.attached.put("shown", ())
    media.attach("shown")
    listening.run_until(lambda: times_open(media.pid, name) == 0)
    listening.attached.close()
    os.close(read_end)


def ring_of(source: str) -> Publish:
    return Publish(id="shown", source=source, ring="any", format="rgb24")


def times_open(pid: int, name: str) -> int:
    """Return how many descriptors a process has of a file."""
    found = 0
    with suppress(OSError):
        for entry in os.scandir(f"/proc/{pid}/fd"):
            with suppress(OSError):
                found += os.readlink(entry.path) == name
    return found


def test_one_that_does_not_answer_is_killed_and_started_again(
    listening: Listening, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pulse, "EVERY_S", 0.1)
    media = listening.media
    media.configure(spec_of("door"), {})
    listening.run_until(lambda: any(isinstance(news, MediaStatistics) for news in listening.told))
    epoch = media.epoch
    listening.told.clear()
    os.kill(media.pid, signal.SIGSTOP)
    listening.run_until(lambda: listening.tried("door"))
    assert listening.exits == ["it did not answer"]
    assert media.starts == 2
    assert media.epoch > epoch
