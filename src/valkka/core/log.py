"""The levels of the documented API, mapped onto `logging`: a logger ``valkka.<subsystem>`` each.

Levels are −3 quiet, −2 fatal, 0 normal, 2 debug and 3 crazy. Those for all subsystems hold for ``camgraph``,
too.
"""

import logging
from collections.abc import Callable

from valkka.core.arguments import whole

__all__ = [
    "crazy_log_all",
    "debug_log_all",
    "fatal_log_all",
    "ffmpeg_av_log_set_level",
    "normal_log_all",
    "quiet_log_all",
    "setLogLevel_avthreadlogger",
    "setLogLevel_decoderlogger",
    "setLogLevel_fifologger",
    "setLogLevel_filelogger",
    "setLogLevel_filethreadlogger",
    "setLogLevel_filterlogger",
    "setLogLevel_framelogger",
    "setLogLevel_livelogger",
    "setLogLevel_livethreadlogger",
    "setLogLevel_opengllogger",
    "setLogLevel_threadlogger",
    "setLogLevel_usblogger",
    "setLogLevel_valkkafslogger",
]

QUIET, FATAL, NORMAL, DEBUG, CRAZY = -3, -2, 0, 2, 3
SUBSYSTEMS = (
    "frame",
    "filter",
    "live",
    "thread",
    "livethread",
    "avthread",
    "decoder",
    "fifo",
    "opengl",
    "file",
    "filethread",
    "usb",
    "valkkafs",
)
EVERYTHING = 1
"""Below `logging.DEBUG`: every command."""
_FFMPEG_ERROR, _FFMPEG_WARNING, _FFMPEG_INFO = 16, 24, 32


def level_of(level: int) -> int:
    """Return the level of `logging` for one of the documented API."""
    if level <= QUIET:
        return logging.CRITICAL + 1
    if level == FATAL:
        return logging.CRITICAL
    if level < NORMAL:
        return logging.ERROR
    if level == NORMAL:
        return logging.WARNING
    if level < DEBUG:
        return logging.INFO
    return logging.DEBUG if level == DEBUG else EVERYTHING


def _setter(subsystem: str) -> Callable[[int], None]:
    def set_level(level: int) -> None:
        _set(f"valkka.{subsystem}", level_of(whole(set_level.__name__, "level", level)))

    set_level.__name__ = set_level.__qualname__ = f"setLogLevel_{subsystem}logger"
    set_level.__doc__ = f"Set the level of the logger ``valkka.{subsystem}``."
    return set_level


def _all_at(level: int, name: str) -> Callable[[], None]:
    def log_all() -> None:
        for logger in ("valkka", *(f"valkka.{subsystem}" for subsystem in SUBSYSTEMS), "camgraph"):
            _set(logger, level_of(level))

    log_all.__name__ = log_all.__qualname__ = name
    log_all.__doc__ = f"Set all loggers of ``valkka`` and ``camgraph`` to level {level}."
    return log_all


def _set(logger: str, level: int) -> None:
    logging.getLogger(logger).setLevel(level)
    root = logger.partition(".")[0]
    # What nobody handles is printed from warnings on, by `logging` itself.
    if level < logging.WARNING and not logging.getLogger(root).hasHandlers():
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter("%(name)s: %(message)s"))
        logging.getLogger(root).addHandler(handler)


setLogLevel_framelogger = _setter("frame")
setLogLevel_filterlogger = _setter("filter")
setLogLevel_livelogger = _setter("live")
setLogLevel_threadlogger = _setter("thread")
setLogLevel_livethreadlogger = _setter("livethread")
setLogLevel_avthreadlogger = _setter("avthread")
setLogLevel_decoderlogger = _setter("decoder")
setLogLevel_fifologger = _setter("fifo")
setLogLevel_opengllogger = _setter("opengl")
setLogLevel_filelogger = _setter("file")
setLogLevel_filethreadlogger = _setter("filethread")
setLogLevel_usblogger = _setter("usb")
setLogLevel_valkkafslogger = _setter("valkkafs")

crazy_log_all = _all_at(CRAZY, "crazy_log_all")
debug_log_all = _all_at(DEBUG, "debug_log_all")
normal_log_all = _all_at(NORMAL, "normal_log_all")
fatal_log_all = _all_at(FATAL, "fatal_log_all")
quiet_log_all = _all_at(QUIET, "quiet_log_all")


def ffmpeg_av_log_set_level(level: int) -> None:
    """Set the level of the logger ``camgraph.media``, which tells what FFmpeg says, from one of FFmpeg's."""
    level = whole("ffmpeg_av_log_set_level", "level", level)
    if level < _FFMPEG_ERROR:
        ours = logging.CRITICAL
    elif level < _FFMPEG_WARNING:
        ours = logging.ERROR
    elif level < _FFMPEG_INFO:
        ours = logging.WARNING
    else:
        ours = logging.INFO if level == _FFMPEG_INFO else logging.DEBUG
    logging.getLogger("camgraph.media").setLevel(ours)
