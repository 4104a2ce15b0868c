"""Cameras, and the end of what runs of the documented API with each test."""

from collections.abc import Iterator

import pytest

from camgraph.testing.cameras import Cameras
from valkka.core.runtime import runtime


@pytest.fixture(scope="session")
def addresses() -> Iterator[list[str]]:
    """Two cameras."""
    with Cameras(count=2, size=(320, 180)) as cameras:
        yield cameras.urls


@pytest.fixture(autouse=True)
def _ended() -> Iterator[None]:
    yield
    runtime.shut_down()
