"""Images become files, beside the GUI: compressing one takes some 50 ms."""

import threading
from datetime import datetime
from pathlib import Path

from qtpy.QtCore import QBuffer, QIODevice, QObject, QSocketNotifier, QStandardPaths, Signal
from qtpy.QtGui import QImage, QImageWriter

from camgraph.base.wakeup import Wakeup
from camgraph.qt.ending import when_destroyed

_QUALITY = {".png": -1, ".jpg": 92, ".jpeg": 92}
"""What Qt's writers are told, by suffix; -1: as they like."""


def place_for(path: str | Path | None, name: str) -> Path:
    """Return the file that a picture is to become; no path is one in the user's folder of pictures.

    In a folder the file is named after `name` and the time. Raises ValueError for a suffix other than
    ``.png``, ``.jpg`` and ``.jpeg``.
    """
    if path is None:
        path = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.PicturesLocation)
        Path(path).mkdir(parents=True, exist_ok=True)
    place = Path(path)
    if place.is_dir():
        place /= f"{name} {datetime.now():%Y-%m-%d %H.%M.%S}.png"
    if place.suffix.lower() not in _QUALITY:
        raise ValueError(f"a picture is saved as {', '.join(_QUALITY)}, not as {place.name!r}")
    return place


def write(image: QImage, place: Path) -> Path:
    """Write a new file; where there is one a number is added to the name. Raises OSError."""
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    suffix = place.suffix.lower()
    writer = QImageWriter(buffer, suffix[1:].encode())
    writer.setQuality(_QUALITY[suffix])
    if not writer.write(image):
        raise OSError(writer.errorString())
    data, number, path = bytes(buffer.data().data()), 1, place
    while True:
        try:
            file = path.open("xb")
        except FileExistsError:
            number += 1
            path = place.with_stem(f"{place.stem} ({number})")
            continue
        try:
            with file:
                file.write(data)
        except OSError:
            path.unlink(missing_ok=True)
            raise
        return path


class _Work:
    """What the thread does; no Qt object, since the thread may be the last to hold it."""

    def __init__(self, image: QImage, place: Path) -> None:
        self.result: Path | str = ""
        self.done = Wakeup()
        self._image, self._place = image, place
        self._lock = threading.Lock()

    def run(self) -> None:
        try:
            self.result = write(self._image, self._place)
        except OSError as error:
            self.result = f"{self._place} can't be written: {error.strerror or error}"
        with self._lock:
            self.done.set()

    def forget(self) -> None:
        with self._lock:
            self.done.close()


class Saving(QObject):
    """Writes an image into a file, in a thread of its own; emits a signal once, and deletes itself.

    The file is written to its end even if this is deleted, or the program ends, before.
    """

    saved = Signal(object)
    """Where the picture is now: `Path`."""
    failed = Signal(object)
    """Why it could not be written."""

    def __init__(self, image: QImage, place: Path, parent: QObject) -> None:
        super().__init__(parent)
        work = self._work = _Work(image, place)
        self._notifier = QSocketNotifier(work.done.fileno(), QSocketNotifier.Type.Read, self)
        self._notifier.activated.connect(self._tell)
        when_destroyed(self, work.forget)
        self._thread = threading.Thread(target=work.run, name="camgraph-saving")
        self._thread.start()

    def _tell(self) -> None:
        self._notifier.setEnabled(False)
        self._thread.join()
        result = self._work.result
        self.deleteLater()
        if isinstance(result, Path):
            self.saved.emit(result)
        else:
            self.failed.emit(result)
