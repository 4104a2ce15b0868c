"""ValkkaFS of the second level: importable; it comes with a later version."""

__all__ = [
    "ValkkaFS",
    "ValkkaFSLoadError",
    "ValkkaFSManager",
    "ValkkaFSReaderThread",
    "ValkkaFSWriterThread",
    "findBlockDevices",
    "formatMstimestamp",
]

from valkka.core.later import ValkkaFSReaderThread, ValkkaFSWriterThread
from valkka.fs import ValkkaFS, ValkkaFSLoadError, ValkkaFSManager, findBlockDevices, formatMstimestamp
