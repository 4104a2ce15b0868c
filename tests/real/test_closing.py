"""Closing takes less than a second, whatever cameras do, or don't, at the time."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from tests.real.media_process import Media
from tests.real.narrow_way import NarrowWay

import camgraph as cg
from camgraph.graph.nodes import Node, RtspSource
from camgraph.testing.cameras import Cameras
from camgraph.testing.waiting import wait_until
from reliability.names import in_own_view

ROOT = Path(__file__).resolve().parents[2]
SIZE = (320, 180)
CLOSED_WITHIN_S = 1.0
FAULTS = {
    "silent_connect": "opening",
    "silent_describe": "opening",
    "silent_setup": "opening",
    "silent_play": "opening",
    "dribble": "opening",
    "no_rtp": "waiting_for_keyframe",
    "garbage": "",
}
"""What a camera does from the beginning, and the state that its stream then stays in for a while."""


class Trouble:
    """A camera for each fault, one that falls silent, one whose datagrams get lost, and one to freeze."""

    def __init__(self, stack: ExitStack) -> None:
        self._cameras = stack.enter_context(Cameras(count=len(FAULTS) + 2, size=SIZE))
        self._frozen = stack.enter_context(Cameras(count=1, size=SIZE))
        stack.callback(self._frozen.thaw)
        way = stack.enter_context(NarrowWay(self._cameras.port))
        *urls, self._silent, _ = self._cameras.urls
        self._urls = dict(zip(FAULTS, urls, strict=True))
        self._lost = f"rtsp://127.0.0.1:{way.port}/{len(FAULTS) + 2}"
        for camera, fault in enumerate(FAULTS, 1):
            self._cameras.fault(camera, fault)
        self.states = {
            **{name: state for name, state in FAULTS.items() if state},
            "lost": "waiting_for_keyframe",
            "silent": "stalled",
            "silent_udp": "stalled",
            "frozen": "stalled",
        }

    @property
    def nodes(self) -> dict[str, Node]:
        """What receives them all."""
        return {
            **{name: RtspSource(id=name, url=url) for name, url in self._urls.items()},
            "lost": RtspSource(id="lost", url=self._lost, transport="udp"),
            "silent": RtspSource(id="silent", url=self._silent),
            "silent_udp": RtspSource(id="silent_udp", url=self._silent, transport="udp"),
            "frozen": RtspSource(id="frozen", url=self._frozen.urls[0]),
        }

    def begin(self) -> None:
        """Have those fall silent that were live."""
        self._cameras.fault(len(FAULTS) + 1, "silent")
        self._frozen.freeze()


LIVE_FIRST = ("silent", "silent_udp", "frozen")


@pytest.fixture
def trouble() -> Iterator[Trouble]:
    with ExitStack() as stack:
        yield Trouble(stack)


def test_streams_end_within_a_second(media: Media, trouble: Trouble) -> None:
    media.statistics()
    threads, descriptors = media.threads(), media.descriptors()
    nodes = trouble.nodes
    media.run(None, **{name: nodes[name] for name in LIVE_FIRST})
    for name in LIVE_FIRST:
        media.until_state(name, "live")
    trouble.begin()
    for name in LIVE_FIRST:
        media.until_state(name, "stalled")
    media.run(None, **nodes)
    media.until(lambda: all(media.state(name) == state for name, state in trouble.states.items()))
    started = time.monotonic()
    media.run()
    media.until(
        lambda: (media.threads(), media.descriptors()) == (threads, descriptors),
        CLOSED_WITHIN_S,
        "threads and sockets to be gone",
    )
    assert all(media.state(name) == "stopped" for name in nodes)
    assert time.monotonic() - started < CLOSED_WITHIN_S


def test_a_site_ends_within_a_second(trouble: Trouble) -> None:
    first, all_of_them = cg.Graph(), cg.Graph()
    for node in trouble.nodes.values():
        assert isinstance(node, RtspSource)
        for graph in (first, all_of_them) if node.id in LIVE_FIRST else (all_of_them,):
            graph.rtsp(node.id, node.url, transport=node.transport)
    with first.start() as site:

        def are_as(wanted: dict[str, str]) -> bool:
            return all(site.streams[name].status.state == state for name, state in wanted.items())

        def were_as(wanted: dict[str, str], seen: set[str]) -> bool:
            """They do not stay there: what stalls is opened anew, what does not answer is tried again."""
            seen |= {name for name, state in wanted.items() if site.streams[name].status.state == state}
            return seen == wanted.keys()

        in_trouble: set[str] = set()

        wait_until(lambda: are_as(dict.fromkeys(LIVE_FIRST, "live")))
        trouble.begin()
        wait_until(lambda: are_as(dict.fromkeys(LIVE_FIRST, "stalled")))
        site.apply(all_of_them)
        wait_until(lambda: were_as(trouble.states, in_trouble), 10)
        started = time.monotonic()
        site.close()
        took = time.monotonic() - started
    assert took < CLOSED_WITHIN_S


def test_a_name_that_nobody_tells_keeps_no_one_waiting() -> None:
    with Cameras(count=1, size=SIZE) as cameras:
        program = [sys.executable, "-m", "tests.real.lost_name_program", *cameras.urls]
        done = subprocess.run(
            in_own_view(program), capture_output=True, text=True, timeout=40, check=False, cwd=ROOT
        )
    if done.stderr.startswith("unshare: ") or "CalledProcessError" in done.stderr:
        pytest.skip(f"no view of our own is allowed here: {done.stderr.splitlines()[-1]}")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["removed_s"] < CLOSED_WITHIN_S
    assert told["closed_s"] < CLOSED_WITHIN_S
    assert told["neighbour_attempts"] == 1
