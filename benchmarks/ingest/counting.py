"""How a process that decodes says how many frames it has, when asked, without costing anything meanwhile."""

import json
import selectors
import subprocess
import sys
import time
from collections.abc import Callable, Sequence

from benchmarks.harness.child import ROOT, last_words
from benchmarks.harness.rounds import RunFailed

_ANSWER_S = 10.0


def serve_counts(counts: Sequence[int]) -> None:
    """Answer each line on standard input with the counts as they are; return at its end."""
    for _ in sys.stdin:
        print(json.dumps(list(counts)), flush=True)


class CountingProcess:
    """A child that serves its counts: ``python -m module arguments``. Owns the process."""

    count_age_s = 0.0

    def __init__(self, module: str, arguments: Sequence[str], descriptors: Sequence[int] = ()) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=tuple(descriptors),
        )
        self.pids = [self._process.pid]

    def counts(self) -> list[int]:
        """Return the counts; raise RunFailed with the child's last words if it has ended."""
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        try:
            stdin.write(b"\n")
            stdin.flush()
        except BrokenPipeError:
            raise RunFailed(self._last_words()) from None
        with selectors.DefaultSelector() as selector:
            selector.register(stdout, selectors.EVENT_READ)
            if not selector.select(_ANSWER_S):
                raise RunFailed("the process does not answer")
        line = stdout.readline()
        if not line:
            raise RunFailed(self._last_words())
        counts: list[int] = json.loads(line)
        return counts

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.communicate()

    def _last_words(self) -> str:
        self._process.kill()
        errors = self._process.communicate()[1].decode(errors="replace")
        return last_words(errors, self._process.returncode)


def wait_until(condition_s: float, what: str, condition: Callable[[], bool]) -> None:
    """Wait for a condition, `condition_s` at most; raise RunFailed naming `what`."""
    deadline = time.monotonic() + condition_s
    while not condition():
        if time.monotonic() > deadline:
            raise RunFailed(f"{what}: not within {condition_s:g} s")
        time.sleep(0.05)
