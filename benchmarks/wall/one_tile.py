"""One camera in a window that can be resized. ``python -m benchmarks.wall.one_tile ours|labels|qt_video url``

Answers lines on standard input with what was shown, how often the tile was painted, and how late a timer was.
A line says what is done until the next one: ``resize`` gives the window another size each `STEP_MS`, ``zoom``
turns the wheel, ``rest`` does nothing.
"""

import json
import math
import os
import sys
from contextlib import ExitStack
from typing import Protocol

from qtpy.QtCore import QEvent, QObject, QSocketNotifier, Qt, QTimer
from qtpy.QtWidgets import QApplication, QVBoxLayout, QWidget

from benchmarks.wall.gui import TimerWatch

STEP_MS = 16
LARGEST_PX, SMALLEST_PX = (960, 540), (480, 270)
_STEPS = 90
"""From the largest to the smallest and back."""


class Tile(Protocol):
    """A peer's tile."""

    @property
    def widget(self) -> QWidget:
        """What shows the camera."""
        ...

    def shown(self) -> int:
        """Return how many frames were shown."""
        ...

    def zoom(self, factor: float) -> None:
        """Enlarge the picture by a factor; nothing happens where that can't be."""
        ...


class _Ours:
    def __init__(self, url: str, running: ExitStack) -> None:
        import camgraph as cg
        from camgraph.qt import VideoWidget

        graph = cg.Graph()
        graph.rtsp("camera", url)
        site = running.enter_context(graph.start())
        self.widget = VideoWidget(site.streams["camera"])

    def shown(self) -> int:
        return self.widget.statistics().shown

    def zoom(self, factor: float) -> None:
        self.widget.zoom_by(factor)


class _Label:
    def __init__(self, url: str) -> None:
        from benchmarks.wall.opencv_labels import Label

        self.widget = Label(url, *LARGEST_PX)
        self.widget.start()

    def shown(self) -> int:
        return self.widget.shown

    def zoom(self, factor: float) -> None:
        pass


class _QtVideo:
    def __init__(self, url: str) -> None:
        from benchmarks.wall.qt_video import VideoTile

        self._tile = VideoTile(url)
        self.widget = self._tile.widget
        self._tile.play()

    def shown(self) -> int:
        return self._tile.shown

    def zoom(self, factor: float) -> None:
        pass


class _Paints(QObject):
    """Counts the paint events of a widget."""

    def __init__(self, widget: QWidget) -> None:
        super().__init__(widget)
        self.count = 0
        widget.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        self.count += event.type() == QEvent.Type.Paint
        return False


class _Motion(QObject):
    """Resizes the window, or zooms, step by step."""

    def __init__(self, window: QWidget, tile: Tile) -> None:
        super().__init__(window)
        self._window, self._tile = window, tile
        self._kind = "rest"
        self._step = 0
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._move)

    def set(self, kind: str) -> None:
        self._kind, self._step = kind, 0
        self._window.resize(*LARGEST_PX)
        if kind == "rest":
            self._timer.stop()
        else:
            self._timer.start(STEP_MS)

    def _move(self) -> None:
        self._step += 1
        part = (1 + math.cos(2 * math.pi * self._step / _STEPS)) / 2
        if self._kind == "resize":
            (width, height), (least_width, least_height) = LARGEST_PX, SMALLEST_PX
            self._window.resize(
                round(least_width + part * (width - least_width)),
                round(least_height + part * (height - least_height)),
            )
        else:
            self._tile.zoom(1.03 if self._step % _STEPS < _STEPS // 2 else 1 / 1.03)


def main(kind: str, url: str) -> None:
    """Show the camera until standard input ends."""
    app = QApplication([])
    with ExitStack() as running:
        tile: Tile
        match kind:
            case "ours":
                tile = _Ours(url, running)
            case "labels":
                tile = _Label(url)
            case _:
                tile = _QtVideo(url)
        window = QWidget()
        layout = QVBoxLayout(window)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(tile.widget)
        window.resize(*LARGEST_PX)
        window.show()
        paints, motion, watch = _Paints(tile.widget), _Motion(window, tile), TimerWatch(app)

        def answer() -> None:
            question = os.read(0, 4096).decode().strip()
            if not question:
                questions.setEnabled(False)
                app.quit()
                return
            told = {"shown": [tile.shown()], "painted": paints.count, "late_ms": watch.stop()}
            print(json.dumps(told), flush=True)
            motion.set(question)
            watch.start()

        questions = QSocketNotifier(0, QSocketNotifier.Type.Read, app)
        questions.activated.connect(answer)
        app.exec()
        window.close()
    if kind != "ours":
        # Threads that are inside OpenCV or a player can't be ended.
        os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
