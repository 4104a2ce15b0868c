"""SIGKILL of each part while four streams run: what comes back, what the others lose, what is left."""

import os
import signal
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from uuid import uuid4

import pytest
from tests.faults.watching import WallProgram, Watcher

from camgraph.testing.cameras import Cameras
from camgraph.testing.waiting import wait_until

STREAMS = [f"camera-{number}" for number in range(1, 5)]


@pytest.fixture
def cameras() -> Iterator[Cameras]:
    with Cameras(count=4) as cameras:
        yield cameras


@pytest.fixture
def wall(cameras: Cameras, xvfb: str) -> Iterator[WallProgram]:
    environment = {**os.environ, "DISPLAY": xvfb, "QT_QPA_PLATFORM": "xcb"}
    wall = WallProgram(f"deaths-{uuid4().hex[:8]}", cameras.urls, environment)
    try:
        yield wall
    finally:
        wall.close()


@pytest.fixture
def watchers(wall: WallProgram) -> Iterator[dict[str, Watcher]]:
    assert wall.now
    watchers = {stream: Watcher(wall.site, stream) for stream in STREAMS}
    wait_until(lambda: all(watcher.verified_after(0) for watcher in watchers.values()), 20, "frames outside")
    wait_until(
        lambda: all(stream["shown"] > 5 and stream["moved"] > 0 for stream in wall.streams()),
        20,
        "a live wall",
    )
    try:
        yield watchers
    finally:
        for watcher in watchers.values():
            watcher.close()


def gone(pid: int) -> bool:
    return not Path(f"/proc/{pid}").exists()


def test_each_death_costs_only_what_died(wall, watchers, cameras) -> None:
    # An analyzer: told at the front; nobody else notices.
    died = time.monotonic()
    before = wall.now
    os.kill(before["analyzers"]["camera-1"], signal.SIGKILL)
    wait_until(lambda: wall.now["exits"].get("camera-1") == "signal SIGKILL", 3, "the analyzer's end in Qt")
    others = STREAMS[1:]
    wait_until(
        lambda: all(
            wall.now["streams"][name]["moved"] > before["streams"][name]["moved"] + 5 for name in others
        ),
        10,
        "the other analyzers' messages",
    )
    assert [watcher.lost_since(died) for watcher in watchers.values()] == [[], [], [], []]
    assert all(stream["state"] == "live" for stream in wall.streams())

    # The media process: all its streams come back with a grown epoch; analyzers and window live on.
    before = wall.now
    epochs = {name: watcher.seen[-1].epoch for name, watcher in watchers.items()}
    died = time.monotonic()
    os.kill(before["media"], signal.SIGKILL)
    for name, watcher in watchers.items():
        back = wait_until(partial(watcher.verified_after, died), 10, f"{name} again")
        assert back.epoch > epochs[name]
        assert back.at - died <= 3.0, f"{name} came back after {back.at - died:.2f} s"
    wait_until(
        lambda: all(
            wall.now["streams"][name]["state"] == "live"
            and wall.now["streams"][name]["shown"] > before["streams"][name]["shown"] + 5
            for name in STREAMS
        ),
        5,
        "the wall live again",
    )
    for name in STREAMS:
        assert [name, "backing_off", "media_process_died"] in wall.now["changes"]
    after = wall.now
    assert {name: after["analyzers"][name] for name in others} == {
        name: before["analyzers"][name] for name in others
    }
    wait_until(
        lambda: all(
            wall.now["streams"][name]["moved"] > after["streams"][name]["moved"] + 2 for name in others
        ),
        10,
        "analyzers fed by the new media process",
    )
    wait_until(lambda: wall.now["media"] not in (0, before["media"]), 5, "the new media process's pid")

    # The program: everything it started goes with it; the cameras are not its own and stay.
    last = wall.now
    pids = [last["supervisor"], last["media"], *(last["analyzers"][name] for name in others)]
    wall.kill()
    wait_until(lambda: all(map(gone, pids)), 3, f"the end of {pids}")
    for name, watcher in watchers.items():
        wait_until(partial(getattr, watcher, "broken"), 3, f"the reader of {name} told")
    assert wall.site not in Path("/proc/net/unix").read_text(encoding="utf-8")
    assert cameras.alive


@pytest.mark.parametrize("away_s", [0.5, 4.0])
def test_a_camera_that_dies_says_so_and_comes_back(wall, watchers, cameras, away_s: float) -> None:
    died = time.monotonic()
    cameras.kill()
    wait_until(
        lambda: all(stream["state"] != "live" and stream["sentence"] for stream in wall.streams()),
        3,
        "the reason in every tile",
    )
    wait_until(lambda: time.monotonic() >= died + away_s, away_s + 1, "the cameras to stay away")
    cameras.restart()
    served = time.monotonic()
    announced = {name: stream["next_attempt_ns"] / 1e9 for name, stream in wall.now["streams"].items()}
    for name, watcher in watchers.items():
        back = wait_until(partial(watcher.verified_after, served), 15, f"{name} again")
        if away_s < 1:
            assert back.at - served <= 3.0, f"{name} came back after {back.at - served:.2f} s"
        else:
            assert back.at <= max(served, announced[name]) + 2.0, f"{name} came back later than announced"
