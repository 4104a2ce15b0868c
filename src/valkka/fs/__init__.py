"""Streams stored in ValkkaFS: importable; all that stores or plays comes with a later version."""

__all__ = [
    "FSGroup",
    "ValkkaFS",
    "ValkkaFSLoadError",
    "ValkkaFSManager",
    "ValkkaMultiFS",
    "ValkkaSingleFS",
    "findBlockDevices",
    "formatMstimeTuple",
    "formatMstimestamp",
]

from datetime import datetime
from typing import NoReturn

from valkka.core.later import STORING, Later, not_there_yet


class ValkkaFSLoadError(Exception):
    """A directory holds no usable ValkkaFS."""


class _Directory(Later, what=STORING):
    @classmethod
    def loadFromDirectory(cls, *_arguments: object, **_keywords: object) -> NoReturn:
        """Open what is in a directory."""
        raise not_there_yet(f"{cls.__name__}.loadFromDirectory", STORING)

    @classmethod
    def newFromDirectory(cls, *_arguments: object, **_keywords: object) -> NoReturn:
        """Begin anew in a directory."""
        raise not_there_yet(f"{cls.__name__}.newFromDirectory", STORING)

    @classmethod
    def checkDirectory(cls, *_arguments: object, **_keywords: object) -> NoReturn:
        """Say whether a directory holds streams."""
        raise not_there_yet(f"{cls.__name__}.checkDirectory", STORING)


class ValkkaFS(_Directory):
    """Streams in a file or a device."""


class ValkkaSingleFS(ValkkaFS):
    """One stream in a file or a device."""


class ValkkaMultiFS(ValkkaFS):
    """Several streams in a file or a device."""


class FSGroup(Later, what=STORING):
    """What writes, reads and keeps the blocks of one ValkkaFS."""


class ValkkaFSManager(Later, what=STORING):
    """Plays stored streams at one time."""


def findBlockDevices(*_arguments: object, **_keywords: object) -> NoReturn:
    """Return the partitions that could hold streams."""
    raise not_there_yet("findBlockDevices", STORING)


def formatMstimestamp(mstimestamp: int) -> str:
    """Return a time in ms since the epoch as local date and time."""
    return datetime.fromtimestamp(mstimestamp / 1000).isoformat(" ", "milliseconds")


def formatMstimeTuple(times: tuple[int, int]) -> str:
    """Return a pair of times in ms since the epoch as local dates and times."""
    return f"{formatMstimestamp(times[0])} -> {formatMstimestamp(times[1])}"
