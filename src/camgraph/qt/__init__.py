"""Video and messages in a Qt program (public).

`VideoWidget` shows a live stream, `VideoWall` many, `WallWindow` in a window, `Walls` in several; a `View`
says what of a picture is seen, and which way round; `Box`, `Polygon`, `Label`, `Mask` and `HeatMap` mark
something in the picture; a `StreamModel` has the streams of a site as rows, for views and QML; `mime_of` and
`stream_of` are for streams that are dragged; `signals` turns the messages of a process into Qt signals,
`reply` the result of a call; `quit_on_interrupt` is for Ctrl-C. Importing this raises MissingDependency where
Qt is missing.
"""

from camgraph.qt.binding import load_qt

load_qt()

from camgraph.qt.interrupt import quit_on_interrupt  # noqa: E402
from camgraph.qt.messages.reply import reply  # noqa: E402
from camgraph.qt.messages.signals import signals  # noqa: E402
from camgraph.qt.mime import mime_of, stream_of  # noqa: E402
from camgraph.qt.models.roles import StreamRole  # noqa: E402
from camgraph.qt.models.streams import StreamModel  # noqa: E402
from camgraph.qt.video.overlay import Box, HeatMap, Label, Mask, Polygon  # noqa: E402
from camgraph.qt.video.presentation import Fixed, InStep, Now, Smooth  # noqa: E402
from camgraph.qt.video.view import View  # noqa: E402
from camgraph.qt.video.widget import VideoWidget  # noqa: E402
from camgraph.qt.video.zones import Zone  # noqa: E402
from camgraph.qt.wall.wall import VideoWall  # noqa: E402
from camgraph.qt.wall.walls import Walls  # noqa: E402
from camgraph.qt.wall.window import WallWindow  # noqa: E402

__all__ = [
    "Box",
    "Fixed",
    "HeatMap",
    "InStep",
    "Label",
    "Mask",
    "Now",
    "Polygon",
    "Smooth",
    "StreamModel",
    "StreamRole",
    "VideoWall",
    "VideoWidget",
    "View",
    "WallWindow",
    "Walls",
    "Zone",
    "mime_of",
    "quit_on_interrupt",
    "reply",
    "signals",
    "stream_of",
]
