"""Whether tiles show what they should, by the screen, by their own numbers and by the site's."""

import time
from collections import Counter
from collections.abc import Callable, Generator
from pathlib import Path

from qtpy.QtCore import QRect
from tests.faults.widget_storm_eyes import Eyes, in_the_open, is_seen, windows_on_screen

import camgraph as cg
from camgraph.errors import CamgraphError
from camgraph.qt import VideoWidget

RIGHT_WITHIN_S = 10.0
RECOVERS_WITHIN_S = 25.0
"""After a camera or a media process was away: it is tried again after some seconds."""
LOOK_EVERY_S = 0.03
ASK_EVERY_S = 0.25


class Judge:
    """Waits until what is seen is right, for a time that has an end, and keeps what is `problems`."""

    def __init__(self, site: cg.Site, framebuffer: Path, display: str, directory: Path) -> None:
        self.problems: list[str] = []
        self.judged = self.small = self.blank = 0
        """How many tiles were judged by their pictures, by their numbers, and for having none."""
        self.took_s: list[float] = []
        self._site, self._directory = site, directory
        self._eyes = Eyes(framebuffer, display)
        self._harmed = True

    def close(self) -> None:
        """Look no more."""
        self._eyes.close()

    def harmed(self) -> None:
        """Be told that a camera or a process was harmed: it takes longer then."""
        self._harmed = True

    def look(
        self, all_tiles: Callable[[], list[VideoWidget]], screen: QRect, *, settled: bool
    ) -> Generator[float, None, None]:
        """Judge; `settled`: all windows lie side by side, so that it is known who reads."""
        began = time.monotonic()
        patience_s = RECOVERS_WITHIN_S if self._harmed else RIGHT_WITHIN_S
        self._harmed = False
        first: dict[VideoWidget, int | None] = {}
        shown = {tile: tile.statistics().shown for tile in all_tiles()}
        asked_at, told = 0.0, ""
        while True:
            windows = windows_on_screen()
            tiles = all_tiles()
            open_ones = [tile for tile in tiles if in_the_open(tile, windows, screen)]
            wrong = [problem for tile in open_ones if (problem := self._wrong(tile, first, shown))]
            if not wrong and settled and time.monotonic() >= asked_at + ASK_EVERY_S:
                asked_at = time.monotonic()
                told = self._readers_wrong(tiles)
            if not wrong and not (settled and told):
                break
            if time.monotonic() - began > patience_s:
                self.problems.append(f"after {patience_s:g} s {wrong or told}")
                self._eyes.keep(self._directory / f"wrong-{len(self.problems)}.png")
                break
            yield LOOK_EVERY_S
        self.took_s.append(time.monotonic() - began)
        for tile in open_ones:
            if self._camera_of(tile) is None:
                self.blank += 1
            elif self._eyes.readable(tile):
                self.judged += 1
            else:
                self.small += 1
        for tile in tiles:
            self._check_sums(tile)

    def no_readers(self) -> Generator[float, None, None]:
        """Wait until nobody reads any stream."""
        end = time.monotonic() + RIGHT_WITHIN_S
        while told := self._readers_wrong([]):
            if time.monotonic() > end:
                self.problems.append(f"all windows are closed: {told}")
                return
            yield ASK_EVERY_S

    def _camera_of(self, tile: VideoWidget) -> int | None:
        """Which camera is to be seen; None: none, since the stream was removed, or there is none.

        A stream that comes again is the same one for those that go on showing it.
        """
        if tile.stream is None or tile.stream_name not in self._site.streams:
            return None
        return int(tile.stream_name.removeprefix("camera-"))

    def _wrong(
        self, tile: VideoWidget, first: dict[VideoWidget, int | None], shown: dict[VideoWidget, int]
    ) -> str:
        """Return what is wrong with a tile; empty: nothing, as far as can be seen."""
        camera = self._camera_of(tile)
        told = f"{described(tile)} shows "
        if camera is not None and not self._eyes.readable(tile):
            count = tile.statistics().shown
            return "" if count > shown.setdefault(tile, count) else f"{told}nothing new"
        seen = self._eyes.read(tile)
        if camera is None:
            return "" if seen is None else f"{told}{seen}, which is no more"
        if seen is None or seen.camera != camera:
            return f"{told}{seen}"
        if first.setdefault(tile, seen.number) != seen.number:
            # Once is enough: numbers come again.
            first[tile] = None
        return "" if first[tile] is None else f"{told}nothing but {seen}"

    def _readers_wrong(self, tiles: list[VideoWidget]) -> str:
        wanted = Counter(
            tile.stream_name for tile in tiles if is_seen(tile) and self._camera_of(tile) is not None
        )
        try:
            streams = self._site.statistics(timeout=1.0).streams
        except (CamgraphError, TimeoutError) as error:
            return str(error)
        reading = Counter({name: sum(ring.readers for ring in it.rings) for name, it in streams.items()})
        return "" if +reading == +wanted else f"{dict(+reading)} read, {dict(wanted)} are seen"

    def _check_sums(self, tile: VideoWidget) -> None:
        it = tile.statistics()
        causes = it.superseded + it.overdue + it.late + it.behind + it.dropped
        if it.published != it.shown + it.lost + it.waiting or it.lost != causes:
            self.problems.append(f"the sums of {tile.stream_name!r} are wrong: {it}")


def described(tile: VideoWidget) -> str:
    """What tells one tile from others, and what is known of it."""
    place = tile.mapToGlobal(tile.rect().topLeft())
    numbers = tile.statistics()
    told = f"{tile.stream_name!r} in {tile.width()}x{tile.height()} at {place.x()},{place.y()}"
    told += f", of {type(tile.window()).__name__}, {tile.accessibleDescription()!r}, {tile.view}"
    told += f", {tile.presentation}, {tile.max_fps} fps, {numbers.shown} shown, {numbers.waiting} wait"
    return told + (", by OpenGL" if tile.gl else "")
