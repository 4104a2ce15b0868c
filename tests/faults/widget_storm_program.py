"""A Qt program to whose windows everything happens: ``python -m tests.faults.widget_storm_program OPTIONS``.

OPTIONS, a JSON object: ``urls`` of the cameras, ``seed``, ``seconds``, ``framebuffer`` (the X server's file),
``directory`` for pictures, ``managed`` (there is a window manager). A JSON line asks for what is to become of
``cameras``; the answer comes as a line on the standard input. The last line is what came of it all.
"""

import ctypes
import faulthandler
import gc
import json
import logging
import math
import os
import signal
import sys
import time
import traceback
from collections import Counter
from collections.abc import Generator
from pathlib import Path
from types import FrameType
from typing import Any

from qtpy.QtCore import QObject, QSocketNotifier, QTimer
from qtpy.QtWidgets import QApplication
from tests.faults.widget_storm import Storm

import camgraph as cg
from camgraph.qt.application import Application
from camgraph.qt.video.frames import FrameFeed
from camgraph.qt.video.player import Player
from camgraph.qt.video.relay import SiteRelay
from camgraph.qt.video.saving import Saving
from camgraph.qt.video.scene import Scene
from camgraph.qt.video.snapshot import NextPicture
from camgraph.qt.video.widget import VideoWidget
from camgraph.testing.census_descriptors import AbstractSockets, Descriptors, MemfdMappings
from camgraph.testing.census_processes import Processes
from camgraph.testing.census_qt import QThreads, Widgets
from camgraph.testing.census_threads import Threads

KINDS = (VideoWidget, Player, Scene, FrameFeed, NextPicture, Saving, SiteRelay)
FIRST_S = 15.0
"""After so long the program has all that it makes once, and its memory is taken."""
LONGEST_S = 60.0
"""A storm that goes on for longer has several sites, one after the other."""
LEFT_WITHIN_S = 5.0
OF_LIBRARIES = ("[Thread (pooled)]", "/memfd:xorg", "QPanGesture")
"""What comes and goes with Qt's use of images, of the X server's memory, and of areas that scroll."""


def tell(**news: Any) -> None:
    print(json.dumps(news), flush=True)


def own_memory_mib() -> float:
    """Memory of the program, without what is kept for later; rings are shared, and counted elsewhere."""
    ctypes.CDLL(None).malloc_trim(0)
    status = Path("/proc/self/status").read_text()
    return int(status.partition("RssAnon:")[2].split()[0]) / 1024


def objects_left() -> list[str]:
    """Return which objects of ours there still are, and what refers to them."""
    gc.collect()
    left = [it for it in gc.get_objects() if isinstance(it, KINDS)]
    # They may be deleted in C++, and have no repr.
    return [f"{type(it).__name__}, held by {holders_of(it, left)}" for it in left]


def holders_of(it: object, others: object) -> list[str]:
    """Return what refers to an object, told by its kind and place."""
    held = []
    for holder in gc.get_referrers(it):
        if holder is not others and not isinstance(holder, FrameType):
            further = [type(other).__name__ for other in gc.get_referrers(holder)][:6]
            names = (
                [name for name, value in holder.items() if value is it] if isinstance(holder, dict) else ""
            )
            held.append(f"{type(holder).__name__} {getattr(holder, '__qualname__', '')}{names} of {further}")
    return held


