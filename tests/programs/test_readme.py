"""The README's program, as printed, on the built-in cameras at their default address with a login."""

import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from camgraph.testing.screens import ask_to_close, windows_of
from camgraph.testing.waiting import wait_until

ROOT = Path(__file__).parents[2]
ADDRESS = ("127.0.0.1", 8554)
LOGIN = "visitor:p@ss/word with:all"


def answers() -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(ADDRESS) == 0


@contextmanager
def cameras(environment: dict[str, str]) -> Iterator[None]:
    """Run ``camgraph cameras`` as the README says, until the end of the block."""
    assert not answers(), "something listens at the cameras' default address already"
    command: list[str | Path] = [Path(sys.executable).with_name("camgraph"), "cameras", "--login", "env:DOOR"]
    with subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL) as process:
        try:
            wait_until(lambda: answers() or process.poll() is not None, 90, "the cameras")
            assert process.poll() is None
            yield
        finally:
            process.terminate()


@pytest.mark.timeout(150)  # the clips of the cameras may have to be encoded first
def test_the_program_of_the_readme_prints_a_movement_and_ends_with_its_window(
    xvfb: str, tmp_path: Path
) -> None:
    (program,) = re.findall(
        r"^```python\n(.*?)^```", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL
    )
    (tmp_path / "program.py").write_text(program)
    environment = {
        **os.environ,
        "DOOR": LOGIN,
        "DISPLAY": xvfb,
        "QT_QPA_PLATFORM": "xcb",
        "PYTHONUNBUFFERED": "1",
    }
    with (
        cameras(environment),
        (tmp_path / "output").open("w+") as output,
        subprocess.Popen(
            [sys.executable, "program.py"],
            cwd=tmp_path,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        ) as running,
    ):

        def told() -> str:
            return (tmp_path / "output").read_text()

        try:
            wait_until(
                lambda: re.search(r"^door \d+\.\d+$", told(), re.MULTILINE) or running.poll() is not None,
                30,
                "a movement",
            )
            assert running.poll() is None, told()
            (window,) = windows_of(xvfb, running.pid)
            ask_to_close(xvfb, window)
            running.wait(10)
        finally:
            running.kill()
    assert running.returncode == 0, told()
    assert all(re.fullmatch(r"door \d+\.\d+", line) for line in told().splitlines()), told()
