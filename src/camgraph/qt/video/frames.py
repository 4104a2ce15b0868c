"""Pictures from a ring, ready to be drawn, as they come."""

import logging
import weakref
from collections.abc import Callable
from contextlib import suppress

from qtpy.QtCore import QObject, QSocketNotifier
from qtpy.QtGui import QImage

from camgraph.base.errors import CamgraphError, ClosedError, InternalError
from camgraph.graph.spec import FrameRequest
from camgraph.qt.ending import when_destroyed
from camgraph.qt.video.presentation import Timing
from camgraph.qt.video.statistics import FrameCounts
from camgraph.ring.frame import Frame
from camgraph.ring.reader import Reader

_log = logging.getLogger(__name__)


class Picture:
    """A frame, leased for as long as the picture is kept, and the image over its memory if it is of bgra."""

    __slots__ = ("_image", "due_ns", "frame", "painted", "size")

    def __init__(self, frame: Frame) -> None:
        self.frame = frame
        self.size = (frame.width, frame.height)
        """Width and height in px."""
        self.painted = False
        """Whether it was on the screen; to be set by whoever paints it."""
        self.due_ns: int | None = None
        """When it was to be shown (CLOCK_MONOTONIC); None: as it came."""
        self._image: QImage | None = None

    @property
    def image(self) -> QImage:
        """The image; nothing is copied."""
        if self._image is None:
            # It keeps the memory object alive in PySide6 and not in PyQt6: the frame stays beside it.
            # Making it takes 3 µs, so none is cached per slot.
            frame, size = self.frame, self.size
            self._image = QImage(frame.memory, *size, frame.stride, QImage.Format.Format_RGB32)
        return self._image


class FrameFeed:
    """Keeps the newest picture of one reader, which it owns; lives in the thread of the GUI.

    `on_picture` is called when a newer `picture` is there, `on_broken` with the reason when none will come
    any more. Both are methods, referred to weakly: their object may own the feed.
    """

    def __init__(
        self,
        reader: Reader,
        request: FrameRequest,
        parent: QObject,
        on_picture: Callable[[], None],
        on_broken: Callable[[str], None],
    ) -> None:
        self.request = request
        """What was asked for."""
        self.picture: Picture | None = None
        """The newest picture; None before the first, and after `drop_picture`."""
        self.seen = False
        """Whether a picture has come."""
        self.timing: Timing | None = None
        """When pictures are due; None: as they come."""
        self.closed = False
        self._superseded = self._dropped = 0
        # No signals: they cost more, for each picture, than all that is done here.
        self._on_picture, self._on_broken = weakref.WeakMethod(on_picture), weakref.WeakMethod(on_broken)
        self._reader = reader
        self._notifier = QSocketNotifier(reader.fileno(), QSocketNotifier.Type.Read, parent)
        self._notifier.activated.connect(self.take)
        # Deleted by a parent, without `close`: the descriptors must go all the same.
        when_destroyed(self._notifier, reader.close)

    @property
    def has_more(self) -> bool:
        """Whether pictures have come that wait for their times."""
        return False

    def reads(self, request: FrameRequest, timing: Timing | None) -> bool:
        """Tell whether it reads just that, to be shown at those times."""
        return self.request == request and self.timing is timing

    def take(self) -> None:
        """Take the newest frame, if one has come."""
        try:
            if self._receive() and (on_picture := self._on_picture()) is not None:
                on_picture()
        except ClosedError:
            self.close()
        except CamgraphError as error:
            self._break(str(error))
        except Exception as error:
            # PyQt6 aborts the program when an exception leaves a slot.
            _log.exception("frames can't be shown")
            self._break(str(error))

    def drop_picture(self) -> None:
        """Give the picture's memory back to the ring."""
        self._dropped += self._replace(None)

    def counts(self) -> FrameCounts:
        """Return what became of the ring's frames so far, but for those that were painted."""
        waiting = self.picture is not None and not self.picture.painted
        counts = FrameCounts(waiting=int(waiting), superseded=self._superseded, dropped=self._dropped)
        counts.add_reader(self._reader.statistics())
        return counts

    def close(self) -> None:
        """Release the reader and the picture; closing twice does nothing."""
        if not self.closed:
            self.closed = True
            self._notifier.setEnabled(False)
            self.drop_picture()
            self._count_last()
            self._reader.close()
            self._notifier.deleteLater()

    def _receive(self) -> bool:
        """Take what the ring has; tell whether there is another picture."""
        # Until there is none: a notice that is left makes the descriptor readable, and wakes once more.
        came = False
        while (frame := self._reader.read_nowait()) is not None:
            self._show(frame)
            came = True
        return came

    def _show(self, frame: Frame) -> None:
        """Make a frame the picture."""
        if frame.format != self.request.format:
            self._dropped += 1
            raise InternalError(f"asked for {self.request.format}, the ring holds {frame.format}")
        self._superseded += self._replace(Picture(frame))
        self.seen = True

    def _count_last(self) -> None:
        """Count what was published and will not be shown."""
        with suppress(CamgraphError):
            while (frame := self._reader.read_nowait()) is not None:
                self._dropped += 1
                frame.release()

    def _break(self, reason: str) -> None:
        self.close()
        on_broken = self._on_broken()
        if on_broken is not None:
            on_broken(reason)

    def _replace(self, picture: Picture | None) -> bool:
        """Have another picture; tell whether the old one was never painted."""
        old, self.picture = self.picture, picture
        if old is None:
            return False
        old.frame.release()
        return not old.painted
