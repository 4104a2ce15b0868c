"""What hangs is killed and started again, what crashes costs its own streams, and the numbers tell of it."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import pytest

import camgraph as cg
from camgraph.supervisor.placement import RULE
from camgraph.testing.cameras import Cameras
from camgraph.testing.waiting import wait_until
from camgraph.testing.watching import Watcher

SHARED = ["camera-1", "camera-2"]
OWN = "camera-3"
NOTICED_WITHIN_S = 8.0
"""Five silent seconds, the one that was under way, and what a busy machine adds."""


@pytest.fixture(scope="module")
def cameras() -> Iterator[Cameras]:
    with Cameras(count=3, size=(320, 180)) as cameras:
        yield cameras


@pytest.fixture
def site(cameras: Cameras) -> Iterator[cg.Site]:
    graph = cg.Graph()
    for name, url in zip([*SHARED, OWN], cameras.urls, strict=True):
        graph.rtsp(name, url, own_process=name == OWN)
    with graph.start() as site:
        yield site


@pytest.fixture
def watchers(site: cg.Site) -> Iterator[dict[str, Watcher]]:
    with ExitStack() as stack:
        watchers = {name: Watcher(site.name, name) for name in site.streams}
        for watcher in watchers.values():
            stack.callback(watcher.close)
        wait_until(lambda: all(one.verified_after(0) for one in watchers.values()), 20, "three streams")
        yield watchers


def pid_of(site: cg.Site, stream: str) -> int:
    return next(one.pid for one in site.statistics().media if stream in one.streams)


def back_after(watcher: Watcher, moment: float) -> float:
    """Seconds from a moment until ten frames in a row were read and verified."""
    seen = wait_until(partial(watcher.verified_after, moment), 10, f"{watcher.stream} again")
    assert seen is not None
    return seen.at - moment


def test_the_numbers_show_the_rule_and_who_runs_where(site: cg.Site, watchers: dict[str, Watcher]) -> None:
    wait_until(lambda: all(one.cores > 0 for one in site.statistics().media), 10, "measured loads")
    numbers = site.statistics()
    assert numbers.rule == RULE
    seats = {one.streams: one for one in numbers.media}
    assert {streams: one.own for streams, one in seats.items()} == {tuple(SHARED): False, (OWN,): True}
    assert len({one.pid for one in numbers.media}) == len({one.name for one in numbers.media}) == 2
    for one in numbers.media:
        assert Path(f"/proc/{one.pid}").exists()
        assert one.starts == 1
        assert one.last_exit == ""
        assert one.cores == pytest.approx(sum(numbers.streams[stream].cores for stream in one.streams))
        assert 0 < one.cores < RULE.most_cores
        assert one.reserved_bytes >= sum(
            ring.size_bytes for stream in one.streams for ring in numbers.streams[stream].rings
        )


def test_a_crash_costs_the_streams_of_its_process_and_no_others(
    site: cg.Site, watchers: dict[str, Watcher]
) -> None:
    for dying, others in (([OWN], SHARED), (SHARED, [OWN])):
        pid = pid_of(site, dying[0])
        died = time.monotonic()
        os.kill(pid, signal.SIGKILL)
        for name in dying:
            assert back_after(watchers[name], died) <= 3.0
        assert {name: watchers[name].lost_since(died) for name in others} == {name: [] for name in others}
        one = next(one for one in site.statistics().media if dying[0] in one.streams)
        assert one.pid != pid
        assert (one.starts, one.last_exit) == (2, "signal SIGKILL")


def test_a_media_process_that_hangs_is_replaced_and_the_other_does_not_notice(
    site: cg.Site, watchers: dict[str, Watcher]
) -> None:
    statuses: list[cg.StreamStatus] = []
    site.subscribe(statuses.append)
    pid = pid_of(site, OWN)
    hung = time.monotonic()
    os.kill(pid, signal.SIGSTOP)
    try:
        # It is asked for numbers in vain; the others' come all the same.
        assert set(site.statistics().streams) == set(SHARED)
        wait_until(lambda: not Path(f"/proc/{pid}").exists(), NOTICED_WITHIN_S, "its end")
        noticed = time.monotonic()
        assert noticed - hung > 3.0
    finally:
        if Path(f"/proc/{pid}").exists():
            os.kill(pid, signal.SIGCONT)
    assert back_after(watchers[OWN], noticed) <= 3.0
    assert {name: watchers[name].lost_since(hung) for name in SHARED} == {name: [] for name in SHARED}
    [told] = [one for one in statuses if one.reason == "media_process_died"]
    assert told.stream == OWN
    assert "did not answer" in told.sentence
    [one] = [one for one in site.statistics().media if one.own]
    assert one.last_exit == "it did not answer"


def test_a_supervisor_that_hangs_is_replaced_and_all_streams_come_back(
    site: cg.Site, watchers: dict[str, Watcher]
) -> None:
    supervisor = site.supervisor_pid
    pids = [supervisor, *(one.pid for one in site.statistics().media)]
    hung = time.monotonic()
    os.kill(supervisor, signal.SIGSTOP)
    wait_until(lambda: site.supervisor_pid != supervisor, NOTICED_WITHIN_S, "another supervisor")
    noticed = time.monotonic()
    assert noticed - hung > 3.0
    for watcher in watchers.values():
        # Frames need no supervisor: until it was killed, none was lost.
        assert not [pair for pair in watcher.lost_since(hung) if pair[1].at < noticed - 1.0]
        assert back_after(watcher, noticed) <= 4.0
    wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in pids), 5, "the end of the old ones")
    wait_until(lambda: all(one.status.state == "live" for one in site.streams.values()), 5, "live states")
    assert len(site.statistics().media) == 2
