"""Everything that can happen to windows with video, at random; in between, what is seen is judged."""

import json
import os
import random
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

from qtpy.QtCore import QPoint, QRect, QTimer
from qtpy.QtGui import QGuiApplication
from qtpy.QtWidgets import QApplication, QWidget
from tests.faults.widget_storm_desk import Desk
from tests.faults.widget_storm_judge import Judge
from tests.faults.widget_storm_tiles import TileDeeds
from tests.real.x_monitors import Monitor, Monitors

import camgraph as cg
from camgraph.qt import InStep, Now, Smooth, VideoWall, VideoWidget, Walls, WallWindow
from camgraph.qt.video.presentation import Presentation

Steps = Generator[float, None, None]
"""Steps that tell how many seconds are to pass before the next one."""

LEFT, RIGHT = Monitor("left", 0, 0, 1280, 1080), Monitor("right", 1280, 0, 640, 1080)
SCREEN = QRect(0, 0, 1920, 1080)
CELLS = ((0, 0), (650, 0), (0, 520), (650, 520), (1290, 0), (1290, 520))
CELL = (620, 480)
MOST = 3
"""Windows of a kind."""
LAYOUTS = ("auto", "2x2", "1x1", "3x1", "1+5", ("AAB", "AAC", "D.C"))
KEYS = ("Left", "Right", "Up", "Down", "Return", "Escape", "Tab", "Prior", "Next", "plus", "minus", "0")
OTHER_KEYS = ("r", "m", "f", "n", "i", "F11", "Delete")
PAUSE_S = (0.0, 0.25)
BUSY_S = 20.0
CAMERAS_AWAY_S = (0.3, 2.5)
MEDIA_STOPPED_S = (0.1, 1.0)


