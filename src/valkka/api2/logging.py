"""How much is said."""

__all__ = [
    "loglevel_crazy",
    "loglevel_debug",
    "loglevel_normal",
    "loglevel_nuts",
    "loglevel_silent",
    "setFFmpegLogLevel",
    "setValkkaLogLevel",
]

from valkka import core

loglevel_silent = 0
loglevel_normal = 1
loglevel_debug = 2
loglevel_crazy = 3
loglevel_nuts = 4

_VALKKA = {
    loglevel_silent: core.fatal_log_all,
    loglevel_normal: core.normal_log_all,
    loglevel_debug: core.debug_log_all,
    loglevel_crazy: core.crazy_log_all,
    loglevel_nuts: core.crazy_log_all,
}
_FFMPEG = {
    loglevel_silent: -8,
    loglevel_normal: 16,
    loglevel_debug: 48,
    loglevel_crazy: 56,
    loglevel_nuts: 56,
}


def setValkkaLogLevel(i: int = loglevel_normal) -> None:
    """Let all parts say what belongs to a level, one of the ``loglevel_`` constants."""
    if i not in _VALKKA:
        raise ValueError(f"level must be 0 (silent) to 4 (nuts), not {i!r}")
    _VALKKA[i]()


def setFFmpegLogLevel(i: int) -> None:
    """Let FFmpeg say what belongs to a level, one of the ``loglevel_`` constants, or one of FFmpeg's own."""
    core.ffmpeg_av_log_set_level(_FFMPEG.get(i, i))
