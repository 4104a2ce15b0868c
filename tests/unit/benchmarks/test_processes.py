import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from benchmarks.harness.asking import AskedProcess, wait_until
from benchmarks.harness.machine import children_of
from benchmarks.harness.processes import Doomed, module_of, name_of, parse_rollup, take_census
from benchmarks.harness.rounds import RunFailed
from camgraph.testing.waiting import wait_until as wait_for

ROLLUP = """\
55d0c0000000-7ffd1c5f6000 ---p 00000000 00:00 0                          [rollup]
Rss:                5120 kB
Pss:                1375 kB
Pss_Dirty:           552 kB
"""
ANSWERS = "import json, sys\nfor _ in sys.stdin: print(json.dumps([1, 2]), flush=True)\n"
STUBBORN = """
import signal, subprocess, sys, time
for name in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP): signal.signal(name, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], stdin=subprocess.DEVNULL)
sys.stdin.readline()
print(child.pid, flush=True)
time.sleep(60)
"""


def test_a_rollup_gives_its_figures_in_kb() -> None:
    assert parse_rollup(ROLLUP) == {"Rss": 5120, "Pss": 1375, "Pss_Dirty": 552}


def test_a_census_counts_what_processes_hold() -> None:
    command = [sys.executable, "-c", "import sys; sys.stdin.read()"]
    before = take_census([os.getpid()])
    with subprocess.Popen(command, stdin=subprocess.PIPE) as child:
        wait_for(lambda: name_of(child.pid).startswith("python"), 10, "the child")
        census = take_census([os.getpid(), child.pid])
        assert census.processes == 2
        assert census.threads > before.threads
        assert census.descriptors >= before.descriptors + 3
        assert census.rss_mb > before.rss_mb
        assert 0 < census.pss_mb < census.rss_mb
    with pytest.raises(ProcessLookupError, match="has ended"):
        take_census([child.pid])


def test_a_process_is_known_by_its_module() -> None:
    with subprocess.Popen([sys.executable, "-m", "code", "-q"], stdin=subprocess.PIPE) as child:
        wait_for(lambda: bool(module_of(child.pid)), 10, "the child's command line")
        assert module_of(child.pid) == "code"
    assert module_of(child.pid) == name_of(child.pid) == ""


def test_a_child_answers_until_it_is_closed() -> None:
    with closing(AskedProcess([sys.executable, "-c", ANSWERS])) as child:
        assert child.ask() == child.ask() == [1, 2]
        pid = child.pid
    assert not Path(f"/proc/{pid}").exists()


def test_a_child_that_fails_gives_its_last_words() -> None:
    command = [sys.executable, "-c", "raise SystemExit('no camera')"]
    with closing(AskedProcess(command)) as child, pytest.raises(RunFailed, match="no camera"):
        wait_until(10, "an end", lambda: child.ask() is None)


def test_closing_ends_what_the_child_started_too() -> None:
    child = AskedProcess([sys.executable, "-c", STUBBORN])
    child.patience_s = 0.2
    grandchild = child.ask()
    assert grandchild in children_of(child.pid)
    child.close()
    wait_for(lambda: not Path(f"/proc/{grandchild}").exists(), 10, "the grandchild's end")


def test_who_does_not_end_is_killed() -> None:
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as child:
        Doomed([child.pid]).see_off(0.0)
        assert child.wait(10) < 0


def test_waiting_says_what_for() -> None:
    with pytest.raises(RunFailed, match="a picture: not within 0 s"):
        wait_until(0, "a picture", lambda: False)