class Program:
    """Goes through the storm from the event loop, step by step."""

    def __init__(self, app: Application, options: dict[str, Any]) -> None:
        self._urls = {f"camera-{number}": url for number, url in enumerate(options["urls"], 1)}
        self._app, self._options = app, options
        self.told: dict[str, Any] = {}
        self.problems: list[str] = []
        self._storm: Storm | None = None
        self._steps = self._all()
        self._timer = QTimer()
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._step)
        self._timer.start(0)
        self._answers = QSocketNotifier(sys.stdin.fileno(), QSocketNotifier.Type.Read)
        self._answers.activated.connect(self._hear)

    def close(self) -> None:
        """Stop listening."""
        self._answers.setEnabled(False)
        self._answers.deleteLater()
        self._timer.deleteLater()

    def _graph(self, names: list[str]) -> cg.Graph:
        graph = cg.Graph()
        for name in names:
            graph.rtsp(name, self._urls[name], own_process=name == "camera-1")
        return graph

    def _step(self) -> None:
        try:
            self._timer.start(round(1000 * next(self._steps)))
        except StopIteration:
            self._app.quit()
        except Exception:
            self.problems.append(traceback.format_exc())
            self._app.quit()

    def _hear(self) -> None:
        for line in os.read(sys.stdin.fileno(), 100).decode().split():
            if self._storm is not None:
                self._storm.cameras_became(line)

    def _all(self) -> Generator[float, None, None]:
        processes = Processes()
        kinds: tuple[Any, ...] = (
            processes,
            Descriptors(),
            MemfdMappings(),
            AbstractSockets(),
            Threads(),
            QThreads(),
            Widgets(),
            Children(),
        )
        seconds = self._options["seconds"]
        first_s = min(FIRST_S, seconds / 2)
        yield from self._weather(first_s, self._options["seed"])
        # What libraries make once, and keep, they have made.
        before = [kind.take() for kind in kinds]
        used_mib = [own_memory_mib()]
        storms = math.ceil((seconds - first_s) / LONGEST_S)
        for number in range(1, storms + 1):
            yield from self._weather((seconds - first_s) / storms, self._options["seed"] + number)
            used_mib.append(own_memory_mib())
        self.told["used, MiB"] = [round(it, 1) for it in used_mib]

        def left() -> list[str]:
            gc.collect()
            return [
                f"{kind.kind} is left: {described}"
                for kind, known in zip(kinds, before, strict=True)
                for key in kind.take() - known
                if not any(word in (described := kind.describe(key)) for word in OF_LIBRARIES)
            ]

        end = time.monotonic() + LEFT_WITHIN_S
        while left() and time.monotonic() < end:
            yield 0.1
        self.problems += left()
        processes.close()

    def _weather(self, seconds: float, seed: int) -> Generator[float, None, None]:
        """Have a site, its windows, and the storm over them; and nothing afterwards."""
        with self._graph(list(self._urls)).start() as site:
            options = {**self._options, "seed": seed}
            storm = self._storm = Storm(site, self._graph, options, lambda what: tell(cameras=what))
            try:
                yield from storm.rage(seconds)
                yield from storm.close()
            finally:
                self.problems += storm.problems
                self._tell_of(storm)
        self._storm = None
        del storm, site
        end = time.monotonic() + LEFT_WITHIN_S
        while (found := objects_left()) and time.monotonic() < end:
            yield 0.1
        if found:
            self.problems.append(f"objects are left: {found}")
        if widgets := QApplication.allWidgets():
            self.problems.append(f"widgets are left: {widgets}")

    def _tell_of(self, storm: Storm) -> None:
        judge, deeds = storm.judge, storm.tile_deeds
        for name, value in {
            "told": storm.told,
            "done": [dict(storm.done)],
            "judged": [judge.judged],
            "judged by numbers": [judge.small],
            "without a picture": [judge.blank],
            "took, s": [round(it, 1) for it in judge.took_s],
            "saved, copied, failed": [deeds.saved, deeds.copied, deeds.failed],
        }.items():
            self.told.setdefault(name, []).extend(value)


class Children:
    """What Qt's application has below it, keyed by its class, counted."""

    kind = "child of the application"

    def take(self) -> set[tuple[str, int]]:
        application = QApplication.instance()
        assert application is not None
        kinds = Counter(it.metaObject().className() for it in application.findChildren(QObject))
        return {(kind, number) for kind, count in kinds.items() for number in range(1, count + 1)}

    def describe(self, key: tuple[str, int]) -> str:
        return f"{key[0]} number {key[1]}"


def main(options: dict[str, Any]) -> None:
    logging.basicConfig(format="%(relativeCreated)d %(name)s: %(message)s", level=logging.WARNING)
    faulthandler.enable()
    faulthandler.register(signal.SIGUSR1)
    app = Application("storm")
    application = QApplication.instance()
    assert isinstance(application, QApplication)
    application.setQuitOnLastWindowClosed(False)
    program = Program(app, options)
    app.run()
    program.close()
    app.close()
    tell(ended={"problems": program.problems, **program.told})


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
