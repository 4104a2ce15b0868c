"""Death and stop of each part while four streams run: what comes back, what the others lose, what is left."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from uuid import uuid4

import pytest
from tests.faults.deaths import DEATHS
from tests.faults.family import family_of, gone
from tests.faults.scene import OWN, STREAMS, Scene
from tests.faults.watching import WallProgram

from camgraph.testing.cameras import Cameras
from camgraph.testing.waiting import wait_until
from camgraph.testing.watching import Watcher


@pytest.fixture
def servers() -> Iterator[list[Cameras]]:
    with ExitStack() as stack:
        yield [stack.enter_context(Cameras(2, size=(640, 360))) for _ in range(2)]


@pytest.fixture
def wall(servers: list[Cameras], xvfb: str, tmp_path: Path) -> Iterator[WallProgram]:
    urls = [url for cameras in servers for url in cameras.urls]
    site = f"deaths-{uuid4().hex[:8]}"
    wall = WallProgram(site, urls, xvfb, tmp_path / "errors.txt", analyzers=2, own=OWN)
    try:
        yield wall
    finally:
        wall.close()


@pytest.fixture
def watchers(wall: WallProgram) -> Iterator[dict[str, Watcher]]:
    assert wall.now
    watchers = {stream: Watcher(wall.site, stream) for stream in STREAMS}
    try:
        wait_until(
            lambda: all(watcher.verified_after(0) for watcher in watchers.values()), 20, "frames outside"
        )
        wait_until(
            lambda: all(stream["tile"]["shown"] > 5 for stream in wall.streams.values()), 20, "a live wall"
        )
        yield watchers
    finally:
        for watcher in watchers.values():
            watcher.close()


@pytest.mark.timeout(240)
def test_each_death_costs_what_the_table_says(wall, watchers, servers, tmp_path: Path) -> None:
    with ExitStack() as stack:
        scene = stack.enter_context(Scene(wall, watchers, servers, tmp_path / "errors.txt"))
        for death in DEATHS:
            scene.suffer(death)
        print(*scene.told, sep="\n")


def test_a_camera_that_stays_away_says_when_it_is_tried_again(wall, watchers, servers) -> None:
    away_s = 4.0
    died = time.monotonic()
    for cameras in servers:
        cameras.kill()
    wait_until(
        lambda: all(stream["state"] != "live" and stream["sentence"] for stream in wall.streams.values()),
        3,
        "the reason in every tile",
    )
    wait_until(lambda: time.monotonic() >= died + away_s, away_s + 1, "the cameras to stay away")
    for cameras in servers:
        cameras.restart()
    served = time.monotonic()
    announced = {name: stream["next_attempt_ns"] / 1e9 for name, stream in wall.streams.items()}
    for name, watcher in watchers.items():
        back = wait_until(partial(watcher.verified_after, served), 15, f"{name} again")
        assert back.at <= max(served, announced[name]) + 2.0, f"{name} came back later than announced"


def test_a_program_that_is_killed_takes_a_stopped_supervisor_with_it(wall, watchers) -> None:
    family = family_of(wall.pid)
    assert family.supervisor is not None
    os.kill(family.supervisor.pid, signal.SIGSTOP)
    wall.kill()
    wait_until(lambda: all(gone(one.pid) for one in family.all), 3, f"the end of {family}")
