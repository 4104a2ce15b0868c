import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from camgraph.base import frozen
from camgraph.base.children import start_module
from camgraph.base.errors import CannotStart
from camgraph.testing.waiting import wait_until

_STARTER = """
import os, signal, sys
from camgraph.base.children import start_module
child = start_module("this", stdout=2, ends_with_us=True)
os.kill(child.pid, signal.SIGSTOP)
print(child.pid, flush=True)
signal.pause()
"""


def test_a_child_that_is_stopped_as_soon_as_it_is_started_ends_with_its_starter() -> None:
    with subprocess.Popen([sys.executable, "-c", _STARTER], stdout=subprocess.PIPE) as starter:
        assert starter.stdout is not None
        pid = int(starter.stdout.readline())
        starter.kill()
    try:
        wait_until(lambda: not Path(f"/proc/{pid}").exists(), 5, "the end of the child")
    except AssertionError:
        os.kill(pid, signal.SIGKILL)
        raise


def test_a_frozen_program_starts_itself_out_of_what_it_has_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "program"
    program.write_text('#!/bin/sh\necho "$@" "${PYINSTALLER_RESET_ENVIRONMENT-unset}"\n')
    program.chmod(0o700)
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setattr(sys, "executable", str(program))
    monkeypatch.setattr(frozen, "_supported", False)
    monkeypatch.setenv("PYINSTALLER_RESET_ENVIRONMENT", "1")
    with pytest.raises(CannotStart, match=r"call camgraph\.freeze_support\(\) first in its main file"):
        start_module("camgraph.media", ["3"])
    frozen.freeze_support()
    with start_module("camgraph.media", ["3"], stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stdout.read() == b"--camgraph-process camgraph.media 3 unset\n"
