"""Pictures to keep: what a widget shows now, and what its camera sends next."""

from pathlib import Path
from typing import TYPE_CHECKING, cast

from qtpy.QtCore import QObject, QSocketNotifier, QTimer, Signal
from qtpy.QtGui import QImage, QPainter, QTransform
from qtpy.QtWidgets import QApplication

from camgraph.base.errors import CamgraphError
from camgraph.client.streams import LiveStream
from camgraph.qt.ending import when_destroyed
from camgraph.qt.video.frames import Picture
from camgraph.qt.video.relay import SiteRelay
from camgraph.qt.video.saving import Saving, place_for
from camgraph.qt.video.view import View
from camgraph.ring.reader import Reader

if TYPE_CHECKING:
    from camgraph.qt.video.widget import VideoWidget

WITHIN_MS = 5000


def seen(widget: "VideoWidget") -> QImage:
    """Return what the widget shows now, in device pixels, with what is drawn over the picture."""
    if widget._surface is not None:
        # One that is hidden has not heard of a new size yet.
        widget._surface.resize(widget.size())
        return widget._surface.grabFramebuffer()
    scale = widget.devicePixelRatioF()
    width, height = widget._tile
    image = QImage(width, height, QImage.Format.Format_RGB32)
    if image.isNull():
        return image  # Of nothing; a painter would complain.
    painter = QPainter(image)
    try:
        painter.setFont(widget.font())
        widget._scene.paint(painter, width, height, scale)
    finally:
        painter.end()
    image.setDevicePixelRatio(scale)
    return image


class Snapshots(QObject):
    """Takes pictures for a widget at the camera's resolution, turned and mirrored as it shows them."""

    saved = Signal(object)
    copied = Signal()
    failed = Signal(object)

    def __init__(self, widget: "VideoWidget") -> None:
        super().__init__(widget)

    def save(self, path: str | Path | None) -> None:
        """Save the next picture; ValueError for a path that `place_for` does not take."""
        stream = self._widget.stream
        try:
            place = place_for(path, "picture" if stream is None else stream.name)
        except OSError as error:
            self.failed.emit(f"There is no folder of pictures: {error}")
            return
        self._take(place)

    def copy(self) -> None:
        """Put the next picture into the clipboard."""
        self._take(None)

    @property
    def _widget(self) -> "VideoWidget":
        return cast("VideoWidget", self.parent())

    def _take(self, place: Path | None) -> None:
        stream = self._widget.stream
        if stream is None:
            self.failed.emit("There is no stream to take a picture of.")
            return
        picture = NextPicture(stream, place, self)
        picture.came.connect(self._on_came)
        picture.failed.connect(self.failed)
        picture.start()

    def _on_came(self, image: QImage, place: Path | None) -> None:
        image = turned(image, self._widget.view)
        if place is None:
            QApplication.clipboard().setImage(image)
            self.copied.emit()
            return
        saving = Saving(image, place, self)
        saving.saved.connect(self.saved)
        saving.failed.connect(self.failed)


class NextPicture(QObject):
    """Reads a stream as its camera sends it until a picture comes, for `WITHIN_MS` at the most.

    Emits a signal once, and deletes itself. The camera is decoded and converted at its full size for that
    moment only.
    """

    came = Signal(object, object)
    """The picture, a `QImage` of its own memory, and `place`."""
    failed = Signal(object)
    """Why there is none, in a sentence."""

    def __init__(self, stream: LiveStream, place: Path | None, parent: QObject) -> None:
        super().__init__(parent)
        self._stream, self._place = stream, place
        self._reader: Reader | None = None
        self._notifier: QSocketNotifier | None = None
        relay = SiteRelay.of(stream.site)
        relay.closing.connect(self._on_closing)
        when_destroyed(self, relay.leave)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._on_timeout)

    def start(self) -> None:
        """Read; `failed` may be emitted at once."""
        try:
            reader = self._reader = self._stream.site.read(self._stream.frames(format="bgra"))
        except (CamgraphError, OSError) as error:
            self._fail(str(error))
            return
        self._notifier = QSocketNotifier(reader.fileno(), QSocketNotifier.Type.Read, self)
        self._notifier.activated.connect(self._read)
        # Deleted by its parent, before a picture came.
        when_destroyed(self._notifier, reader.close)
        self._timer.start(WITHIN_MS)

    def _read(self) -> None:
        try:
            frame = None if self._reader is None else self._reader.read_nowait()
            if frame is not None:
                image = Picture(frame).image.copy()
                frame.release()
                self._end()
                self.came.emit(image, self._place)
        except CamgraphError as error:
            self._fail(str(error))

    def _on_timeout(self) -> None:
        status = self._stream.status
        self._fail(status.sentence or f"{self._stream.name} has sent no picture for {WITHIN_MS // 1000} s.")

    def _on_closing(self) -> None:
        if self._reader is not None:
            self._fail("The site is closed.")

    def _fail(self, reason: str) -> None:
        self._end()
        self.failed.emit(reason)

    def _end(self) -> None:
        self._timer.stop()
        if self._notifier is not None:
            self._notifier.setEnabled(False)
        if self._reader is not None:
            self._reader.close()
            self._reader = None
        self.deleteLater()


def turned(image: QImage, view: View) -> QImage:
    """Return an image the way round that a view shows it."""
    if not view.quarter_turns and not view.mirrored:
        return image
    # What is said last is done first.
    way = QTransform().rotate(90 * view.quarter_turns)
    return image.transformed(way.scale(-1, 1) if view.mirrored else way)
