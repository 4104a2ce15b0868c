"""A run in a process of its own: ``python -m module arguments`` prints its values as one line of JSON."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.harness.rounds import RunFailed

ROOT = Path(__file__).resolve().parents[2]
_STARTING_AND_ENDING_S = 45.0


def run_child(
    module: str,
    arguments: Sequence[str],
    window_s: float,
    *,
    directory: Path = ROOT,
    patience_s: float = _STARTING_AND_ENDING_S,
) -> dict[str, Any]:
    """Run a module of a directory to its end; return what it printed. Raises RunFailed with its last words.

    `patience_s` is what starting and ending may take beyond the window. A run that takes longer is killed
    with all it has started.
    """
    with subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
        cwd=directory,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            output, errors = process.communicate(timeout=window_s + patience_s)
        except subprocess.TimeoutExpired:
            raise RunFailed("the run did not end") from None
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
    if process.returncode:
        raise RunFailed(last_words(errors, process.returncode))
    values: dict[str, Any] = json.loads(output)
    return values


def last_words(errors: str, returncode: int) -> str:
    """Return the last line a process wrote before it failed, or how it ended."""
    lines = errors.strip().splitlines()
    return lines[-1] if lines else f"exit code {returncode}"
