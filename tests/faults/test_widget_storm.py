"""Everything that a person and a program can do to windows with video, in random order: nothing breaks.

``CAMGRAPH_SEED`` repeats a run's decisions, ``CAMGRAPH_LONG=1`` goes on for five minutes; QT_API chooses the
binding.
"""

import json
import os
import re
import signal
import subprocess
import sys
import threading
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from tests.faults.widget_storm import LEFT, RIGHT, SCREEN
from tests.real.window_manager import window_manager
from tests.real.x_monitors import Monitors

from camgraph.testing.cameras import Cameras
from camgraph.testing.screens import screen

SECONDS = 300.0 if os.environ.get("CAMGRAPH_LONG") else 60.0
SEED = int(os.environ.get("CAMGRAPH_SEED") or 1)
ENDS_WITHIN_S = 120.0
GROWS_MIB = 25.0
ROOT = Path(__file__).parents[2]
EXCUSED = re.compile(r"^camgraph supervisor: media-\d+ \(pid \d+\) ended: signal SIGKILL$")
"""Of the log: what tells of the harm that was done."""


def run(
    options: dict[str, Any], cameras: Cameras, environment: dict[str, str], errors: Path
) -> dict[str, Any]:
    """Run the program, do to the cameras what it asks for, and return what it tells at its end."""
    told: dict[str, Any] = {}
    with (
        errors.open("w") as written,
        subprocess.Popen(
            [sys.executable, "-m", "tests.faults.widget_storm_program", json.dumps(options)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=written,
            cwd=ROOT,
            env={**os.environ, "QT_QPA_PLATFORM": "xcb", **environment},
            text=True,
        ) as program,
    ):
        # It tells where all of its threads are.
        too_late = threading.Timer(options["seconds"] + ENDS_WITHIN_S, program.send_signal, [signal.SIGABRT])
        too_late.start()
        try:
            assert program.stdout is not None
            assert program.stdin is not None
            for line in program.stdout:
                news = json.loads(line)
                told = news.get("ended", told)
                if what := news.get("cameras"):
                    if what == "kill":
                        cameras.kill()
                    else:
                        cameras.restart()
                    print("killed" if what == "kill" else "restarted", file=program.stdin, flush=True)
        finally:
            too_late.cancel()
            too_late.join()
            program.kill()
    return {**told, "code": program.returncode}


@pytest.mark.timeout(SECONDS + ENDS_WITHIN_S + 60)
def test_whatever_happens_to_windows_the_right_pictures_are_seen_and_nothing_is_left(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    errors = tmp_path / "errors.txt"
    with ExitStack() as stack:
        display = stack.enter_context(screen(SCREEN.width(), SCREEN.height(), framebuffer_in=tmp_path))
        monitors = Monitors(display)
        monitors.set(LEFT, primary=True)
        monitors.set(RIGHT)
        managed = SEED % 2 == 1
        if managed:
            stack.enter_context(window_manager(display))
        steady = stack.enter_context(Cameras(count=4, size=(320, 180), fps=10))
        # Their numbers are 5 and 6, and their pictures are higher.
        others = stack.enter_context(Cameras(count=6, size=(320, 240), fps=10))
        options = {
            "urls": [*steady.urls, *others.urls[4:]],
            "seed": SEED,
            "seconds": SECONDS,
            "framebuffer": str(tmp_path / "Xvfb_screen0"),
            "directory": str(tmp_path),
            "managed": managed,
        }
        told = run(options, others, {"DISPLAY": display, "HOME": str(tmp_path / "home")}, errors)
    logged = errors.read_text()
    print(f"seed {SEED}, {SECONDS:g} s", *told.pop("told", []), logged, sep="\n")
    print(*(f"{name}: {value}" for name, value in told.items()), sep="\n")
    assert told["code"] == 0
    assert told["problems"] == []
    assert [line for line in logged.splitlines() if not EXCUSED.search(line)] == []
    assert sum(told["judged"]) > SECONDS / 2
    assert told["used, MiB"][-1] < told["used, MiB"][0] + GROWS_MIB
