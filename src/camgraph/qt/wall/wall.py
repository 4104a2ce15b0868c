"""Many streams side by side."""

import math
from collections.abc import Iterable, Iterator, Mapping

from qtpy.QtCore import Qt, Signal
from qtpy.QtGui import QPalette
from qtpy.QtWidgets import QGridLayout, QSizePolicy, QWidget

from camgraph.client.streams import LiveStream
from camgraph.qt.video.widget import VideoWidget


class VideoWall(QWidget):
    """Shows streams in a grid as near to square as can be, row by row, without gaps.

    ``wall["door"]`` is the `VideoWidget` of a stream; iterating gives them all, in order. Raises ValueError
    if two streams have the same name. After `Site.apply` it shows the streams that it was made for: make
    another for those of now.
    """

    clicked = Signal(object)
    """A tile was clicked: the stream's name (str)."""

    def __init__(
        self, streams: Mapping[str, LiveStream] | Iterable[LiveStream], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._widgets: dict[str, VideoWidget] = {}
        self.setAutoFillBackground(True)
        palette = self.palette()
        palette.setColor(QPalette.ColorRole.Window, Qt.GlobalColor.black)
        self.setPalette(palette)
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(0)
        chosen = list(streams.values() if isinstance(streams, Mapping) else streams)
        columns = math.ceil(math.sqrt(len(chosen)))
        for number, stream in enumerate(chosen):
            if stream.name in self._widgets:
                raise ValueError(f"two streams are named {stream.name!r}; a wall shows each name once")
            widget = VideoWidget(stream, self)
            # Tiles are of one size whatever they would like to be.
            widget.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Ignored)
            widget.clicked.connect(self.clicked)
            row, column = divmod(number, columns)
            grid.addWidget(widget, row, column)
            grid.setRowStretch(row, 1)
            grid.setColumnStretch(column, 1)
            self._widgets[stream.name] = widget

    def __getitem__(self, name: str) -> VideoWidget:
        return self._widgets[name]

    def __iter__(self) -> Iterator[VideoWidget]:
        return iter(self._widgets.values())
