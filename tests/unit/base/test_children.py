import os
import signal
import subprocess
import sys
from pathlib import Path

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
