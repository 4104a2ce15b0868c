"""Cameras that are not ours, and a screen for each module."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from tests.real.independent_server import serving, write_pictures

from camgraph.testing.screens import screen


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
def display() -> Iterator[str]:
    """A screen on which nothing else is."""
    with screen() as display:
        yield display


@pytest.fixture(scope="session")
def displays() -> Iterator[list[str]]:
    """Three screens."""
    with ExitStack() as screens:
        yield [screens.enter_context(screen()) for _ in range(3)]
