"""What comes with a later version: importable, so that programs that name it start.

Constructing or calling any of it raises NotImplementedError.
"""

__all__ = [
    "FileCacheThread",
    "FileContext",
    "FileFrameFilter",
    "FileStreamContext",
    "FileThread",
    "InitStreamFrameFilter",
    "LiveOutboundContext",
    "USBCameraConnectionContext",
    "USBDeviceThread",
    "ValkkaFS",
    "ValkkaFS2",
    "ValkkaFSReaderThread",
    "ValkkaFSTool",
    "ValkkaFSWriterThread",
    "setLiveOutPacketBuffermaxSize",
]

from typing import NoReturn

PLAYING_FILES = "playing files"
RECORDING = "recording"
SENDING = "sending streams on"
STORING = "storing streams in ValkkaFS"
USB = "reading USB cameras by their documented names"


def not_there_yet(name: str, what: str) -> NotImplementedError:
    """Return the error that says that ``name`` can be imported, and no more."""
    return NotImplementedError(f"{name} is not there yet: {what} comes with a later version.")


class Later:
    """Base of classes that are not there yet."""

    _what: str

    def __init_subclass__(cls, *, what: str | None = None) -> None:
        if what is not None:
            cls._what = what

    def __init__(self, *_arguments: object, **_keywords: object) -> None:
        raise not_there_yet(type(self).__name__, self._what)


class FileThread(Later, what=PLAYING_FILES):
    """Plays matroska files."""


class FileContext(Later, what=PLAYING_FILES):
    """A file to play."""


class FileCacheThread(Later, what=PLAYING_FILES):
    """Plays stored streams side by side."""


class FileStreamContext(Later, what=PLAYING_FILES):
    """A stored stream to play."""


class InitStreamFrameFilter(Later, what=PLAYING_FILES):
    """Makes the set-up frames of a stored stream."""


class FileFrameFilter(Later, what=RECORDING):
    """Writes matroska files."""


class LiveOutboundContext(Later, what=SENDING):
    """A stream to send on."""


class ValkkaFS(Later, what=STORING):
    """Streams in a file or a device."""


class ValkkaFS2(ValkkaFS):
    """Streams in a file or a device."""


class ValkkaFSTool(Later, what=STORING):
    """Prints what a ValkkaFS holds."""


class ValkkaFSWriterThread(Later, what=STORING):
    """Writes streams into a ValkkaFS."""


class ValkkaFSReaderThread(Later, what=STORING):
    """Reads streams out of a ValkkaFS."""


class USBDeviceThread(Later, what=USB):
    """Reads USB cameras."""


class USBCameraConnectionContext(Later, what=USB):
    """A USB camera to read."""


def setLiveOutPacketBuffermaxSize(*_arguments: object, **_keywords: object) -> NoReturn:
    """Bound the packets of streams that are sent on."""
    raise not_there_yet("setLiveOutPacketBuffermaxSize", SENDING)


class Sending:
    """What a LiveThread has for sending streams on."""

    def getFrameFilter(self) -> NoReturn:
        """Return where frames to be sent go in."""
        raise not_there_yet("LiveThread.getFrameFilter", SENDING)

    def registerOutboundCall(self, _context: object) -> NoReturn:
        """Begin to send a stream."""
        raise not_there_yet("LiveThread.registerOutboundCall", SENDING)

    def deregisterOutboundCall(self, _context: object) -> NoReturn:
        """End sending a stream."""
        raise not_there_yet("LiveThread.deregisterOutboundCall", SENDING)

    def setRTSPServer(self, portnum: int = 8554) -> NoReturn:
        """Answer players at a port."""
        raise not_there_yet("LiveThread.setRTSPServer", SENDING)
