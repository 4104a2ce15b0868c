"""The streams of a site as a model: a program's views bind to it instead of asking again and again."""

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from qtpy.QtCore import (
    QAbstractTableModel,
    QByteArray,
    QMimeData,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    Qt,
    QTimer,
)
from qtpy.QtGui import QColor

from camgraph.client.site import Site
from camgraph.control.messages import HAS_PICTURES, SiteStatistics, StreamStatus
from camgraph.qt import arguments
from camgraph.qt.ending import when_destroyed
from camgraph.qt.mime import STREAM_MIME_TYPE, mime_of
from camgraph.qt.models.numbers import SiteNumbers
from camgraph.qt.models.roles import (
    COLUMNS,
    COUNTED,
    NUMBERS,
    OF_STATUS,
    ROLE_NAMES,
    Known,
    StreamRole,
    value_of,
)
from camgraph.qt.video.relay import SiteRelay

Index = QModelIndex | QPersistentModelIndex

_ROOT = QModelIndex()
_DISPLAY = Qt.ItemDataRole.DisplayRole
_RIGHT = int((Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter).value)
_LIVE, _STOPPED, _OTHER = QColor("#43a047"), QColor("#9e9e9e"), QColor("#fb8c00")


class StreamModel(QAbstractTableModel):
    """A row for each stream of a site, in the order of their declaration; it follows `Site.apply`.

    Columns for a QTableView, of which a QListView and QML's views show the first: the name, with a mark in
    the colour of the state. A row can be dragged onto a `VideoWidget`. Each index of a row answers the roles
    of `StreamRole`, in QML by name.

    States are there at once. Numbers are asked of the site once a second while somebody reads them, as a view
    does that is on the screen, by a thread: the GUI does not wait. Until they come, and for streams that
    filters make, they are None. To be used in the thread of the GUI; who makes it keeps it, as any model.
    """

    def __init__(self, site: Site, parent: QObject | None = None) -> None:
        super().__init__(parent)
        if not isinstance(getattr(site, "streams", None), Mapping):
            raise TypeError(f"streams are those of a site, StreamModel(site), not {arguments.shown(site)}")
        self._site = site
        self._streams = list(site.streams.values())
        self._rows = {stream.name: row for row, stream in enumerate(self._streams)}
        self._statuses = {stream.name: stream.status for stream in self._streams}
        self._numbers: SiteStatistics | None = None
        self._readers: Counter[str] = Counter()
        self._counting: set[str] = set()
        """Streams whose seconds were read since they were told last."""
        self._second = QTimer(self)
        self._second.setSingleShot(True)
        self._second.setTimerType(Qt.TimerType.PreciseTimer)
        self._second.timeout.connect(self._on_second)
        self._asker = SiteNumbers(site, self)
        self._asker.came.connect(self._on_numbers)
        relay = SiteRelay.of(site)
        relay.status_changed.connect(self._on_status)
        relay.closing.connect(self._asker.end)
        when_destroyed(self, relay.leave)

    def rowCount(self, parent: Index = _ROOT) -> int:  # noqa: D102, N802
        return 0 if parent.isValid() else len(self._streams)

    def columnCount(self, parent: Index = _ROOT) -> int:  # noqa: D102, N802
        return 0 if parent.isValid() else len(COLUMNS)

    def roleNames(self) -> dict[int, QByteArray]:  # noqa: D102, N802
        names = super().roleNames()
        return names | {int(role): QByteArray(name.encode()) for role, name in ROLE_NAMES.items()}

    def headerData(  # noqa: D102, N802
        self, section: int, orientation: Qt.Orientation, role: int = _DISPLAY
    ) -> Any:
        if orientation != Qt.Orientation.Horizontal or not 0 <= section < len(COLUMNS):
            return super().headerData(section, orientation, role)
        if role == _DISPLAY:
            return self.tr(COLUMNS[section].heading)
        if role == Qt.ItemDataRole.TextAlignmentRole and COLUMNS[section].is_number:
            return _RIGHT
        return None

    def data(self, index: Index, role: int = _DISPLAY) -> Any:  # noqa: D102
        if not index.isValid() or index.row() >= len(self._streams):
            return None
        column = COLUMNS[index.column()]
        if role == _DISPLAY:
            value = self._value(index.row(), column.role)
            return "" if value is None else column.text(value)
        if role == StreamRole.VALUE:
            return self._value(index.row(), column.role)
        if role in ROLE_NAMES:
            return self._value(index.row(), StreamRole(role))
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _RIGHT if column.is_number else None
        status = self._statuses[self._streams[index.row()].name]
        if role == Qt.ItemDataRole.DecorationRole and column.role is StreamRole.NAME:
            return _color_of(status)
        if role == Qt.ItemDataRole.ToolTipRole:
            return self._value(index.row(), StreamRole.SENTENCE) or self._value(index.row(), StreamRole.WORDS)
        if role == Qt.ItemDataRole.AccessibleTextRole and column.role is StreamRole.NAME:
            return f"{status.stream}: {self._value(index.row(), StreamRole.WORDS)}"
        return None

    def flags(self, index: Index) -> Qt.ItemFlag:  # noqa: D102
        if not index.isValid():
            return Qt.ItemFlag.NoItemFlags
        return super().flags(index) | Qt.ItemFlag.ItemNeverHasChildren | Qt.ItemFlag.ItemIsDragEnabled

    def mimeTypes(self) -> list[str]:  # noqa: D102, N802
        return [STREAM_MIME_TYPE]

    def mimeData(self, indexes: Sequence[QModelIndex]) -> QMimeData:  # noqa: D102, N802
        # A widget shows one stream: of several rows the first is dragged.
        rows = sorted(index.row() for index in indexes if index.isValid())
        return mime_of(self._streams[rows[0]]) if rows else QMimeData()

    def _value(self, row: int, role: StreamRole) -> Any:
        stream = self._streams[row]
        status, now_ns = self._statuses[stream.name], time.monotonic_ns()
        if role in NUMBERS:
            self._asker.want()
        elif role in COUNTED and status.next_attempt_ns > now_ns:
            self._counting.add(stream.name)
            self._wait_for_second(status.next_attempt_ns - now_ns)
        numbers = self._numbers
        return value_of(
            Known(
                stream,
                status,
                None if numbers is None else numbers.streams.get(stream.name),
                None if numbers is None else self._readers[stream.name],
                now_ns,
            ),
            role,
        )

    def _wait_for_second(self, left_ns: int) -> None:
        # A millisecond more: a timer that is early would count nothing.
        left_ms = left_ns % 1_000_000_000 // 1_000_000 + 1
        if not self._second.isActive() or self._second.remainingTime() > left_ms:
            self._second.start(left_ms)

    def _on_second(self) -> None:
        counting, self._counting = self._counting, set()
        for name in counting:
            if name in self._rows:
                self._tell(self._rows[name], COUNTED)

    def _on_numbers(self, numbers: SiteStatistics | None) -> None:
        self._numbers = numbers
        self._readers = Counter()
        if numbers is not None:
            for one in numbers.streams.values():
                for ring in one.rings:
                    self._readers[ring.stream] += ring.readers
        if self._streams:
            self._tell(0, NUMBERS, len(self._streams) - 1)

    def _on_status(self, status: StreamStatus) -> None:
        # A stream that was removed and has come again has another handle, and only its newest status comes.
        if self._streams != list(self._site.streams.values()):
            self._follow()
        row = self._rows.get(status.stream)
        if row is not None and status != self._statuses[status.stream]:
            self._statuses[status.stream] = status
            self._tell(row, OF_STATUS)

    def _tell(self, first: int, roles: frozenset[StreamRole], last: int | None = None) -> None:
        """Tell that roles of rows have other values, and so has what is shown of them."""
        shown = [_DISPLAY, StreamRole.VALUE, Qt.ItemDataRole.ToolTipRole]
        if StreamRole.STATE in roles:
            shown += [Qt.ItemDataRole.DecorationRole, Qt.ItemDataRole.AccessibleTextRole]
        end = self.index(first if last is None else last, len(COLUMNS) - 1)
        self.dataChanged.emit(self.index(first, 0), end, [int(role) for role in (*roles, *shown)])

    def _follow(self) -> None:
        """Have the rows that the site has streams, in its order."""
        wanted = list(self._site.streams.values())
        names = {stream.name for stream in wanted}
        for row in reversed(range(len(self._streams))):
            if self._streams[row].name not in names:
                self.beginRemoveRows(_ROOT, row, row)
                self._set_streams(self._streams[:row] + self._streams[row + 1 :])
                self.endRemoveRows()
        for row, stream in enumerate(wanted):
            found = self._rows.get(stream.name)
            if found is None:
                self.beginInsertRows(_ROOT, row, row)
                self._set_streams([*self._streams[:row], stream, *self._streams[row:]])
                self.endInsertRows()
            elif found != row:
                self.beginMoveRows(_ROOT, found, found, _ROOT, row)
                others = self._streams[:found] + self._streams[found + 1 :]
                self._set_streams([*others[:row], stream, *others[row:]])
                self.endMoveRows()
            elif self._streams[row] is not stream:
                self._streams[row] = stream
                self._tell(row, frozenset({StreamRole.STREAM}))

    def _set_streams(self, streams: list[Any]) -> None:
        self._streams = streams
        self._rows = {stream.name: row for row, stream in enumerate(streams)}
        self._statuses = {stream.name: self._statuses.get(stream.name) or stream.status for stream in streams}


def _color_of(status: StreamStatus) -> QColor:
    if status.state in HAS_PICTURES:
        return _LIVE
    return _STOPPED if status.state == "stopped" else _OTHER
