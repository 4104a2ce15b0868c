"""Functions of the documented API beside its classes."""

import numpy as np

__all__ = ["ValkkaXInitThreads", "ffmpeg_av_register_all", "get_numpy_version", "numpy_version_ok"]


def ValkkaXInitThreads() -> int:
    """Return 1: nothing of X is used by several threads here."""
    return 1


def get_numpy_version() -> str:
    """Return the version of numpy."""
    return np.__version__


def numpy_version_ok() -> bool:
    """Return True: nothing here is compiled for one version of numpy."""
    return True


def ffmpeg_av_register_all() -> None:
    """Do nothing: FFmpeg needs it no longer."""
