"""``camgraph cameras`` as a person meets it: the table, the end, and what is said when it can't be."""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from camgraph.testing.cameras import Cameras
from camgraph.testing.waiting import wait_until

SMALL = ["--size", "320x180", "--port", "0"]


@contextmanager
def command(*arguments: str, **environment: str) -> Iterator[subprocess.Popen[str]]:
    """Run the command in a process group of its own, as a shell does; kill what is left of it."""
    process = subprocess.Popen(
        [Path(sys.executable).with_name("camgraph"), "cameras", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "COLUMNS": "120", **environment},
        process_group=0,
    )
    with process:
        try:
            yield process
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)


def told(*arguments: str, **environment: str) -> tuple[int, str]:
    """Return the exit code and the one line the command says before it fails."""
    with command(*arguments, **environment) as process:
        output, errors = process.communicate(timeout=30)
    assert output == ""
    [line] = errors.splitlines()
    return process.returncode, line


def read_until(process: subprocess.Popen[str], word: str) -> str:
    """Return what the command prints up to the line with `word`."""
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line)
        if word in line:
            return "".join(lines)
    raise AssertionError(f"{word} was not printed: {''.join(lines)}")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_addresses_are_shown_and_it_ends_in_order(number: signal.Signals) -> None:
    with command("--count", "3", *SMALL, "--login", "env:DOOR", DOOR="keeper:horse") as process:
        shown = read_until(process, "env:DOOR")
        assert re.findall(r"rtsp://127.0.0.1:\d+/(\w+)", shown) == ["1", "2", "3", "audio"]
        # As a terminal's Ctrl-C does: to the cameras as well.
        os.killpg(process.pid, number)
        rest, errors = process.communicate(timeout=10)
    assert process.returncode == 0
    assert "horse" not in shown + rest + errors
    assert "Traceback" not in errors


def test_codec_and_kind_of_login_are_as_asked() -> None:
    options = ["--count", "1", *SMALL, "--codec", "h265", "--auth", "basic", "--login", "env:DOOR"]
    with command(*options, DOOR="keeper:horse") as process:
        shown = re.search(r"rtsp://(127.0.0.1:\d+/1)", read_until(process, "env:DOOR"))
        assert shown is not None
        ask = "ffprobe -v error -probesize 32 -rtsp_transport tcp -show_entries stream=codec_name -of csv=p=0"
        done = subprocess.run(
            [*ask.split(), f"rtsp://keeper:horse@{shown[1]}"], capture_output=True, timeout=30, check=True
        )
        assert done.stdout.split() == [b"hevc"]
        with socket.create_connection(("127.0.0.1", int(shown[1].split(":")[1][:-2])), 10) as client:
            client.sendall(f"DESCRIBE rtsp://{shown[1]} RTSP/1.0\r\nCSeq: 1\r\n\r\n".encode())
            assert b'\r\nWWW-Authenticate: Basic realm="camgraph"\r\n' in client.recv(4096)


def test_it_ends_after_the_time_asked_for() -> None:
    with command("--count", "1", *SMALL, "--seconds", "1") as process:
        _, errors = process.communicate(timeout=30)
    assert process.returncode == 0
    assert "1 s" in errors


def test_encoding_shows_its_progress_and_can_be_interrupted(tmp_path: Path) -> None:
    environment = {"XDG_CACHE_HOME": str(tmp_path), "FORCE_COLOR": "1", "TERM": "xterm"}
    with command("--count", "8", "--port", "0", **environment) as process:
        assert process.stderr is not None
        seen = ""
        while "%" not in seen:
            character = process.stderr.read(1)
            assert character, seen
            seen += character
        assert "Encoding" in seen
        os.killpg(process.pid, signal.SIGINT)
        process.communicate(timeout=10)
    assert process.returncode == 0
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and not path.name.startswith("camera")]


def test_interrupted_while_it_starts_it_leaves_nothing_and_says_nothing() -> None:
    with command("--count", "1", *SMALL) as process:
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        child = wait_until(lambda: children.read_text().split(), 20, "the cameras' process")[0]
        os.killpg(process.pid, signal.SIGINT)
        _, errors = process.communicate(timeout=10)
    assert process.returncode == 0
    assert "Traceback" not in errors
    # Interrupted before it knew of its child, it does not wait for it: that ends with it.
    wait_until(lambda: not Path(f"/proc/{child}").exists(), 5, "the cameras' end")


def test_without_a_cache_it_works_and_says_so_once() -> None:
    with command("--count", "1", *SMALL, XDG_CACHE_HOME="", HOME="/proc/nowhere") as process:
        read_until(process, "/audio")
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=10)
    assert process.returncode == 0
    assert len([line for line in errors.splitlines() if "XDG_CACHE_HOME" in line]) == 1


def test_a_port_in_use_is_one_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        code, line = told("--port", str(port))
    assert code == 4
    assert line == f"port {port} of 127.0.0.1 is in use; choose another with --port N"
    with Cameras(count=1, size=(320, 180)) as cameras:
        assert told("--port", str(cameras.port))[0] == 4


def test_a_foreign_address_is_one_sentence() -> None:
    code, line = told("--host", "192.0.2.1", "--port", "0")
    assert code == 4
    assert "192.0.2.1" in line
    assert "--host" in line


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--login", "env:NOBODY_SET_THIS"], ["NOBODY_SET_THIS", "user:password"]),
        (["--login", "keeper:horse"], ["env:NAME"]),
        (["--size", "321x180"], ["321x180", "even"]),
        (["--size", "64x36"], ["160x90"]),
        (["--size", "320x180", "--codec", "mjpeg"], ["320x180", "JPEG", "8"]),
        (["--size", "9000x9000"], ["9000x9000", "4096"]),
    ],
)
def test_bad_arguments_are_one_sentence(arguments: list[str], words: list[str]) -> None:
    code, line = told("--port", "0", *arguments)
    assert code == 2
    assert all(word in line for word in words)


@pytest.mark.parametrize(
    "arguments",
    [
        ["--size", "large"],
        ["--codec", "vp9"],
        ["--auth", "none"],
        ["--count", "0"],
        ["--port", "70000"],
        ["--seconds", "0"],
    ],
)
def test_what_is_no_value_is_a_usage_error(arguments: list[str]) -> None:
    with command(*arguments) as process:
        _, errors = process.communicate(timeout=30)
    assert process.returncode == 2
    assert arguments[0] in errors
    assert "Traceback" not in errors


def test_cameras_that_die_are_told() -> None:
    with command("--count", "1", *SMALL) as process:
        read_until(process, "/audio")
        [child] = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        os.kill(int(child), signal.SIGKILL)
        _, errors = process.communicate(timeout=10)
    assert process.returncode == 1
    assert "signal SIGKILL" in errors
    assert "Traceback" not in errors
