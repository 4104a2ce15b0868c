"""Levels of the documented API, as levels of `logging`."""

import logging
from collections.abc import Iterator

import pytest

from valkka import core
from valkka.core.log import SUBSYSTEMS

LOGGERS = ("valkka", "camgraph", "camgraph.media", *(f"valkka.{it}" for it in SUBSYSTEMS))


@pytest.fixture(autouse=True)
def _levels() -> Iterator[None]:
    before = {name: logging.getLogger(name).level for name in LOGGERS}
    yield
    for name, level in before.items():
        logging.getLogger(name).setLevel(level)


@pytest.mark.effect(
    "valkka.core.setLogLevel_{frame,filter,live,thread,livethread,avthread,decoder,fifo,opengl,file,filethread,usb,valkkafs}logger"
)
@pytest.mark.parametrize("subsystem", SUBSYSTEMS)
def test_each_subsystem_has_a_logger(subsystem) -> None:
    setter, logger = getattr(core, f"setLogLevel_{subsystem}logger"), logging.getLogger(f"valkka.{subsystem}")
    levels = []
    for level in (-3, -2, -1, 0, 1, 2, 3):
        setter(level)
        levels.append(logger.level)
    assert levels == [51, logging.CRITICAL, logging.ERROR, logging.WARNING, logging.INFO, logging.DEBUG, 1]


@pytest.mark.effect("valkka.core.{crazy,debug,normal,fatal,quiet}_log_all")
@pytest.mark.parametrize(
    ("name", "level"),
    [
        ("quiet", 51),
        ("fatal", logging.CRITICAL),
        ("normal", logging.WARNING),
        ("debug", logging.DEBUG),
        ("crazy", 1),
    ],
)
def test_all_at_once(name, level) -> None:
    for it in LOGGERS:
        logging.getLogger(it).setLevel(7)
    getattr(core, f"{name}_log_all")()
    assert {logging.getLogger(it).level for it in (*LOGGERS[:2], *LOGGERS[3:])} == {level}


def test_commands_are_told_at_the_loudest_level(caplog) -> None:
    core.crazy_log_all()
    live = core.LiveThread("live")
    live.registerStreamCall(
        core.LiveConnectionContext(core.LiveConnectionType_rtsp, "rtsp://10.0.0.5/", 1, None)
    )
    assert "slot 1 of <LiveThread 'live'>: registered" in caplog.text


@pytest.mark.effect("valkka.core.ffmpeg_av_log_set_level")
@pytest.mark.parametrize(("level", "ours"), [(-8, 50), (8, 50), (16, 40), (24, 30), (32, 20), (48, 10)])
def test_levels_of_ffmpeg(level, ours) -> None:
    core.ffmpeg_av_log_set_level(level)
    assert logging.getLogger("camgraph.media").level == ours
