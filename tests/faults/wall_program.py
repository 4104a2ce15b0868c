"""The program of the tests in this folder: a wall of cameras, and analyzers, telling what it sees.

``python wall_program.py OPTIONS``, a JSON object: ``site``, ``urls``, ``size`` of the window, ``analyzers``
(how many, the streams are shared out among them), ``own`` (streams that want a process of their own). A JSON
line comes every 200 ms: states and counts of streams, tiles and analyzers. A number on its standard input
keeps the thread of the GUI busy for so many seconds.
"""

import json
import os
import sys
import threading
import time
from collections import deque
from contextlib import suppress
from dataclasses import asdict
from typing import Any

import msgspec

import camgraph as cg
from camgraph.errors import CamgraphError
from camgraph.qt import signals
from camgraph.qt.application import Application
from camgraph.qt.wall.window import WallWindow
from camgraph.testing.pattern import decode

TELL_EVERY_S = 0.2


class Analyzer(cg.MessageProcess):
    """Tells what it reads off each picture."""

    restart = True
    saw = cg.message(stream=str, epoch=int, seq=int, ok=bool, torn=bool)

    def on_frame(self, frame: cg.Frame) -> None:
        found = decode(frame.array)
        self.saw.emit(frame.stream, frame.epoch, frame.seq, found.ok, found.torn)


class Heard:
    """What came of one analyzer."""

    def __init__(self, front: Any, streams: list[str]) -> None:
        self.front = front
        self.saw = dict.fromkeys(streams, 0)
        self.torn = self.unreadable = 0
        self.restarts: list[str] = []
        self.exits: list[str] = []
        signals(front).saw.connect(self._count)
        front.restarted.connect(self.restarts.append)
        front.exited.connect(self.exits.append)

    def _count(self, stream: str, _epoch: int, _seq: int, ok: bool, torn: bool) -> None:
        self.saw[stream] += 1
        self.torn += torn
        self.unreadable += not ok and not torn

    def told(self) -> dict[str, Any]:
        return {
            "pid": self.front.pid,
            "alive": self.front.alive,
            "saw": self.saw,
            "torn": self.torn,
            "unreadable": self.unreadable,
            "restarts": self.restarts,
            "exits": self.exits,
            "statistics": asdict(self.front.statistics()),
        }


class Asking:
    """Asks the site for its numbers, beside the GUI's thread: nobody may answer."""

    def __init__(self, site: cg.Site) -> None:
        self.answer: dict[str, Any] | None = None
        self._site = site
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._ask, name="asking")
        self._thread.start()

    def close(self) -> None:
        self._ended.set()
        self._thread.join()

    def _ask(self) -> None:
        while not self._ended.wait(0.3):
            try:
                answer = msgspec.to_builtins(self._site.statistics(timeout=1.0))
            except (CamgraphError, TimeoutError):
                self.answer = None
            else:
                self.answer = {"at": time.monotonic(), **answer}


def hang(seconds: float) -> None:
    """Keep the thread busy, as a program does that computes where it should not."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        pass


def main(options: dict[str, Any]) -> None:
    graph = cg.Graph()
    for number, url in enumerate(options["urls"], 1):
        name = f"camera-{number}"
        graph.rtsp(name, url, own_process=name in options["own"])
    app = Application("wall")
    changes: deque[tuple[str, str, str, int]] = deque()
    with graph.start(name=options["site"]) as site:
        site.subscribe(
            lambda status: changes.append((status.stream, status.state, status.reason, status.since_ns))
        )
        window = WallWindow(site.streams, "wall", options["size"])
        window.closing.connect(site.close)
        heard: dict[str, Heard] = {}
        for number in range(options["analyzers"]):
            streams = list(site.streams.values())[number :: options["analyzers"]]
            front = site.spawn(Analyzer)
            for stream in streams:
                front.watch(stream.frames(size=(320, 180), format="gray8", fps=5))
            heard[f"analyzer-{number + 1}"] = Heard(front, [stream.name for stream in streams])

        def tell() -> None:
            new = [changes.popleft() for _ in range(len(changes))]
            line = {
                "at": time.monotonic(),
                "supervisor": site.supervisor_pid,
                "changes": new,
                "streams": {
                    name: {
                        **msgspec.to_builtins(stream.status),
                        "tile": asdict(window.wall[name].statistics()),
                    }
                    for name, stream in site.streams.items()
                },
                "analyzers": {name: one.told() for name, one in heard.items()},
                "site": asking.answer,
            }
            print(json.dumps(line), flush=True)

        os.set_blocking(sys.stdin.fileno(), False)

        def obey() -> None:
            with suppress(BlockingIOError):
                for seconds in os.read(sys.stdin.fileno(), 1024).split():
                    hang(float(seconds))

        asking = Asking(site)
        telling, obeying = app.every(TELL_EVERY_S, tell), app.every(0.05, obey)
        window.show()
        app.run()
        telling.stop()
        obeying.stop()
        asking.close()
        window.close()
    app.close()


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
