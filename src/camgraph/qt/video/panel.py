"""Numbers of a stream, over its picture."""

import time
import weakref
from typing import TYPE_CHECKING

from qtpy.QtCore import QCoreApplication, QPoint
from qtpy.QtGui import QPainter

from camgraph.control.messages import StreamStatus
from camgraph.qt.video.layers import Canvas
from camgraph.qt.video.plate import Plate
from camgraph.qt.video.statistics import WidgetStatistics

if TYPE_CHECKING:
    from camgraph.qt.video.scene import Scene

_EVERY_NS = 500_000_000


class StatisticsPanel:
    """The layer with the numbers, at the top left of the tile; they are looked up twice a second."""

    def __init__(self, scene: "Scene") -> None:
        self._scene = weakref.ref(scene)
        self._plate = Plate()
        self._lines: tuple[str, ...] = ()
        self._shown = 0
        self._looked_ns = 0

    def paint(self, painter: QPainter, canvas: Canvas) -> None:
        """Paint the numbers of the moment."""
        scene, now_ns = self._scene(), time.monotonic_ns()
        if canvas.placed is None or scene is None or scene.stream is None:
            return
        if now_ns - self._looked_ns >= _EVERY_NS:
            statistics = scene.statistics()
            fps = (statistics.shown - self._shown) / ((now_ns - self._looked_ns) / 1e9)
            known = self._looked_ns > now_ns - 4 * _EVERY_NS
            self._shown, self._looked_ns = statistics.shown, now_ns
            self._lines = lines_of(statistics, scene.stream.status, fps if known else None)
        image = self._plate.image(self._lines, canvas.tile, canvas.scale, painter)
        painter.drawImage(QPoint(0, 0), image)


def lines_of(statistics: WidgetStatistics, status: StreamStatus, fps: float | None) -> tuple[str, ...]:
    """Return the numbers in words; `fps`: pictures shown per second of late, None: not known."""
    source = f"{status.width}×{status.height}" if status.width else ""
    loss = _tr("{:.1f} % of the packets lost").format(100 * status.loss) if status.loss else ""
    causes = (
        (_tr("superseded {}"), statistics.superseded),
        (_tr("overdue {}"), statistics.overdue),
        (_tr("late {}"), statistics.late),
        (_tr("behind {}"), statistics.behind),
        (_tr("dropped {}"), statistics.dropped),
    )
    lines = (
        _joined(" ".join(filter(None, (status.codec, source))), loss),
        _joined(
            _tr("shown at {}×{}").format(statistics.width, statistics.height),
            "" if fps is None else _tr("{:.1f} fps").format(fps),
        ),
        _joined(
            _tr("{:.0f} ms old, p99 {:.0f} ms").format(statistics.age_ms_p50, statistics.age_ms_p99),
            _tr("held {:.0f} ms").format(statistics.delay_ms) if statistics.delay_ms else "",
        ),
        _joined(
            _tr("{} shown").format(statistics.shown),
            _tr("{} of them late").format(statistics.shown_late) if statistics.shown_late else "",
            _tr("{} lost").format(statistics.lost),
        ),
        _joined(*(text.format(count) for text, count in causes if count)),
    )
    return tuple(line for line in lines if line)


def _joined(*parts: str) -> str:
    return ", ".join(part for part in parts if part)


def _tr(text: str) -> str:
    return QCoreApplication.translate("VideoWidget", text)
