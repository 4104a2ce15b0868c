"""Files of any kind that FFmpeg reads: once or over and over, at their own pace or as fast as it goes."""

import errno
import threading
from collections.abc import Iterator

from camgraph.base.errors import ClosedError, SourceError, SourceRefused, SourceUnavailable
from camgraph.graph.nodes import Speed
from camgraph.media.source import NetworkCounts, Packet, StreamInfo
from camgraph.media.sources.libav_input import LibavInput, open_input
from camgraph.media.sources.playback import Playback


class FileSource:
    """Plays the video of one file; each attempt begins at its beginning."""

    def __init__(self, path: str, *, loop: bool = False, speed: Speed = "own") -> None:
        self._path, self._loop = path, loop
        self._input: LibavInput | None = None
        self._cancelled = threading.Event()
        self.network = NetworkCounts()
        self._playback = Playback(self.network, self._cancelled, speed)

    def resolve(self) -> None:
        """There is nothing to look up."""

    def open(self) -> StreamInfo:
        """Open the file, again for each pass, and find its video; raise SourceError if that can't be.

        Not every file can be wound back, and it may have been replaced.
        """
        self.close()
        if self._cancelled.is_set():
            raise ClosedError("the stream was closed")
        # Its name is no address of another kind, whatever it looks like.
        self._input = opened = open_input(f"file:{self._path}", self._path, self._explain)
        self._playback.begin(opened)
        return opened.info._replace(recorded=True)

    def packets(self) -> Iterator[Packet]:
        """Yield the video's packets up to the end, where SourceError is raised if there is no next pass."""
        assert self._input is not None
        empty = True
        for encoded in self._input.packets(self._explain):
            empty = False
            yield self._playback.next(encoded, keyframe=encoded.is_keyframe)
        if empty:
            raise SourceRefused(f"There is no picture in {self._path}: choose another.", reason="no_video")
        if not self._loop:
            raise SourceUnavailable(f"{self._path} was played to its end.", reason="ended")

    def cancel(self) -> bool:
        """End a wait for the time of the next packet at once; a read from the disk can't be ended."""
        self._cancelled.set()
        return True

    def close(self) -> None:
        """Close the file."""
        opened, self._input = self._input, None
        if opened is not None:
            opened.close()

    def _explain(self, error: Exception) -> SourceError:
        match error:
            case FileNotFoundError() | NotADirectoryError():
                return SourceRefused(f"There is no file {self._path}: is the path right?", reason="not_found")
            case IsADirectoryError():
                return SourceRefused(f"{self._path} is a directory: name a file in it.", reason="not_media")
            case OSError(errno=errno.EACCES):
                return SourceRefused(
                    f"{self._path} may not be read by this user: give it the right to.", reason="unreadable"
                )
            case OSError(errno=number) if number not in (None, errno.EINVAL, errno.EPERM):
                return SourceUnavailable(
                    f"{self._path} can't be read ({error.strerror}): is its disk in order?",
                    reason="unreadable",
                )
        return SourceRefused(
            f"{self._path} is no video that FFmpeg can read: is the file whole?", reason="not_media"
        )
