"""Variables with logins are in no environment of ours that can be read."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from camgraph.base import withheld
from camgraph.base.children import start_module
from camgraph.base.withheld import blot_out, withhold, without_withheld

PROGRAM = """
import os
from camgraph.base.withheld import forget_withheld, withhold
assert os.environ["DOOR"] == "me:pä ss"
withhold(["DOOR", "ABSENT"])
forget_withheld()
assert "DOOR" not in os.environ
print(open(f"/proc/{os.getpid()}/environ").read().replace("\\0", "|"), flush=True)
os.execve("/usr/bin/env", ["env"], os.environ)
"""


@pytest.fixture(autouse=True)
def _forgets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(withheld, "_names", set())


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    environment = {"DOOR": "me:secret", "OTHER": "kept", "DOORBELL": "kept too"}
    with subprocess.Popen(["sleep", "60"], env=environment) as popen:
        yield popen
        popen.kill()


def test_new_names_are_told_from_known_ones() -> None:
    assert withhold(["DOOR"])
    assert not withhold(["DOOR"])
    assert withhold(["DOOR", "GATE"])
    assert without_withheld({"DOOR": "a:b", "GATE": "c:d", "HOME": "/"}) == {"HOME": "/"}


def test_a_process_of_ours_is_started_without_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOOR", "me:secret")
    withhold(["DOOR"])
    popen = start_module("this", stdout=subprocess.PIPE)
    environment = Path(f"/proc/{popen.pid}/environ").read_bytes()
    popen.communicate(timeout=20)
    assert b"PATH=" in environment
    assert b"DOOR" not in environment
    assert os.environ["DOOR"] == "me:secret"


def test_a_process_forgets_its_own() -> None:
    environment = {**os.environ, "DOOR": "me:pä ss", "KEPT": "so"}
    told = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=environment, capture_output=True, check=True, timeout=20
    ).stdout.decode()
    assert "pä ss" not in told
    assert told.count("KEPT=so") == 2


def test_a_running_child_shows_them_no_longer(sleeper: subprocess.Popen[bytes]) -> None:
    withhold(["DOOR"])
    blot_out(sleeper.pid)
    entries = set(filter(None, Path(f"/proc/{sleeper.pid}/environ").read_bytes().split(b"\0")))
    assert entries == {b"DOOR=", b"OTHER=kept", b"DOORBELL=kept too"}


def test_a_process_that_has_ended_is_left_alone(sleeper: subprocess.Popen[bytes]) -> None:
    withhold(["DOOR"])
    sleeper.kill()
    sleeper.wait()
    blot_out(sleeper.pid)
