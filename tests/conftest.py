"""What tests of all rooms share."""

import logging
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from tests.real.media_process import Media

from camgraph.testing.screens import screen

# Clips are encoded once per tree, wherever HOME is and whether it can be written; `make clean` removes them.
os.environ["XDG_CACHE_HOME"] = str(Path(__file__).parents[1] / "build" / "cache")

# Of the two bindings that are installed for the tests; tests/real/test_bindings.py has the other.
os.environ.setdefault("QT_API", "pyside6")

# How long an example takes depends on what else the machine does; tests are bounded by pytest-timeout.
settings.register_profile("camgraph", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("camgraph")


@pytest.fixture(scope="session")
def xvfb() -> Iterator[str]:
    """Name of the display (``:N``) of an X server of this session's own."""
    with screen() as display:
        yield display


@pytest.fixture
def media(tmp_path: Path) -> Iterator[Media]:
    """A media process that has nothing to complain of in its log at the end."""
    media = Media(tmp_path / "media.log")
    yield media
    media.close()
    assert media.log() == ""


def reset_log_levels() -> None:
    """Have the loggers of both packages say what the root logger does."""
    for name in list(logging.root.manager.loggerDict):
        if name.partition(".")[0] in ("camgraph", "valkka"):
            logging.getLogger(name).setLevel(logging.NOTSET)


def pytest_collection_finish() -> None:
    """Undo what importing `valkka.api2` does to loggers, as documented."""
    reset_log_levels()
