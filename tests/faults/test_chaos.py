"""Deaths and stops at random, of every part, while 16 streams play: at the end all lives, and all is told.

``CAMGRAPH_CHAOS_S`` is how long it goes on, in seconds; ``CAMGRAPH_CHAOS_SEED`` repeats a run's decisions.
"""

import os
import secrets
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple, Self
from uuid import uuid4

import pytest
from tests.faults.family import descriptors_of, family_of, ring_holders
from tests.faults.storm import Storm
from tests.faults.watching import OutsideProgram, WallProgram

from camgraph.testing.cameras import Cameras
from camgraph.testing.census_processes import MARK
from camgraph.testing.pattern import decode
from camgraph.testing.screens import pixels_of
from camgraph.testing.waiting import wait_until
from reliability.census import users_of

SECONDS = float(os.environ.get("CAMGRAPH_CHAOS_S", "30"))
SEED = int(os.environ.get("CAMGRAPH_CHAOS_SEED") or secrets.randbelow(1_000_000))

SERVERS, EACH = 4, 4
SIZE, FPS = (320, 180), 15
WINDOW = (1280, 720)
ANALYZERS = 4
STREAMS = [f"camera-{number}" for number in range(1, SERVERS * EACH + 1)]
OUTSIDE = STREAMS[::5]

STARTS_WITHIN_S = 40.0
LIVES_AGAIN_WITHIN_S = 25.0
"""The longest chain: a supervisor that stopped is found out (6 s), its successor waits (5 s), a camera's
address was refused again and again (10 s), and a keyframe comes (1.7 s)."""
QUIET_S = 3.0
SPARE_DESCRIPTORS = len(STREAMS) + 4
"""A reader that once had to wait before it connected again keeps a timer; some may be open for a moment."""
LOOKS, LOOK_EVERY_S = 3, 1.0
IN_DECODER = 8
"""Frames that a decoder may still hold."""


@pytest.fixture
def cameras() -> Iterator[list[Cameras]]:
    with ExitStack() as stack:
        yield [stack.enter_context(Cameras(EACH, size=SIZE, fps=FPS)) for _ in range(SERVERS)]


@pytest.fixture
def storm(cameras: list[Cameras], xvfb: str, tmp_path: Path) -> Iterator[Storm]:
    site = f"chaos-{uuid4().hex[:8]}"
    urls = [url for server in cameras for url in server.urls]
    errors = tmp_path / "errors.txt"
    storm = Storm(
        SEED,
        cameras,
        lambda: WallProgram(site, urls, xvfb, errors, size=WINDOW, analyzers=ANALYZERS),
        lambda: OutsideProgram(site, OUTSIDE, errors),
    )
    try:
        yield storm
    finally:
        print(f"seed {SEED}, {SECONDS:g} s", *storm.told, *sums_of(storm), sep="\n")
        storm.close()
        print("errors:", errors.read_text(), sep="\n")


def sums_of(storm: Storm) -> Iterator[str]:
    """Tell what became of all frames since the programs were started last."""
    tiles = [stream["tile"] for stream in storm.wall.streams.values()]
    for key in ("published", "shown", "superseded", "late", "behind", "dropped"):
        yield f"tiles: {sum(tile[key] for tile in tiles)} {key}"
    readers = list(storm.outside.now["streams"].values())
    for key in ("received", "late", "behind", "skipped", "spanned", "connections"):
        yield f"readers outside: {sum(reader[key] for reader in readers)} {key}"


def signs_of_life(storm: Storm) -> dict[str, int]:
    """Return counts, each of which grows while the part that it is named after lives."""
    wall, outside = storm.wall.now, storm.outside.now
    return {
        **{f"tile of {name}": stream["tile"]["shown"] for name, stream in wall["streams"].items()},
        **{
            f"{name}'s messages on {stream}": count
            for name, analyzer in wall["analyzers"].items()
            for stream, count in analyzer["saw"].items()
        },
        **{f"outside reader of {name}": stream["frames"] for name, stream in outside["streams"].items()},
    }


def missing_since(storm: Storm, before: dict[str, int]) -> list[str]:
    """Name what has not shown life since, and what is not live now."""
    now = signs_of_life(storm)
    silent = [name for name, count in now.items() if count <= before.get(name, 0)]
    statuses = storm.wall.streams.values()
    return [*silent, *(f"{one['stream']}: {one['sentence']}" for one in statuses if one["state"] != "live")]


def assert_lives(storm: Storm, within_s: float) -> None:
    """Assert that everything lives before long, and goes on: that it does at several looks in a row."""
    began, streak, missing = time.monotonic(), 0, ["everything"]
    while streak < LOOKS and time.monotonic() < began + within_s:
        before, looked = signs_of_life(storm), time.monotonic()
        wait_until(lambda: time.monotonic() > looked + LOOK_EVERY_S, LOOK_EVERY_S + 1)  # noqa: B023
        missing = missing_since(storm, before)
        streak = 0 if missing else streak + 1
    assert missing == []
    assert streak == LOOKS
    storm.told.append(f"everything lives after {time.monotonic() - began - LOOKS * LOOK_EVERY_S:.1f} s")


def numbers_on(display: str) -> list[tuple[int | None, int | None]]:
    """Read the screen: which camera and which frame each tile shows."""
    pixels = pixels_of(display, *WINDOW)
    width, height = SIZE
    tiles = [
        decode(pixels[top : top + height, left : left + width])
        for top in range(0, WINDOW[1], height)
        for left in range(0, WINDOW[0], width)
    ]
    return [(tile.camera, tile.number) for tile in tiles]


