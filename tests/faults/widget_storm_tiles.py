"""What can be done to a tile, at random."""

import random
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from qtpy.QtCore import QPoint
from qtpy.QtGui import QImage

import camgraph as cg
from camgraph.client.streams import LiveStream
from camgraph.qt import Box, Fixed, HeatMap, InStep, Label, Mask, Now, Polygon, Smooth, VideoWidget, Zone
from camgraph.qt.video.overlay import Item
from camgraph.qt.video.presentation import Presentation
from camgraph.testing.pattern import decode

RESULT_MS = (0, 500)


class TileDeeds:
    """Changes tiles, each time another way; what they save is looked at."""

    def __init__(self, site: cg.Site, dice: random.Random, directory: Path) -> None:
        self.problems: list[str] = []
        self.saved = self.failed = self.copied = 0
        self._site, self._dice, self._directory = site, dice, directory
        self._step = InStep(400)
        self._results: list[tuple[float, VideoWidget, Any]] = []
        self._deeds: list[Callable[[VideoWidget], object]] = [
            self._stream,
            self._stream,
            self._view,
            self._view,
            self._zoom,
            self._zoom,
            self._presentation,
            self._presentation,
            self._overlay,
            self._result,
            self._result,
            self._hold,
            self._zones,
            self._panels,
            self._rate,
            self._snapshot,
            self._save,
            self._copy,
            self._menu,
            self._action,
            self._dragging,
        ]

    def change(self, tile: VideoWidget) -> str:
        """Do something; return what."""
        deed = self._dice.choice(self._deeds)
        deed(tile)
        return str(getattr(deed, "__name__", deed)).strip("_")

    def catch_up(self, tiles: list[VideoWidget]) -> None:
        """Give results whose time has come, where their tiles still are."""
        now = time.monotonic()
        for entry in [it for it in self._results if it[0] <= now]:
            self._results.remove(entry)
            if entry[1] in tiles:
                entry[1].add_result(entry[2], [Box(*self._place(entry[1]), 30, 20, "late")])

    def any_stream(self) -> LiveStream | None:
        """Return a stream that there is, or None."""
        return self._dice.choice([None, *self._site.streams.values(), *self._site.streams.values()])

    def _place(self, tile: VideoWidget) -> tuple[float, float]:
        """A place in the picture where nothing is to be read."""
        status = None if tile.stream is None else tile.stream.status
        width, height = (status.width, status.height) if status and status.width else (320, 180)
        part = self._dice.uniform(0.1, 0.3) + self._dice.choice([0, 0.5])
        return self._dice.uniform(0.0, 0.8) * width, part * height

    def _stream(self, tile: VideoWidget) -> None:
        tile.set_stream(self.any_stream())

    def _view(self, tile: VideoWidget) -> None:
        self._dice.choice([tile.rotate, tile.mirror, tile.reset_view, lambda: self._fit(tile)])()

    def _fit(self, tile: VideoWidget) -> None:
        fits: Any = ("contain", "cover", "stretch")
        tile.view = replace(tile.view, fit=self._dice.choice(fits))

    def _zoom(self, tile: VideoWidget) -> None:
        for _ in range(self._dice.randint(1, 4)):
            tile.zoom_by(self._dice.uniform(0.5, 4))
            tile.pan_by(self._dice.uniform(-100, 100), self._dice.uniform(-100, 100))

    def _presentation(self, tile: VideoWidget) -> None:
        smooth, fixed = Smooth(self._dice.choice([100, 500])), Fixed(self._dice.choice([0, 200, 500]))
        every: list[Presentation] = [Now(), smooth, fixed, self._step, self._step]
        tile.presentation = self._dice.choice(every)

    def _overlay(self, tile: VideoWidget) -> None:
        x, y = self._place(tile)
        heat = np.linspace(0, 1, 64, dtype=np.float32).reshape(8, 8)
        items: list[Item] = [
            Box(x, y, 40, 10, "box"),
            Polygon([(x, y), (x + 30, y), (x + 20, y + 12)], fill=0.4),
            Label(x, y, "label"),
            Mask(heat > 0.5, (x, y, 40, 12)),
            HeatMap(heat, (x, y, 30, 10)),
        ]
        tile.set_overlay(self._dice.choice([None, self._dice.sample(items, self._dice.randint(1, 5))]))

    def _hold(self, tile: VideoWidget) -> None:
        tile.hold_results(self._dice.choice([0, 100, 400]))

    def _result(self, tile: VideoWidget) -> None:
        player = tile._scene.player
        if player is not None and player.picture is not None:
            late_s = self._dice.uniform(*RESULT_MS) / 1e3
            self._results.append((time.monotonic() + late_s, tile, player.picture.frame.key))

    def _zones(self, tile: VideoWidget) -> None:
        x, y = self._place(tile)
        tile.set_zones(self._dice.choice([None, [Zone("zone", [(x, y), (x + 40, y), (x, y + 12)])]]))
        tile.edit_zones(self._dice.random() < 0.5)

    def _panels(self, tile: VideoWidget) -> None:
        tile.name_shown = self._dice.random() < 0.5
        tile.statistics_shown = self._dice.random() < 0.5

    def _rate(self, tile: VideoWidget) -> None:
        tile.max_fps = self._dice.choice([None, 2, 5])

    def _snapshot(self, tile: VideoWidget) -> None:
        image = tile.snapshot()
        if tile.size() != image.size():
            self.problems.append(f"a snapshot of {image.size()} of a tile of {tile.size()}")

    def _save(self, tile: VideoWidget) -> None:
        self._hear(tile)
        tile.save_snapshot(self._directory)

    def _copy(self, tile: VideoWidget) -> None:
        self._hear(tile)
        tile.copy_snapshot()

    def _menu(self, tile: VideoWidget) -> None:
        tile.make_menu().deleteLater()

    def _action(self, tile: VideoWidget) -> None:
        names = ("cover", "next_fit", "zoom_in", "zoom_out", "rotate", "mirror", "reset_view", "name")
        tile.action(self._dice.choice([*names, "statistics"])).trigger()

    def _dragging(self, tile: VideoWidget) -> None:
        tile.setDragEnabled(self._dice.random() < 0.8)
        tile.zoomable = self._dice.random() < 0.8

    def _hear(self, tile: VideoWidget) -> None:
        if not tile.property("heard"):
            tile.setProperty("heard", True)
            tile.snapshot_saved.connect(self._on_saved)
            tile.snapshot_copied.connect(self._on_copied)
            tile.snapshot_failed.connect(self._on_failed)

    def _on_copied(self) -> None:
        self.copied += 1

    def _on_failed(self, _reason: str) -> None:
        self.failed += 1

    def _on_saved(self, path: Path) -> None:
        """A file is named after its stream, whatever the widget shows by now."""
        self.saved += 1
        image = QImage(str(path))
        assert image.depth() == 32
        bits: Any = image.constBits()
        if hasattr(bits, "setsize"):  # PyQt6
            bits.setsize(image.sizeInBytes())
        pixels = np.frombuffer(bits, np.uint8).reshape(image.height(), image.bytesPerLine() // 4, 4)
        pixels = pixels[:, : image.width()]
        wanted = int(path.name.partition(" ")[0].removeprefix("camera-"))
        turned = [np.rot90(side, turns) for side in (pixels, pixels[:, ::-1]) for turns in range(4)]
        if not any(
            (found := decode(np.ascontiguousarray(it))).ok and found.camera == wanted for it in turned
        ):
            self.problems.append(f"the file {path.name} is not of that camera")
        path.unlink()

    def point_in(self, tile: VideoWidget) -> tuple[int, int]:
        """Return a place on the screen that is in a tile."""
        size = tile.size()
        inside = QPoint(
            self._dice.randrange(max(1, size.width())), self._dice.randrange(max(1, size.height()))
        )
        place = tile.mapToGlobal(inside)
        return place.x(), place.y()
