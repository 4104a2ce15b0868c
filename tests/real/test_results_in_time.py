"""What a slow detector finds is drawn on the picture in which it was found; judged from screenshots."""

import re
import subprocess
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from tests.real.running_example import Example, Picture

import camgraph as cg
from camgraph.ring.frame import FrameKey
from camgraph.testing.cameras import Cameras
from camgraph.testing.pattern import PERIOD, box_at, decode, draw
from camgraph.testing.waiting import wait_until

SIZE = (640, 360)
GREEN = (0x00, 0xE6, 0x76)
SHOTS_PER_S = 12


@pytest.fixture(scope="module")
def cameras() -> Iterator[Cameras]:
    with Cameras(count=1, size=SIZE) as cameras:
        yield cameras


def frames_behind(screen: Picture) -> int | None:
    """Return by how many frames the box lags behind the picture on the screen; None: one can't be seen."""
    number = decode(screen).number
    drawn = (screen == GREEN).all(axis=2)
    if number is None or drawn.sum() < 100:
        return None
    rows, columns = np.flatnonzero(drawn.any(axis=1)), np.flatnonzero(drawn.any(axis=0))
    middle = (columns[0] + columns[-1]) / 2, (rows[0] + rows[-1]) / 2

    def apart(behind: int) -> float:
        x, y, width, height = box_at((number - behind) % PERIOD, *SIZE)
        return float(np.hypot(x + width / 2 - middle[0], y + height / 2 - middle[1]))

    nearest = min(range(-12, 13), key=apart)
    return nearest if apart(nearest) < 0.25 * columns.size else None


def lags(running: Example, seconds: int) -> list[int]:
    """Return what is seen in the last second of so many after the first box."""
    wait_until(lambda: frames_behind(running.screen(*SIZE)) is not None, 20, "a box around the ball")
    grab = (
        f"ffmpeg -v error -f x11grab -draw_mouse 0 -framerate {SHOTS_PER_S} -video_size {SIZE[0]}x{SIZE[1]}"
    )
    output = f"-frames:v {seconds * SHOTS_PER_S} -f rawvideo -pix_fmt rgb24 -"
    command = [*grab.split(), "-i", running.display, *output.split()]
    raw = subprocess.run(command, check=True, capture_output=True, timeout=20).stdout
    screens = np.frombuffer(raw, np.uint8).reshape(-1, *SIZE[::-1], 3)[-SHOTS_PER_S:]
    found = [behind for screen in screens if (behind := frames_behind(screen)) is not None]
    assert len(found) > SHOTS_PER_S // 2, "most can be read"
    return found


def test_boxes_lie_on_the_picture_they_belong_to_because_it_is_held_back(
    start: Callable[..., Example], cameras: Cameras
) -> None:
    running = start("slow_detector.py", cameras.urls[0])
    held = lags(running, seconds=3)
    # Three of four pictures have no result of their own: over them that of one before stands.
    assert abs(float(np.median(held))) <= 2, held
    told = re.search(r"in_time=(\d+), .*hold_ms=([\d.]+)", running.close())
    assert told is not None
    assert int(told[1]) >= 8
    assert 120 < float(told[2]) <= 400

    running = start("slow_detector.py", cameras.urls[0], "--hold", "0")
    behind = lags(running, seconds=3)
    assert np.median(behind) >= 3, behind
    assert np.median(behind) >= np.median(held) + 2, (held, behind)
    assert " hold_ms=0.0)" in running.close()


def clip(path: Path) -> Path:
    """Encode pictures that arrive in another order than they are shown in."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(
            "libx264", rate=25, options={"bf": "3", "g": "10", "preset": "veryfast"}
        )
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = 320, 180, "yuv420p"
        for number in range(50):
            frame = av.VideoFrame.from_ndarray(draw(number, 1, 320, 180), "rgb24")
            frame.pts, frame.time_base = number, Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def test_a_key_names_the_same_picture_in_all_rings_of_a_stream(cameras: Cameras, tmp_path: Path) -> None:
    graph = cg.Graph()
    graph.rtsp("camera", cameras.urls[0])
    graph.file("clip", clip(tmp_path / "clip.mp4"), loop=True)
    graph.test_picture("test", size=(320, 180))
    with graph.start() as site:
        for stream in site.streams.values():
            whole = site.read(stream.frames(format="gray8", policy="every"))
            part = site.read(stream.frames(format="gray8", roi=(0, 0, 320, 90), fps=12.5, policy="every"))
            wholes: dict[FrameKey, Picture] = {}
            parts: dict[FrameKey, Picture] = {}
            while len(wholes.keys() & parts.keys()) < 8 and len(wholes) < 48:
                for reader, found in ((whole, wholes), (whole, wholes), (part, parts)):
                    frame = reader.read(5)
                    assert frame.key not in found, "no two pictures have the same"
                    found[frame.key] = frame.array[:90, :320].copy()
            for key in wholes.keys() & parts.keys():
                alike = [other for other in wholes if (wholes[other] == parts[key]).all()]
                assert alike == [key], stream.name
            assert len(wholes.keys() & parts.keys()) >= 8
