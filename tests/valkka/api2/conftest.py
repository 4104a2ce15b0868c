"""What runs of the documented API ends with each test."""

from collections.abc import Iterator

import pytest

from camgraph.testing.cameras import Cameras
from camgraph.testing.screens import screen
from valkka.api2.threads import LiveThread, OpenGLThread
from valkka.core.runtime import runtime


@pytest.fixture(scope="module")
def addresses() -> Iterator[list[str]]:
    """Two cameras, numbered 1 and 2."""
    with Cameras(count=2, size=(640, 360)) as cameras:
        yield cameras.urls


@pytest.fixture
def display(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A screen on which nothing else is."""
    with screen() as display:
        monkeypatch.setenv("DISPLAY", display)
        yield display


@pytest.fixture
def openglthread(display: str) -> Iterator[OpenGLThread]:
    openglthread = OpenGLThread(name="gl", msbuftime=150)
    yield openglthread
    openglthread.close()


@pytest.fixture
def livethread() -> Iterator[LiveThread]:
    livethread = LiveThread(name="live")
    yield livethread
    livethread.close()


@pytest.fixture(autouse=True)
def _ended() -> Iterator[None]:
    yield
    runtime.shut_down()
