"""A Qt program whose processes are harmed: ``python -m tests.faults.process_storm_program OPTIONS``.

OPTIONS, a JSON object: ``site``, ``seed``, ``seconds``, ``url`` of a camera, ``directory`` for the books. At
its end it prints a JSON object: what was ``told``, the ``problems``, the ``sums``.
"""

import faulthandler
import gc
import json
import logging
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from qtpy.QtCore import QCoreApplication
from tests.faults.process_storm import ProcessStorm

import camgraph as cg
from camgraph.qt.application import Application
from camgraph.testing.census_descriptors import AbstractSockets, Descriptors, MemfdMappings
from camgraph.testing.census_processes import Processes
from camgraph.testing.census_qt import QThreads
from camgraph.testing.census_threads import Threads

LIVES_AGAIN_WITHIN_S = 30.0
ANSWERS_WITHIN_S = 10.0
ENDS_WITHIN_S = 8.0


def pump(done: Callable[[], bool], seconds: float) -> bool:
    """Run the event loop until it is `done`; False: it is not, within so many seconds."""
    end = time.monotonic() + seconds
    while not done():
        if time.monotonic() > end:
            return False
        QCoreApplication.processEvents()
        time.sleep(0.001)
    return True


def spread(values: Sequence[float]) -> dict[str, float]:
    """Return median, 99th percentile and maximum."""
    if len(values) < 2:
        return {}
    return {
        "p50": round(statistics.median(values), 1),
        "p99": round(statistics.quantiles(values, n=100)[98], 1),
        "max": round(max(values), 1),
    }


def main(options: dict[str, Any]) -> None:
    logging.basicConfig(format="%(relativeCreated)d %(name)s: %(message)s", level=logging.WARNING)
    faulthandler.enable()
    problems: list[str] = []
    app = Application("storm")
    processes = Processes()
    kinds: tuple[Any, ...] = (
        processes,
        Descriptors(),
        MemfdMappings(),
        AbstractSockets(),
        Threads(),
        QThreads(),
    )
    before = [kind.take() for kind in kinds]
    graph = cg.Graph()
    graph.rtsp("camera", options["url"])
    site = graph.start(name=options["site"])
    storm = ProcessStorm(app, site, options["seed"], Path(options["directory"]))
    app.after(options["seconds"], app.quit)
    app.run()

    storm.rest()
    if not pump(lambda: storm.all_live, LIVES_AGAIN_WITHIN_S):
        heard = [(account.name, account.pid_heard, account.frames) for account in storm.accounts]
        problems.append(f"not all live again: {heard}")
    storm.calm()
    if not pump(lambda: all(account.answered for account in storm.accounts), ANSWERS_WITHIN_S):
        problems.append("calls are not answered")
    closing_s = close(site, storm)
    if closing_s > ENDS_WITHIN_S:
        problems.append(f"closing took {closing_s:.1f} s")
    if not pump(lambda: all(account.ended and account.answered for account in storm.accounts), 2.0):
        problems.append("ends and answers are not emitted")
    storm.conclude(all_of_them=True)

    def left() -> list[str]:
        gc.collect()
        return [
            f"{kind.kind} is left: {kind.describe(key)}"
            for kind, known in zip(kinds, before, strict=True)
            for key in kind.take() - known
        ]

    if not pump(lambda: not left(), 3.0):
        problems += left()
    processes.close()
    app.close()
    told = {
        "problems": problems + storm.problems,
        "told": storm.told,
        "sums": dict(storm.sums),
        "timer late, ms": spread(storm.timer_late_ms),
        "messages late, ms": spread(storm.messages_late_ms),
        "closing, s": round(closing_s, 2),
    }
    print(json.dumps(told))


def close(site: cg.Site, storm: ProcessStorm) -> float:
    """Close some processes, then the site with the others; return how long it took."""
    for account in storm.accounts:
        storm.expect_end(account)
    began = time.monotonic()
    for account in storm.accounts[::2]:
        account.front.close(ENDS_WITHIN_S)
    site.close()
    return time.monotonic() - began


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
