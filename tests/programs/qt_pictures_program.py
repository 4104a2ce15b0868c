"""Makes the pictures of docs/qt.md, one after another, from what is on the screen.

``python qt_pictures_program.py folder clip… url``: clips for cameras, and a camera that nobody has.
"""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from qtpy.QtCore import QPoint, QTimer
from qtpy.QtGui import QContextMenuEvent, QGuiApplication
from qtpy.QtWidgets import QApplication, QTableView, QWidget

import camgraph as cg
from camgraph.qt import (
    Box,
    HeatMap,
    Label,
    Mask,
    Polygon,
    StreamModel,
    VideoWall,
    VideoWidget,
    View,
    Zone,
)

SCREEN = (1600, 1640)


class Shot(NamedTuple):
    """A window, and where on the screen it is; the file is named after it."""

    name: str
    place: tuple[int, int, int, int]
    """x, y, width, height in px."""
    make: Callable[[cg.Site], QWidget]


def tile(site: cg.Site, name: str = "door") -> VideoWidget:
    return VideoWidget(site.streams[name])


def one(site: cg.Site) -> QWidget:
    return tile(site)


def zoomed(site: cg.Site) -> QWidget:
    widget = tile(site)
    widget.view = View(zoom=4.0, center=(0.5, 0.75))
    return widget


def turned(site: cg.Site) -> QWidget:
    widget = tile(site)
    widget.view = View(quarter_turns=1, mirrored=True)
    return widget


def overlay(site: cg.Site) -> QWidget:
    widget = tile(site)
    rows, columns = np.mgrid[0:36, 0:64]
    heat = np.exp(-((columns - 46) ** 2 + (rows - 22) ** 2) / 60.0)
    mask = (columns - 12) ** 2 + (rows - 24) ** 2 < 60
    widget.set_overlay(
        [
            HeatMap(heat),
            Mask(mask, color="#40c4ff"),
            Polygon([(420, 500), (620, 430), (780, 560), (560, 680)], "parking", "#ffd54f", 0.3),
            Box(150, 330, 190, 260, "person 0.93"),
            Label(880, 620, "42 °C", "white"),
        ]
    )
    return widget


def zones(site: cg.Site) -> QWidget:
    widget = tile(site)
    widget.set_zones(
        [
            Zone("entrance", [(120, 330), (480, 300), (540, 640), (160, 660)], "#ffd54f"),
            Zone("road", [(640, 420), (1180, 380), (1200, 660), (700, 640)], "#40c4ff"),
        ]
    )
    widget.edit_zones(True)
    return widget


def numbers(site: cg.Site) -> QWidget:
    widget = tile(site)
    widget.name_shown = widget.statistics_shown = True
    return widget


def lost(site: cg.Site) -> QWidget:
    return tile(site, "cellar")


def large_and_small(site: cg.Site) -> QWidget:
    wall = VideoWall(cameras(site), layout="1+5")
    for widget in wall:
        widget.name_shown = True
    return wall


def drawn(site: cg.Site) -> QWidget:
    return VideoWall(cameras(site), layout=("AAAB", "AAAC", "AAAD", "EFGH"))


def cameras(site: cg.Site) -> list[cg.LiveStream]:
    return [stream for name, stream in site.streams.items() if name != "cellar"]


def table(site: cg.Site) -> QWidget:
    view = QTableView()
    model = StreamModel(site, parent=view)
    view.setModel(model)
    view.horizontalHeader().setStretchLastSection(True)
    return view


SHOTS = (
    Shot("one", (0, 0, 480, 270), one),
    Shot("zoomed", (500, 0, 480, 270), zoomed),
    Shot("turned", (1000, 0, 480, 270), turned),
    Shot("overlay", (0, 290, 480, 270), overlay),
    Shot("zones", (500, 290, 480, 270), zones),
    Shot("numbers", (1000, 290, 480, 270), numbers),
    Shot("wall", (0, 580, 780, 440), large_and_small),
    Shot("drawn", (800, 580, 780, 440), drawn),
    Shot("table", (0, 1040, 780, 290), table),
    Shot("lost", (0, 1350, 480, 270), lost),
    Shot("menu", (800, 1040, 480, 440), one),
)
SHOWN = 25
"""So many pictures of each camera are waited for: numbers are known by then."""
OPENED_MS = 300


def ask_for_menu(widget: QWidget) -> None:
    place = QPoint(120, 12)
    reason = QContextMenuEvent.Reason.Mouse
    QApplication.sendEvent(widget, QContextMenuEvent(reason, place, widget.mapToGlobal(place)))


def take(app: QApplication, folder: Path) -> None:
    picture = QGuiApplication.primaryScreen().grabWindow(0, 0, 0, *SCREEN)
    for shot in SHOTS:
        if not picture.copy(*shot.place).save(str(folder / f"{shot.name}.png")):
            print(f"{shot.name} can't be saved", file=sys.stderr)
    if (popup := app.activePopupWidget()) is not None:
        popup.close()
    app.quit()


def main(folder: Path, clips: list[str], nobody: str) -> None:
    names = ("door", "hall", "yard", "gate", "dock", "road", "roof", "lift")
    graph = cg.Graph()
    for name, clip in zip(names, clips, strict=True):
        graph.file(name, clip, loop=True)
    graph.rtsp("cellar", nobody)
    app = QApplication([])
    with graph.start() as site:
        windows = [shot.make(site) for shot in SHOTS]
        for shot, window in zip(SHOTS, windows, strict=True):
            window.setGeometry(*shot.place)
            window.show()
        by_name = {shot.name: window for shot, window in zip(SHOTS, windows, strict=True)}
        tiles = [tile for window in windows for tile in (window, *window.findChildren(VideoWidget))]
        live = [
            tile
            for tile in tiles
            if isinstance(tile, VideoWidget) and tile.isVisible() and tile.stream_name != "cellar"
        ]

        def look() -> None:
            if all(tile.statistics().shown >= SHOWN for tile in live):
                looking.stop()
                ask_for_menu(by_name["menu"])
                view = by_name["table"]
                assert isinstance(view, QTableView)
                view.resizeColumnsToContents()
                QTimer.singleShot(OPENED_MS, lambda: take(app, folder))

        looking = QTimer()
        looking.timeout.connect(look)
        looking.start(100)
        app.exec()
        for window in windows:
            window.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:-1], sys.argv[-1])
