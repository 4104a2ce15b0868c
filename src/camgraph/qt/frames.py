"""Pictures from a ring, ready to be drawn, as they come."""

import itertools
import logging
from typing import NamedTuple

from qtpy.QtCore import QObject, QSocketNotifier, Signal
from qtpy.QtGui import QImage

from camgraph.base.errors import CamgraphError, ClosedError, InternalError
from camgraph.ring.frame import Frame
from camgraph.ring.reader import Reader

_log = logging.getLogger(__name__)
_numbers = itertools.count(1)


class Picture(NamedTuple):
    """A frame and the image over its memory; the frame's lease is held as long as the picture is kept."""

    frame: Frame
    image: QImage
    run: tuple[int, int, int]
    """Names the stretch in which the frame's `seq` counts on: the generation of one ring."""

    @classmethod
    def of(cls, frame: Frame, feed: int) -> "Picture":
        """Return the picture of a bgra frame; nothing is copied."""
        if frame.format != "bgra":
            raise InternalError(f"asked for bgra, the ring holds {frame.format}")
        # The image keeps the memory object alive in PySide6 and not in PyQt6: the frame stays beside it.
        # Making it takes 3 µs, so none is cached per slot.
        image = QImage(frame.memory, frame.width, frame.height, frame.stride, QImage.Format.Format_RGB32)
        return cls(frame, image, (feed, frame.epoch, frame.generation))


class FrameFeed(QObject):
    """Keeps the newest picture of one reader, which it owns; lives in the thread of the GUI."""

    arrived = Signal()
    """A newer `picture` is there."""
    broken = Signal(object)
    """No picture will come any more, for the reason given (str)."""

    def __init__(self, reader: Reader, size: tuple[int, int], parent: QObject) -> None:
        super().__init__(parent)
        self.size = size
        """The size in px that was asked for."""
        self.picture: Picture | None = None
        """The newest picture; None before the first, and after `drop_picture`."""
        self.seen = False
        """Whether a picture has come."""
        self.closed = False
        self._number = next(_numbers)
        self._reader = reader
        self._notifier = QSocketNotifier(reader.fileno(), QSocketNotifier.Type.Read, self)
        self._notifier.activated.connect(self.take)
        # Deleted by a parent, without `close`: the descriptors must go all the same.
        self.destroyed.connect(lambda *_: reader.close())

    def take(self) -> None:
        """Take the newest frame, if one has come."""
        try:
            # Once is enough: it passes over older frames, and the descriptor stays readable for later ones.
            frame = self._reader.read_nowait()
            if frame is not None:
                self._replace(Picture.of(frame, self._number))
                self.seen = True
                self.arrived.emit()
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
        self._replace(None)

    def close(self) -> None:
        """Release the reader and the picture; closing twice does nothing."""
        if not self.closed:
            self.closed = True
            self._notifier.setEnabled(False)
            self._replace(None)
            self._reader.close()
            self.deleteLater()

    def _break(self, reason: str) -> None:
        self.close()
        self.broken.emit(reason)

    def _replace(self, picture: Picture | None) -> None:
        old, self.picture = self.picture, picture
        if old is not None:
            old.frame.release()
