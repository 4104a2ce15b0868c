"""The program of the tests in this folder: a wall of cameras with a detector each, telling what it sees.

``python wall_program.py NAME URL…`` writes a JSON line every 100 ms: pids, streams' states and counts, exits.
"""

import json
import sys

import camgraph as cg
from camgraph.cli.movement import MovementDetector
from camgraph.qt import signals
from camgraph.qt.application import Application
from camgraph.qt.window import WallWindow


def main(name: str, urls: list[str]) -> None:
    graph = cg.Graph()
    for number, url in enumerate(urls, 1):
        graph.rtsp(f"camera-{number}", url)
    app = Application("wall")
    found: dict[str, int] = {}
    exits: dict[str, str] = {}
    changes: list[tuple[str, str, str]] = []
    with graph.start(name=name) as site:
        site.subscribe(lambda status: changes.append((status.stream, status.state, status.reason)))
        window = WallWindow(site, "wall", (640, 360))
        detectors: dict[str, cg.FrontEnd] = {}
        for stream in site.streams.values():
            detector = detectors[stream.name] = site.spawn(MovementDetector)
            detector.watch(stream.frames(size=(160, 90), format="gray8", fps=10))
            hears = signals(detector)

            def moved(stream: str, *_: float) -> None:
                found[stream] = found.get(stream, 0) + 1

            def exited(how: str, stream: str = stream.name) -> None:
                exits[stream] = how

            hears.moved.connect(moved)
            hears.exited.connect(exited)

        def tell() -> None:
            streams = {
                name: {
                    "state": stream.status.state,
                    "reason": stream.status.reason,
                    "sentence": stream.status.sentence,
                    "next_attempt_ns": stream.status.next_attempt_ns,
                    "epoch": stream.status.epoch,
                    "shown": window.wall[name].statistics().shown,
                    "lost": window.wall[name].statistics().lost,
                    "moved": found.get(name, 0),
                }
                for name, stream in site.streams.items()
            }
            line = {
                "supervisor": site.supervisor_pid,
                "media": media_pid[0],
                "analyzers": {name: detector.pid for name, detector in detectors.items()},
                "exits": exits,
                "changes": changes,
                "streams": streams,
            }
            print(json.dumps(line), flush=True)

        media_pid = [0]

        def ask() -> None:
            media_pid[0] = site.statistics(timeout=2.0).media[0].pid

        telling, asking = app.every(0.1, tell), app.every(0.3, ask)
        window.show()
        app.run()
        telling.stop()
        asking.stop()
        window.close()
    app.close()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
