"""A child that is asked: it answers each line on its standard input with a line of JSON, and costs nothing
meanwhile.
"""

import contextlib
import json
import selectors
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from typing import IO, Any

from benchmarks.harness.child import ROOT, last_words
from benchmarks.harness.machine import tree_of
from benchmarks.harness.processes import Doomed
from benchmarks.harness.rounds import RunFailed

_ANSWER_S = 10.0


class AskedProcess:
    """A running command. Owns it, with all that it starts."""

    patience_s = 10.0
    """How long it may take to end once its standard input has."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        descriptors: Sequence[int] = (),
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 – closed by close()
        self._process = subprocess.Popen(
            command,
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            pass_fds=tuple(descriptors),
            env=environment,
        )
        self.pid = self._process.pid

    def ask(self, question: str = "") -> Any:
        """Return the answer; raise RunFailed with the child's last words if it has ended."""
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        try:
            stdin.write(f"{question}\n".encode())
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
        return json.loads(line)

    def close(self) -> None:
        """End the process, in order if it lets itself, and what it has started."""
        doomed = Doomed(tree_of(self.pid))
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        try:
            if self.patience_s:
                self._process.wait(self.patience_s)
        except subprocess.TimeoutExpired:
            pass
        finally:
            self._process.kill()
            doomed.see_off(self.patience_s)
            self._process.wait()
            self._process.stdout.close()
            self._errors.close()

    def _last_words(self) -> str:
        self._process.kill()
        returncode = self._process.wait()
        self._errors.seek(0)
        return last_words(self._errors.read().decode(errors="replace"), returncode)


def wait_until(condition_s: float, what: str, condition: Callable[[], bool]) -> None:
    """Wait for a condition, `condition_s` at most; raise RunFailed naming `what`."""
    deadline = time.monotonic() + condition_s
    while not condition():
        if time.monotonic() > deadline:
            raise RunFailed(f"{what}: not within {condition_s:g} s")
        time.sleep(0.05)
