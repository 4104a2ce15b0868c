"""When pictures were taken, whatever a camera's clock does: wrong by a day, drifting, jumping, wrapping."""

import itertools
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from tests.real.media_process import Media
from tests.real.rtsp_probe import Probe, parse_rtp

from camgraph.media.rtsp.message import Interleaved
from camgraph.ring.reader import Reader
from camgraph.testing.cameras import Cameras
from camgraph.testing.pattern import PERIOD, decode

FPS = 25
FRAME_NS = 1_000_000_000 // FPS
CLOCK_RATE = 90_000
DAY_S = 86_400
SOON_NS = 100_000_000
WATCHED_S = 4.0


class Seen(NamedTuple):
    """One picture: which it is, when it came (CLOCK_MONOTONIC), and its times as they are told."""

    number: int
    arrival_ns: int
    pts: int
    capture_ns: int
    quality: str


def watch(reader: Reader, seconds: float) -> list[Seen]:
    found: list[Seen] = []
    while not found or found[-1].arrival_ns - found[0].arrival_ns < seconds * 1e9:
        frame = reader.read(8)
        result = decode(frame.array)
        assert result.ok
        assert result.number is not None
        assert frame.pts is not None
        found.append(
            Seen(result.number, frame.arrival_ns, frame.pts, frame.capture_ns, frame.capture_quality)
        )
    return found


def judge(seen: list[Seen], wall_ns: int) -> None:
    """Check that times go on as the pictures do, each of which says when it was sent, within one frame.

    `wall_ns` is our wall clock - CLOCK_MONOTONIC. A picture that came late may be off by so much more.
    """
    sent = itertools.accumulate(
        ((later.number - before.number) % PERIOD for before, later in itertools.pairwise(seen)), initial=0
    )
    late = [one.arrival_ns - number * FRAME_NS for one, number in zip(seen, sent, strict=True)]
    allowed_ns = FRAME_NS + max(late) - min(late)
    for before, later in itertools.pairwise(seen):
        steps = (later.number - before.number) % PERIOD
        assert steps > 0
        assert later.pts > before.pts, (before, later)
        assert later.capture_ns >= before.capture_ns, (before, later)
        assert abs(later.capture_ns - before.capture_ns - steps * FRAME_NS) <= allowed_ns, (before, later)
    for one in seen:
        age_ns = one.arrival_ns + wall_ns - one.capture_ns
        assert -1_000_000 <= age_ns <= allowed_ns + SOON_NS, one


def timestamps(probe: Probe) -> Iterator[int]:
    """Return those that a viewer gets, as they come."""
    for packet in probe.packets():
        if isinstance(packet, Interleaved) and packet.channel == 0:
            yield parse_rtp(packet.payload).timestamp


def test_times_go_on_whatever_the_camera_s_clock_does(media: Media) -> None:
    names = ("right", "day_ahead", "day_behind", "drifts", "jumps", "wraps")
    with Cameras(count=len(names), size=(320, 180), fps=FPS) as cameras:
        number = {name: at for at, name in enumerate(names, 1)}
        cameras.fault(number["day_ahead"], "wrong_clock", seconds=DAY_S)
        cameras.fault(number["day_behind"], "wrong_clock", seconds=-DAY_S)
        # A hundred times as much as crystals do: in these seconds it comes to more than a frame.
        cameras.fault(number["drifts"], "drift", ppm=20_000)
        with Probe(cameras) as probe:
            probe.play(f"/{number['wraps']}")
            until_wrap_s = ((1 << 32) - next(timestamps(probe))) / CLOCK_RATE
            cameras.fault(number["wraps"], "jump", seconds=until_wrap_s - 2)
            media.run(None, **dict(zip(names, cameras.urls, strict=True)))
            readers = [media.read(name) for name in names]
            with ThreadPoolExecutor(len(names)) as pool:
                watching = [pool.submit(watch, reader, WATCHED_S) for reader in readers]
                media.until(lambda: all(media.state(name) == "live" for name in names))
                for jump_s in (3600, -7200, 0.5, -0.5):
                    received = media.statistics()["jumps"].received
                    media.until(lambda least=received + 18: media.statistics()["jumps"].received > least)  # type: ignore[misc]
                    cameras.fault(number["jumps"], "jump", seconds=jump_s)
                seen = dict(zip(names, (each.result() for each in watching), strict=True))
            counted = media.statistics()
            assert any(later < 1 << 16 < before for before, later in itertools.pairwise(timestamps(probe)))
    wall_ns = time.time_ns() - time.monotonic_ns()
    for name in names:
        judge(seen[name], wall_ns)
        assert counted[name].attempts == 1
    assert seen["right"][-1].quality == "rtcp"
    assert abs(counted["right"].clock_offset_ns) < SOON_NS
    for name, wrong_s in (("day_ahead", DAY_S), ("day_behind", -DAY_S)):
        assert seen[name][-1].quality == "arrival"
        assert abs(counted[name].clock_offset_ns - wrong_s * 1_000_000_000) < SOON_NS
