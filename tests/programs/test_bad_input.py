"""What goes wrong at the user's side: one sentence with the remedy, the right exit code, no traceback."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from camgraph.testing.cameras import Cameras

NAMES_A_DISPLAY = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")


def camgraph(*arguments: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if name not in NAMES_A_DISPLAY}
    return subprocess.run(
        [str(Path(sys.executable).with_name("camgraph")), *arguments],
        env={**kept, "COLUMNS": "400", **environment},
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=50,
    )


def one_sentence(done: subprocess.CompletedProcess[str]) -> str:
    assert "Traceback" not in done.stderr
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, done.stderr
    return lines[0]


@pytest.fixture(scope="module")
def locked_cameras() -> Iterator[Cameras]:
    with Cameras(count=1, login="keeper:correct-horse") as cameras:
        yield cameras


def test_each_bad_camera_says_why_and_the_good_one_plays_on(locked_cameras: Cameras, tmp_path: Path) -> None:
    with Cameras(count=1) as cameras, socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))  # taken, and nobody listens
        closed = f"rtsp://127.0.0.1:{bound.getsockname()[1]}/1"
        wrong = locked_cameras.urls[0].replace("rtsp://", "rtsp://keeper:battery-staple@")
        missing = f"{cameras.urls[0].rpartition('/')[0]}/99"
        done = camgraph(
            "show",
            *(cameras.urls[0], closed, wrong, locked_cameras.urls[0], cameras.audio_url, missing),
            *("--seconds", "7", "--snapshot", "wall.png"),
            cwd=tmp_path,
        )
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    assert "battery" not in done.stdout + done.stderr
    told = dict(line.split(": ", 1) for line in done.stderr.splitlines() if line.startswith("camera-"))
    assert "camera-1" not in told
    assert "refused" in told["camera-2"]
    assert "password" in told["camera-3"]
    assert "login" in told["camera-4"]
    assert "no video" in told["camera-5"]
    assert "/99" in told["camera-6"]
    assert (tmp_path / "wall.png").stat().st_size > 0


@pytest.mark.parametrize(
    "url", ["ftp://127.0.0.1/1", "127.0.0.1:8554/1", "rtsp://", "rtsp://127.0.0.1:port/1"]
)
def test_a_wrong_url_is_named_with_the_remedy(url: str, tmp_path: Path) -> None:
    done = camgraph("show", url, cwd=tmp_path)
    assert done.returncode == 2
    assert "rtsp://host[:port]/path" in one_sentence(done)


def test_a_login_that_is_not_there_is_named(tmp_path: Path) -> None:
    done = camgraph("show", "rtsp://127.0.0.1:9/1", "--login", "env:CAMGRAPH_NOT_SET", cwd=tmp_path)
    assert done.returncode == 2
    assert "CAMGRAPH_NOT_SET" in one_sentence(done)


@pytest.mark.parametrize("command", [["demo"], ["show", "rtsp://127.0.0.1:9/1"]])
def test_without_qt_the_package_to_install_is_named(command: list[str], tmp_path: Path) -> None:
    (tmp_path / "qtpy.py").write_text("raise ImportError('No module named qtpy')\n")
    done = camgraph(*command, cwd=tmp_path, PYTHONPATH=str(tmp_path))
    assert done.returncode == 3
    assert 'pip install "camgraph[qt]"' in one_sentence(done)


@pytest.mark.parametrize("command", [["demo"], ["show", "rtsp://127.0.0.1:9/1"]])
def test_a_display_that_does_not_answer_is_named(command: list[str], tmp_path: Path) -> None:
    done = camgraph(*command, cwd=tmp_path, DISPLAY=":4711")
    assert done.returncode == 3
    said = one_sentence(done)
    assert "':4711'" in said
    assert "offscreen" in said


def test_a_home_that_can_not_be_written_costs_nothing_but_time(tmp_path: Path) -> None:
    done = camgraph("demo", "--cameras", "1", "--seconds", "4", cwd=tmp_path, HOME="/proc", XDG_CACHE_HOME="")
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr


def test_a_snapshot_that_can_not_be_written_is_told_before_anything_starts(tmp_path: Path) -> None:
    done = camgraph("demo", "--snapshot", "no/such/folder/wall.png", cwd=tmp_path)
    assert done.returncode == 2
    assert "no/such/folder" in done.stderr


def test_a_report_and_a_picture_that_can_not_be_written_fail_the_job(tmp_path: Path) -> None:
    done = camgraph(
        *("demo", "--cameras", "1", "--seconds", "3", "--report", "/proc/report.json"),
        *("--snapshot", "/proc/wall.png"),
        cwd=tmp_path,
    )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "/proc/report.json could not be written" in done.stderr
    assert "/proc/wall.png could not be written" in done.stderr
