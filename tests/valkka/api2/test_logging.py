"""What is said at which level; and what the package itself has beside its modules."""

import logging
from collections.abc import Iterator

import pytest

from valkka import core
from valkka.api2 import Namespace, raise_numpy_version, warn_numpy_version
from valkka.api2.logging import *

LOGGERS = ("valkka", "valkka.livethread", "camgraph")


@pytest.fixture(autouse=True)
def _levels_as_before() -> Iterator[None]:
    handlers = {name: list(logging.getLogger(name).handlers) for name in ("valkka", "camgraph")}
    yield
    setValkkaLogLevel()
    logging.getLogger("camgraph.media").setLevel(logging.NOTSET)
    for name, before in handlers.items():
        logging.getLogger(name).handlers[:] = before


def said(level):
    """Which of the levels of `logging` are heard."""
    setValkkaLogLevel(level)
    heard = []
    for logger in map(logging.getLogger, LOGGERS):
        levels = (logging.DEBUG - 1, logging.DEBUG, logging.WARNING, logging.CRITICAL)
        heard.append([logger.isEnabledFor(each) for each in levels])
    assert heard[0] == heard[1] == heard[2]
    return heard[0]


@pytest.mark.effect(
    "valkka.api2.logging.loglevel_{silent,normal,debug,crazy,nuts}", "valkka.api2.logging.setValkkaLogLevel"
)
def test_each_level_says_more_than_the_one_before():
    assert said(loglevel_silent) == [False, False, False, True]
    assert said(loglevel_normal) == [False, False, True, True]
    assert said(loglevel_debug) == [False, True, True, True]
    assert said(loglevel_crazy) == [True, True, True, True]
    assert said(loglevel_nuts) == [True, True, True, True]
    with pytest.raises(ValueError, match="0 \\(silent\\) to 4 \\(nuts\\)"):
        setValkkaLogLevel(5)


@pytest.mark.effect("valkka.api2.logging.setFFmpegLogLevel")
def test_ffmpeg_has_a_level_of_its_own():
    setFFmpegLogLevel(loglevel_debug)
    assert logging.getLogger("camgraph.media").isEnabledFor(logging.DEBUG)
    setFFmpegLogLevel(loglevel_silent)
    assert not logging.getLogger("camgraph.media").isEnabledFor(logging.WARNING)
    # One of FFmpeg's own: AV_LOG_WARNING.
    setFFmpegLogLevel(24)
    assert logging.getLogger("camgraph.media").isEnabledFor(logging.WARNING)


@pytest.mark.effect("valkka.api2.{raise,warn}_numpy_version")
def test_any_numpy_will_do(recwarn):
    assert core.numpy_version_ok()
    raise_numpy_version()
    warn_numpy_version()
    assert not recwarn.list


@pytest.mark.effect("valkka.api2.Namespace")
def test_a_namespace_is_a_bag():
    bag = Namespace()
    bag.anything = 1
    assert vars(bag) == {"anything": 1}
