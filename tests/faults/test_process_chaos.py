"""Harm at random to eight processes of a Qt program: all that they said and were asked is accounted for.

``CAMGRAPH_PROCESS_CHAOS_S`` is how long it goes on, in seconds; ``CAMGRAPH_CHAOS_SEED`` repeats a run's
decisions.
"""

import json
import os
import secrets
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from tests.faults.family import ring_holders

from camgraph.testing.cameras import Cameras
from camgraph.testing.census_processes import MARK
from reliability.census import users_of

SECONDS = float(os.environ.get("CAMGRAPH_PROCESS_CHAOS_S", "30"))
SEED = int(os.environ.get("CAMGRAPH_CHAOS_SEED") or secrets.randbelow(1_000_000))
ENDS_WITHIN_S = 80.0
TIMER_LATE_MS, MESSAGES_LATE_MS = 10.0, 100.0
"""Of half of them, so that a busy machine has its share: all are told."""
ROOT = Path(__file__).parents[2]


def run_storm(directory: Path, site: str, url: str) -> tuple[dict[str, Any], str]:
    """Run the program; return what it tells, and its standard error."""
    options = {
        "site": site,
        "seed": SEED,
        "seconds": SECONDS,
        "url": url,
        "directory": str(directory / "books"),
    }
    with (directory / "errors.txt").open("w+") as errors:
        program = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.process_storm_program", json.dumps(options)],
            stdout=subprocess.PIPE,
            stderr=errors,
            cwd=ROOT,
            env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
        )
        try:
            output, _ = program.communicate(timeout=SECONDS + ENDS_WITHIN_S)
        except subprocess.TimeoutExpired:
            # It tells where all of its threads are.
            program.send_signal(signal.SIGABRT)
            output, _ = program.communicate()
        errors.seek(0)
        logged = errors.read()
    print(f"seed {SEED}, {SECONDS:g} s", logged, sep="\n")
    assert program.returncode == 0, "the program's end"
    told: dict[str, Any] = json.loads(output)
    print(*told.pop("told"), *(f"{name}: {value}" for name, value in told.items()), sep="\n")
    return told, logged


@pytest.mark.timeout(SECONDS + 120)
def test_every_message_is_accounted_for_after_the_storm(tmp_path: Path) -> None:
    site = f"storm-{uuid4().hex[:8]}"
    with Cameras(1, size=(320, 180), fps=15) as cameras:
        told, logged = run_storm(tmp_path, site, cameras.urls[0])
    assert told["problems"] == []
    assert "failed\n" not in logged
    assert "Traceback" not in logged
    assert told["timer late, ms"]["p50"] < TIMER_LATE_MS
    assert told["messages late, ms"]["p50"] < MESSAGES_LATE_MS
    sums = told["sums"]
    assert sums["heard"] > 100 * SECONDS
    assert sums["lives"] > SECONDS / 2
    assert users_of(site) == []
    assert ring_holders(os.environ[MARK]) == []
