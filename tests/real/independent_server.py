"""A server that is not ours, for tests: Debian's gst-rtsp-server, with pictures that tell their numbers."""

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from camgraph.testing.picture import PERIOD, draw_yuv420p

SIZE = (320, 184)
PYTHON = "/usr/bin/python3"


def write_pictures(path: Path, camera: int = 1) -> Path:
    """Write a file of all pictures of a camera, as yuv420p."""
    with path.open("wb") as file:
        for number in range(PERIOD):
            file.write(draw_yuv420p(number, camera, *SIZE).tobytes())
    return path


@contextlib.contextmanager
def serving(raw: Path, *login: str) -> Iterator[str]:
    """Run the server and return its address."""
    if not Path(PYTHON).exists():
        pytest.skip(f"there is no {PYTHON}")
    program = Path(__file__).with_name("gst_server_program.py")
    command = [PYTHON, str(program), str(raw), *map(str, SIZE), *login]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as server:
        try:
            assert server.stdout is not None
            assert server.stderr is not None
            port = server.stdout.readline().strip()
            if not port:
                told = server.stderr.read()
                assert "missing: " in told, told
                pytest.skip(f"there is no gst-rtsp-server: {told.strip()}")
            yield f"rtsp://127.0.0.1:{port}"
        finally:
            server.kill()
