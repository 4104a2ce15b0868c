"""What tests with real programs share."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.real.running_example import Example

import camgraph as cg
from camgraph.testing.cameras import Cameras


@pytest.fixture(scope="module")
def cameras() -> Iterator[Cameras]:
    """One small camera, unless the module has others."""
    with Cameras(count=1, size=(320, 180)) as cameras:
        yield cameras


@pytest.fixture
def site(cameras: Cameras) -> Iterator[cg.Site]:
    """The module's first camera as ``door``, unless the module has a site of its own."""
    graph = cg.Graph()
    graph.rtsp("door", cameras.urls[0])
    with graph.start() as site:
        yield site


@pytest.fixture
def start(tmp_path: Path, xvfb: str) -> Iterator[Callable[..., Example]]:
    started: list[Example] = []

    def start(name: str, *arguments: str, **environment: str) -> Example:
        started.append(Example(tmp_path, xvfb, name, *arguments, **environment))
        return started[-1]

    yield start
    for running in started:
        running.popen.kill()
        running.popen.wait()
