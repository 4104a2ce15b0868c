"""Cameras that are not ours, and a screen for each module."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from tests.real.independent_server import serving, write_pictures
from tests.real.x11_windows import XServer, x_server
from tests.valkka.examples.running import Program, Start


@pytest.fixture(scope="session")
def addresses(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[str]]:
    """Two cameras, numbered 1 and 2, H.264, of a server that is not ours."""
    folder = tmp_path_factory.mktemp("pictures")
    with ExitStack() as servers:
        yield [
            servers.enter_context(serving(write_pictures(folder / f"{camera}.yuv", camera))) + "/h264"
            for camera in (1, 2)
        ]


@pytest.fixture
def display(displays: list[XServer]) -> XServer:
    """A screen."""
    return displays[0]


@pytest.fixture(scope="session")
def displays(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[XServer]]:
    """Three screens; a test leaves nothing on them."""
    with ExitStack() as servers:
        yield [servers.enter_context(x_server(tmp_path_factory.mktemp("x11"))) for _ in range(3)]


@pytest.fixture
def start(tmp_path: Path, display: XServer) -> Iterator[Start]:
    """Start programs, which don't outlive the test."""
    started: list[Program] = []

    def start(path: str, *arguments: str, on: XServer | None = None) -> Program:
        started.append(Program(tmp_path, on or display, path, *arguments))
        return started[-1]

    yield start
    for program in started:
        program.kill()
