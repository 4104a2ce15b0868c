"""The demo as a stranger sees it: its window's pixels on an X server, its report, its exit code."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from camgraph.testing.pattern import BARS, box_at, decode
from camgraph.testing.waiting import wait_until

TILE_PX = (640, 360)
GREEN = (0x00, 0xE6, 0x76)
Picture = npt.NDArray[np.uint8]


def grab(display: str) -> Picture:
    """The screen's upper left 1280x720 px, where a window lies that no window manager has moved."""
    command = f"ffmpeg -v error -f x11grab -draw_mouse 0 -video_size 1280x720 -i {display} -frames:v 1"
    raw = subprocess.run(
        [*command.split(), *["-f", "rawvideo", "-pix_fmt", "rgb24", "-"]],
        check=True,
        capture_output=True,
        stdin=subprocess.DEVNULL,
        timeout=20,
    ).stdout
    return np.frombuffer(raw, np.uint8).reshape(720, 1280, 3)


def tiles_of(picture: Picture) -> list[Picture]:
    width, height = TILE_PX
    return [picture[top : top + height, left : left + width] for top in (0, height) for left in (0, width)]


def box_around(tile: Picture) -> tuple[int, int, int, int] | None:
    """x, y, right, bottom of what is drawn in the boxes' colour."""
    drawn = (np.abs(tile.astype(int) - GREEN) <= 8).all(axis=2)
    # A box has long straight edges; the ball's own green has not.
    rows = np.flatnonzero(drawn.sum(axis=1) >= 60)
    columns = np.flatnonzero(drawn.sum(axis=0) >= 25)
    if rows.size < 2 or columns.size < 2:
        return None
    return int(columns[0]), int(rows[0]), int(columns[-1]), int(rows[-1])


def marks_the_ball(tile: Picture) -> bool:
    found, number = box_around(tile), decode(tile).number
    if found is None or number is None:
        return False
    ball = box_at(number, *TILE_PX)
    center = ball.x + ball.width / 2, ball.y + ball.height / 2
    # The analyzer looks ten times a second and reports after the fact: the ball is a little ahead.
    slack_px = 60
    return (
        found[0] - slack_px <= center[0] <= found[2] + slack_px
        and found[1] - slack_px <= center[1] <= found[3] + slack_px
        and found[2] - found[0] < TILE_PX[0] / 2
    )


def environment(tmp_path: Path, **more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if "DISPLAY" not in name and "QT" not in name}
    return {**kept, **more}


def command(*arguments: str) -> list[str]:
    return [str(Path(sys.executable).with_name("camgraph")), "demo", *arguments]


@pytest.fixture
def demo(xvfb: str, tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(
        command("--seconds", "14", "--snapshot", "wall.png", "--report", "report.json"),
        env=environment(tmp_path, DISPLAY=xvfb, QT_QPA_PLATFORM="xcb"),
        cwd=tmp_path,
    ) as demo:
        yield demo
        demo.kill()


def test_the_window_shows_four_moving_cameras_with_boxes_where_they_move(
    demo, xvfb: str, tmp_path: Path
) -> None:
    def playing() -> bool:
        return demo.poll() is None and all(decode(tile).ok for tile in tiles_of(grab(xvfb)))

    wait_until(playing, 15, "four readable tiles on the screen")
    first = grab(xvfb)
    for camera, tile in enumerate(tiles_of(first), 1):
        assert decode(tile).camera == camera
        for bar in BARS:
            x, y = bar.center(*TILE_PX)
            patch = tile[y - 2 : y + 3, x - 2 : x + 3].reshape(-1, 3).mean(axis=0)
            assert np.abs(patch - bar.rgb).max() <= 10, f"camera {camera}, {bar}: {patch}"

    def counters() -> list[int | None]:
        return [decode(tile).number for tile in tiles_of(grab(xvfb))]

    before = counters()
    wait_until(lambda: all(one != two for one, two in zip(before, counters(), strict=True)), 3, "counters")

    def marked() -> set[int]:
        return {camera for camera, tile in enumerate(tiles_of(grab(xvfb)), 1) if marks_the_ball(tile)}

    found: set[int] = set()

    def all_were_marked() -> bool:
        found.update(marked())
        return found == {1, 2, 3, 4}

    wait_until(all_were_marked, 8, "a box where it moves, in every tile")

    assert demo.wait(20) == 0
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["torn"] == 0
    assert report["checked"] > 100
    assert report["leftover_processes"] == 0
    assert list(report["streams"]) == [f"camera-{number}" for number in range(1, 5)]
    for stream in report["streams"].values():
        assert stream["state"] == "live"
        assert (stream["width"], stream["height"]) == (1280, 720)
        assert stream["received"] >= stream["decoded"] >= stream["shown"] > 50
        assert 20 < stream["fps"] < 27
    for analyzer in report["analyzers"].values():
        assert analyzer["exit"] == "exit code 0"
        assert analyzer["frames"] > 20
        assert analyzer["messages"] > 0


def test_without_a_display_it_runs_offscreen_and_leaves_a_picture(tmp_path: Path) -> None:
    done = subprocess.run(
        command("--cameras", "2", "--seconds", "5", "--report", "report.json"),
        env=environment(tmp_path),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=50,
    )
    assert done.returncode == 0, done.stderr
    assert "no display" in done.stderr
    assert (tmp_path / "camgraph-demo.png").read_bytes().startswith(b"\x89PNG")
    assert len(json.loads((tmp_path / "report.json").read_text())["streams"]) == 2


def test_ctrl_c_ends_it_in_order(tmp_path: Path) -> None:
    with subprocess.Popen(
        command("--cameras", "1", "--seconds", "40"),
        env=environment(tmp_path),
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as demo:
        assert demo.stderr is not None
        said = ""
        deadline = time.monotonic() + 20
        while "All play" not in said and time.monotonic() < deadline:
            said += demo.stderr.readline()
        os.killpg(demo.pid, signal.SIGINT)
        _, rest = demo.communicate(timeout=15)
        assert "Traceback" not in said + rest
        assert "0 processes left behind" in rest
        assert demo.returncode == 0


@pytest.mark.parametrize("delay_s", [0.7, 1.0, 1.3, 1.6])
def test_ctrl_c_while_it_starts_ends_it_too(tmp_path: Path, delay_s: float) -> None:
    with subprocess.Popen(
        command("--cameras", "1", "--seconds", "40"),
        env=environment(tmp_path),
        cwd=tmp_path,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as demo:
        time.sleep(delay_s)  # Not to wait for something: at any moment of the start it must count.
        os.killpg(demo.pid, signal.SIGINT)
        assert demo.wait(timeout=15) in (0, 1, 130, -signal.SIGINT)


@pytest.mark.parametrize(
    ("arguments", "code", "named"),
    [
        (["--cameras", "0"], 2, "--cameras"),
        (["--seconds", "x"], 2, "--seconds"),
        (["--report", "/nonexistent/report.json"], 2, "/nonexistent"),
    ],
)
def test_bad_arguments_are_named(arguments: list[str], code: int, named: str, tmp_path: Path) -> None:
    done = subprocess.run(
        command(*arguments), env=environment(tmp_path), capture_output=True, text=True, timeout=20
    )
    assert done.returncode == code
    assert named in done.stderr
    assert "Traceback" not in done.stderr