def assert_screen_lives(display: str) -> None:
    """Assert that every tile shows its own camera's pictures, one after the other."""
    cameras = [number % EACH + 1 for number in range(len(STREAMS))]
    first = wait_until(
        lambda: [numbers for numbers in [numbers_on(display)] if [one for one, _ in numbers] == cameras],
        5,
        "sixteen readable pictures on the screen",
    )[0]

    def moved() -> bool:
        numbers = numbers_on(display)
        return [one for one, _ in numbers] == cameras and all(
            one != two for (_, one), (_, two) in zip(first, numbers, strict=True)
        )

    wait_until(moved, 5, "the next pictures in every tile")


def assert_accounts(line: dict[str, Any]) -> None:
    """Assert that a line of the wall program accounts for every frame."""
    for name, stream in line["streams"].items():
        tile = stream["tile"]
        lost = sum(tile[reason] for reason in ("superseded", "late", "behind", "dropped"))
        assert tile["lost"] == lost, (name, tile)
        assert tile["published"] == tile["shown"] + tile["waiting"] + lost, (name, tile)
    for name, numbers in ((line["site"] or {}).get("streams") or {}).items():
        in_decoder = numbers["received"] - sum(numbers[key] for key in ("decoded", "dropped", "unread"))
        assert 0 <= in_decoder <= IN_DECODER, (name, numbers)


class Counts(NamedTuple):
    """What was told at about one time by the program, by its supervisor, and by the other program."""

    wall: dict[str, Any]
    outside: dict[str, Any]

    @classmethod
    def now(cls, storm: Storm) -> Self:
        wait_until(lambda: storm.wall.now["site"], 5, "the site's numbers")
        return cls(storm.wall.now, storm.outside.now)

    def published(self, stream: str, pixel_format: str) -> int:
        """How many frames the stream's ring of a format has had, as its media process says."""
        (ring,) = [
            one for one in self.wall["site"]["streams"][stream]["rings"] if one["format"] == pixel_format
        ]
        return int(ring["published"] + ring["no_slot"])

    def seen_by_tile(self, stream: str) -> int:
        return int(self.wall["streams"][stream]["tile"]["published"])

    def seen_outside(self, stream: str) -> int:
        return counted(self.outside["streams"][stream])


def counted(reader: dict[str, int]) -> int:
    """Return how many frames a reader accounts for."""
    return sum(reader[key] for key in ("received", "late", "behind", "skipped"))


def assert_rings_agree(one: Counts, two: Counts) -> None:
    """Assert that all counted, from one time to the other, what the media processes published meanwhile."""
    for name in STREAMS:
        published = two.published(name, "bgra") - one.published(name, "bgra")
        seen = two.seen_by_tile(name) - one.seen_by_tile(name)
        # They were asked up to half a second apart.
        assert abs(published - seen) <= FPS, (name, published, seen)
    for name in OUTSIDE:
        published = two.published(name, "yuv420p") - one.published(name, "yuv420p")
        seen = two.seen_outside(name) - one.seen_outside(name)
        assert abs(published - seen) <= FPS, (name, published, seen)


def assert_no_frame_is_torn_or_forgotten(storm: Storm) -> None:
    for wall in storm.walls:
        for analyzer in wall.analyzers.values():
            assert (analyzer["torn"], analyzer["unreadable"]) == (0, 0), analyzer
    told = [outside.lines[-1]["streams"] for outside in storm.outsides if outside.lines]
    for name, stream in (one for streams in told for one in streams.items()):
        assert (stream["torn"], stream["unreadable"], stream["backwards"]) == (0, 0, 0), (name, stream)
        assert stream["frames"] == stream["received"], (name, stream)
        assert stream["spanned"] <= counted(stream), (name, stream)


def test_a_crash_costs_its_own_streams(storm: Storm) -> None:
    assert_lives(storm, STARTS_WITHIN_S)
    media = Counts.now(storm).wall["site"]["media"]
    killed, spared = [set(process["streams"]) & set(OUTSIDE) for process in media]
    assert killed
    assert spared
    os.kill(media[0]["pid"], signal.SIGKILL)
    assert_lives(storm, LIVES_AGAIN_WITHIN_S)
    readers = storm.outside.now["streams"]
    assert all(readers[name]["connections"] == 2 for name in killed), readers
    assert all(readers[name]["connections"] == 1 for name in spared), readers
    assert all(readers[name]["frames"] == readers[name]["spanned"] for name in spared), readers


@pytest.mark.timeout(SECONDS + 180)
def test_everything_lives_after_the_storm(storm: Storm, xvfb: str) -> None:
    assert_lives(storm, STARTS_WITHIN_S)
    assert_screen_lives(xvfb)
    family = family_of(storm.wall.pid)
    assert (len(family.media), len(family.backends)) == (2, ANALYZERS + 1), family
    descriptors = descriptors_of(storm.wall.pid)

    storm.rage(SECONDS)

    assert_lives(storm, LIVES_AGAIN_WITHIN_S)
    assert_screen_lives(xvfb)
    one = Counts.now(storm)
    wait_until(lambda: storm.wall.now["at"] > one.wall["at"] + QUIET_S, QUIET_S + 5, "some quiet seconds")
    two = Counts.now(storm)
    assert descriptors_of(storm.wall.pid) <= descriptors + SPARE_DESCRIPTORS
    assert_rings_agree(one, two)
    for line in (line for wall in storm.walls for line in wall.lines):
        assert_accounts(line)
    assert_no_frame_is_torn_or_forgotten(storm)
    assert "Traceback" not in storm.wall.errors.read_text(encoding="utf-8")

    assert storm.outside.close() == 0
    storm.kill_wall()
    wait_until(lambda: not users_of(storm.wall.site), 3, f"nothing left: {users_of(storm.wall.site)}")
    assert ring_holders(os.environ[MARK]) == []