class Storm:
    """Lets everything happen to windows of one site for some seconds, and judges what is seen meanwhile.

    `ask` tells whoever runs the cameras what is to become of some of them: ``kill`` or ``restart``.
    """

    def __init__(
        self,
        site: cg.Site,
        graph_of: Callable[[list[str]], cg.Graph],
        options: dict[str, object],
        ask: Callable[[str], None],
    ) -> None:
        self.told: list[str] = []
        self.done: Counter[str] = Counter()
        self.cameras = "up"
        """What has become of those that can be killed: ``up``, ``away``, or ``changing``."""
        self._dice = random.Random(int(str(options["seed"])))
        self._managed = bool(options["managed"])
        self._site, self._graph_of, self._ask = site, graph_of, ask
        self._names = list(site.streams)
        self._walls = Walls(site)
        self._desks: list[Desk] = []
        directory = Path(str(options["directory"]))
        self.tile_deeds = TileDeeds(site, self._dice, directory)
        self.judge = Judge(site, Path(str(options["framebuffer"])), os.environ["DISPLAY"], directory)
        self._monitors = Monitors(os.environ["DISPLAY"])
        self._hand: subprocess.Popen[bytes] | None = None
        self._stopped = 0
        self._began = time.monotonic()
        self._deeds = self._all_deeds()

    @property
    def problems(self) -> list[str]:
        """All that was wrong."""
        return [*self.judge.problems, *self.tile_deeds.problems]

    def rage(self, seconds: float) -> Steps:
        """Go on for so long."""
        self._began = time.monotonic()
        end = self._began + seconds
        self._open_wall()
        self._open_desk()
        self._gl()
        yield from self._look(settled=True)
        self._gl()
        deck: list[Callable[[], object]] = []
        while time.monotonic() < end:
            for _ in range(self._dice.randint(4, 14)):
                # Every deed is done before any is done again, but the common ones come more often.
                if not deck:
                    deck = self._dice.sample(self._deeds, len(self._deeds))
                self._do(deck.pop())
                self.tile_deeds.catch_up(self.tiles)
                yield self._dice.uniform(*PAUSE_S)
            yield from self._look(settled=self._dice.random() < 0.7)
        yield from self._look(settled=True)

    def close(self) -> Steps:
        """Close all windows; afterwards nobody reads."""
        yield from self._calm_down()
        self._walls.close()
        for desk in self._desks:
            desk.close()
        self._desks = []
        yield 0.1
        yield from self.judge.no_readers()
        self.judge.close()

    @property
    def walls(self) -> list[VideoWall]:
        return [*(window.wall for window in self._walls.windows), *(desk.wall for desk in self._desks)]

    @property
    def windows(self) -> list[QWidget]:
        return [*self._walls.windows, *self._desks]

    @property
    def tiles(self) -> list[VideoWidget]:
        return [
            *(tile for wall in self.walls for tile in wall),
            *(it for desk in self._desks for it in desk.free),
        ]

    def _all_deeds(self) -> list[Callable[[], object]]:
        rare: list[Callable[[], object]] = [
            self._open_wall,
            self._open_desk,
            self._close_window,
            self._save_and_restore,
            self._apply,
            self._apply,
            self._kill_media,
            self._stop_media,
            self._kill_cameras,
            self._lose_screen,
            self._renew,
            self._put_elsewhere,
            self._float,
            self._gl,
        ]
        common: list[Callable[[], object]] = [
            self._resize,
            self._resize,
            self._move,
            self._hide_or_show,
            self._full_screen,
            self._raise,
            self._tab,
            self._tab,
            self._scroll,
            self._split,
            self._cover,
            self._layout,
            self._enlarge,
            self._page,
            self._swap,
            self._present,
            self._set_streams,
            self._play,
            self._play,
            self._play,
            self._drag,
            self._drag,
        ]
        if self._managed:
            common.append(self._minimise)
        return [*rare, *common * 2, *[self._change_tile] * 40]

    def _do(self, deed: Callable[[], object]) -> None:
        name = deed.__name__.strip("_")
        what = deed()
        self.done[name] += 1
        self.told.append(f"{time.monotonic() - self._began:6.2f} {name} {'' if what is None else what}")

    # What is judged.

    def _look(self, *, settled: bool) -> Steps:
        """Let everything come to rest, and judge what is seen; `settled`: with the windows side by side."""
        self.told.append(f"{time.monotonic() - self._began:6.2f} look{' at all' if settled else ''}")
        yield from self._calm_down()
        if settled:
            self._settle()
        for tile in self.tiles:
            self._make_readable(tile)
        known = len(self.judge.problems)
        yield from self.judge.look(lambda: self.tiles, SCREEN, settled=settled)
        self.told += self.judge.problems[known:]

    def _make_readable(self, tile: VideoWidget) -> None:
        """Have all of the picture in the tile, and only one thing drawn over it."""
        if tile.view.zoom > 1 or tile.view.fit == "cover":
            tile.reset_view()
            tile.action("contain").trigger()
        kept = self._dice.choice(["name", "numbers", "overlay"])
        if kept != "overlay":
            tile.set_overlay(None)
            tile.set_zones(None)
        tile.name_shown &= kept == "name"
        tile.statistics_shown &= kept == "numbers"

    def _calm_down(self) -> Steps:
        """Wait until the mouse is idle, no menu is open, and the cameras are there."""
        end = time.monotonic() + BUSY_S
        while self.cameras != "up" or self._is_busy or self._stopped:
            if time.monotonic() > end:
                self.judge.problems.append(f"it never comes to rest: cameras {self.cameras}, {self._hand}")
                return
            yield 0.02
        while (popup := QApplication.activePopupWidget()) is not None:
            popup.close()
            yield 0.0
        # The X server draws the cursor into the pictures.
        self._use("mousemove", SCREEN.right(), SCREEN.bottom())
        while self._is_busy:
            yield 0.01
        if len(QGuiApplication.screens()) < 2:
            self._monitors.set(RIGHT)
            yield 0.2

    def _settle(self) -> None:
        """Have all windows side by side."""
        for window, cell in zip(self.windows, self._dice.sample(CELLS, len(self.windows)), strict=True):
            if isinstance(window, WallWindow):
                window.set_full_screen(False)
            elif isinstance(window, Desk):
                window.dock.setFloating(False)
            window.showNormal()
            window.setGeometry(
                QRect(QPoint(*cell), window.minimumSizeHint().expandedTo(QRect(0, 0, *CELL).size()))
            )

    # Windows.

    def _any_window(self) -> QWidget | None:
        return self._dice.choice(self.windows) if self.windows else None

    def _open_wall(self) -> str | None:
        if len(self._walls.windows) >= MOST:
            return None
        names = list(self._site.streams)
        some = self._dice.sample(names, self._dice.randint(0, len(names)))
        chosen = None if self._dice.random() < 0.6 else some
        screen = self._dice.choice(QGuiApplication.screens()).name()
        self._walls.add(chosen, screen=screen, size=CELL)
        return f"{chosen} on {screen}"

    def _open_desk(self) -> None:
        if len(self._desks) < MOST and self._site.streams:
            streams = list(self._site.streams.values())
            desk = Desk(self._dice.sample(streams, len(streams)))
            desk.resize(*CELL)
            desk.show()
            self._desks.append(desk)

    def _close_window(self) -> str | None:
        window = self._any_window()
        if window is None or len(self.windows) < 2:
            return None
        if isinstance(window, Desk):
            self._desks.remove(window)
        window.close()
        return type(window).__name__

    def _save_and_restore(self) -> None:
        self._walls.restore(json.loads(json.dumps(self._walls.save())))

    def _resize(self) -> None:
        if (window := self._any_window()) is not None:
            window.resize(self._dice.randint(1, 1300), self._dice.randint(1, 1000))

    def _move(self) -> None:
        if (window := self._any_window()) is not None:
            area = self._dice.choice(QGuiApplication.screens()).geometry()
            window.move(area.x() + self._dice.randint(-50, 300), area.y() + self._dice.randint(-50, 300))

    def _hide_or_show(self) -> None:
        if (window := self._any_window()) is not None:
            window.setVisible(not window.isVisible())

    def _minimise(self) -> None:
        if (window := self._any_window()) is not None:
            if window.isMinimized():
                window.showNormal()
            else:
                window.showMinimized()

    def _full_screen(self) -> None:
        if self._walls.windows:
            window = self._dice.choice(self._walls.windows)
            window.set_full_screen(not window.full_screen)

    def _raise(self) -> None:
        if (window := self._any_window()) is not None:
            window.raise_()

    def _lose_screen(self) -> None:
        if len(QGuiApplication.screens()) > 1:
            self._monitors.delete(RIGHT.name)
        else:
            self._monitors.set(RIGHT)

    # Desks.

    def _desk_deed(self, deed: Callable[[Desk], object]) -> None:
        if self._desks:
            deed(self._dice.choice(self._desks))

    def _tab(self) -> None:
        self._desk_deed(lambda desk: desk.tabs.setCurrentIndex(self._dice.randrange(desk.tabs.count())))

    def _scroll(self) -> None:
        def scroll(desk: Desk) -> None:
            bar = desk.area.verticalScrollBar()
            if bar is not None:
                bar.setValue(self._dice.randint(0, max(1, bar.maximum())))

        self._desk_deed(scroll)

    def _split(self) -> None:
        self._desk_deed(lambda desk: desk.splitter.setSizes([self._dice.randint(0, 300) for _ in range(2)]))

    def _cover(self) -> None:
        def cover(desk: Desk) -> None:
            desk.cover.setVisible(self._dice.random() < 0.5)
            desk.cover.move(0, self._dice.randrange(3) * 90)
            desk.cover.raise_()

        self._desk_deed(cover)

    def _renew(self) -> None:
        self._desk_deed(lambda desk: desk.renew(self._dice.randrange(2), self.tile_deeds.any_stream()))

    def _put_elsewhere(self) -> None:
        self._desk_deed(Desk.put_elsewhere)

    def _float(self) -> None:
        self._desk_deed(lambda desk: desk.dock.setFloating(not desk.dock.isFloating()))

    # Walls.

    def _any_wall(self) -> VideoWall | None:
        return self._dice.choice(self.walls) if self.walls else None

    def _layout(self) -> None:
        if (wall := self._any_wall()) is not None:
            wall.set_layout(self._dice.choice(LAYOUTS))

    def _enlarge(self) -> None:
        if (wall := self._any_wall()) is not None and len(wall):
            if wall.enlarged_name:
                wall.reduce()
            else:
                wall.enlarge(self._dice.choice(wall.order))

    def _page(self) -> None:
        if (wall := self._any_wall()) is not None:
            wall.set_page(self._dice.randint(0, wall.pages))

    def _swap(self) -> None:
        if (wall := self._any_wall()) is not None and len(wall):
            wall.swap(self._dice.choice(wall.order), self._dice.choice(wall.order))

    def _present(self) -> None:
        if (wall := self._any_wall()) is not None:
            every: list[Presentation] = [Now(), Smooth(), InStep(300)]
            wall.presentation = self._dice.choice(every)

    def _set_streams(self) -> None:
        if self._desks:
            streams = list(self._site.streams.values())
            self._dice.choice(self._desks).wall.set_streams(
                self._dice.sample(streams, self._dice.randint(0, len(streams)))
            )

    # Tiles, the mouse and the keys.

    def _change_tile(self) -> str | None:
        tiles = self.tiles
        return self.tile_deeds.change(self._dice.choice(tiles)) if tiles else None

    def _gl(self) -> str | None:
        """OpenGL without a graphics card is slow: one tile at a time."""
        tiles = self.tiles
        drawn = [tile for tile in tiles if tile.gl]
        for tile in drawn:
            tile.gl = False
        if drawn or not tiles:
            return "off"
        self._dice.choice(tiles).gl = True
        return "on"

    @property
    def _is_busy(self) -> bool:
        """Whether the mouse and the keys are in use."""
        if self._hand is not None and self._hand.poll() is not None:
            if self._hand.returncode:
                self.judge.problems.append(f"xdotool ended with {self._hand.returncode}")
            self._hand = None
        return self._hand is not None

    def _use(self, *what: object) -> None:
        if not self._is_busy:
            self._hand = subprocess.Popen(["xdotool", *map(str, what)])

    def _places(self) -> Iterator[list[object]]:
        visible = [tile for tile in self.tiles if tile.isVisible()]
        while visible:
            yield ["mousemove", *self.tile_deeds.point_in(self._dice.choice(visible))]

    def _play(self) -> str:
        place = next(self._places(), None)
        if place is None:
            return ""
        what: list[object] = self._dice.choice(
            [
                ["click", 1],
                ["click", "--repeat", 2, "--delay", 20, 1],
                ["click", "--repeat", 4, "--delay", 10, self._dice.choice([4, 5])],
                ["click", 3, "sleep", 0.1, "key", self._dice.choice(["Escape", "Down", "Return"])],
                ["click", 1, "key", self._dice.choice(KEYS), "key", self._dice.choice(OTHER_KEYS)],
            ]
        )
        self._use(*place, *what)
        return " ".join(map(str, [*place, *what]))

    def _drag(self) -> None:
        """From one tile to another, or within one that is zoomed in, or of a zone."""
        places = self._places()
        begin, end = next(places, None), next(places, None)
        if begin is None or end is None:
            return
        way: list[object] = []
        for share in (0.1, 0.5, 0.9, 1.0):
            x, y = (
                round(int(str(one)) * (1 - share) + int(str(other)) * share)
                for one, other in zip(begin[1:], end[1:], strict=True)
            )
            way += ["mousemove", x, y, "sleep", 0.03]
        self._use(*begin, "mousedown", 1, "sleep", 0.03, *way, "mouseup", 1)

    # What lies under the windows.

    def _apply(self) -> str:
        names = [name for name in self._names if self._dice.random() < 0.75] or self._names[:1]
        self._dice.shuffle(names)
        self._site.apply(self._graph_of(names))
        return ", ".join(names)

    def _any_media(self) -> int:
        media = self._site.statistics().media
        return self._dice.choice(media).pid if media else 0

    def _kill_media(self) -> str | None:
        pid = self._any_media()
        if not pid or self._stopped:
            return None
        os.kill(pid, signal.SIGKILL)
        self.judge.harmed()
        return str(pid)

    def _stop_media(self) -> str | None:
        pid = self._any_media()
        if not pid or self._stopped:
            return None
        os.kill(pid, signal.SIGSTOP)
        self.judge.harmed()
        self._stopped = pid
        QTimer.singleShot(round(1000 * self._dice.uniform(*MEDIA_STOPPED_S)), self._continue)
        return str(pid)

    def _continue(self) -> None:
        pid, self._stopped = self._stopped, 0
        if pid:
            try:
                os.kill(pid, signal.SIGCONT)
            except ProcessLookupError:
                self.told.append(f"{pid} has ended")

    def _kill_cameras(self) -> None:
        if self.cameras != "up":
            return
        self.cameras = "changing"
        self._ask("kill")
        self.judge.harmed()

    def cameras_became(self, what: str) -> None:
        """Be told: ``killed`` or ``restarted``."""
        if what == "restarted":
            self.cameras = "up"
            self.judge.harmed()
        else:
            self.cameras = "away"
            QTimer.singleShot(round(1000 * self._dice.uniform(*CAMERAS_AWAY_S)), self._bring_back)

    def _bring_back(self) -> None:
        self.cameras = "changing"
        self._ask("restart")
