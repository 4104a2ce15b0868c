"""A program frozen with PyInstaller, which is told nothing of camgraph: it runs all processes itself."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.faults.family import gone

from camgraph.testing.cameras import Cameras
from camgraph.testing.waiting import wait_until

pytestmark = pytest.mark.timeout(240)

MODULE = """\
import camgraph as cg

class Counter(cg.MessageProcess):
    counted = cg.message(total=int, module=str)
    total = 0
    @cg.backend
    def count(self, by: int) -> None:
        self.total += by
        self.counted.emit(self.total, type(self).__module__)
"""
PROGRAM = """\
import sys
import camgraph as cg

if "without" not in sys.argv:
    cg.freeze_support()

from counting import Counter

print("runs", sys.frozen, flush=True)

class Looker(cg.MessageProcess):
    looked = cg.message(shape=tuple, main=str)
    def on_frame(self, frame):
        self.looked.emit(frame.array.shape, sys.modules["__main__"].__spec__.name)

graph = cg.Graph()
door = graph.rtsp("door", sys.argv[1])
with graph.start() as site:
    looker, counter = site.spawn(Looker), site.spawn(Counter)
    looked, counted = looker.messages(20), counter.messages(20)
    looker.watch(door.frames(size=(160, 90), format="bgr24"))
    counter.count(3)
    print(next(looked), next(counted), flush=True)
    if "stay" in sys.argv:
        print(looker.pid, counter.pid, flush=True)
        sys.stdin.read()
print(looker.exit, counter.exit)
"""


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with Cameras(count=1, size=(320, 180)) as cameras:
        yield cameras.urls[0]


@pytest.fixture(scope="module")
def frozen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("frozen")
    (folder / "counting.py").write_text(MODULE)
    (folder / "program.py").write_text(PROGRAM)
    # OpenCV is what camgraph can do without, and would double the size.
    command = [sys.executable, "-m", "PyInstaller", "--log-level", "WARN", "--exclude-module", "cv2"]
    done = subprocess.run(
        [*command, "program.py"],
        cwd=folder,
        env=os.environ | {"PYINSTALLER_CONFIG_DIR": str(folder / "cache")},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    yield folder / "dist" / "program" / "program"
    shutil.rmtree(folder)


def run(*command: Path | str) -> "subprocess.CompletedProcess[str]":
    # With this a frozen program's children would be programs of their own.
    environment = {"PYINSTALLER_RESET_ENVIRONMENT": "1", "HOME": "/nonexistent"}
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=50)


def test_a_frozen_program_is_answered_and_runs_once(frozen: Path, url: str) -> None:
    done = run(frozen, url)
    assert done.stderr == ""
    assert done.stdout.splitlines() == [
        "runs True",
        "('looked', {'shape': (90, 160, 3), 'main': 'camgraph.client.backend'}) "
        "('counted', {'total': 3, 'module': 'counting'})",
        "exit code 0 exit code 0",
    ]


def test_a_frozen_program_that_is_killed_leaves_no_process(frozen: Path, url: str) -> None:
    with subprocess.Popen([frozen, url, "stay"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as program:
        assert program.stdout is not None
        assert program.stdout.readline() == b"runs True\n"
        program.stdout.readline()
        pids = program.stdout.readline().split()
        program.kill()
    assert len(pids) == 2
    wait_until(lambda: all(gone(int(pid)) for pid in pids), 5, "the end of its processes")


def test_a_frozen_program_that_lacks_the_call_is_told_so_once(frozen: Path, url: str) -> None:
    done = run(frozen, url, "without")
    assert done.returncode == 1
    assert "CannotStart: a frozen program runs camgraph's processes itself" in done.stderr
    assert "call camgraph.freeze_support() first in its main file" in done.stderr
    assert done.stdout == "runs True\n"


def test_a_program_that_is_not_frozen_goes_on_whatever_its_arguments() -> None:
    code = "import camgraph as cg; cg.freeze_support(); print('runs')"
    done = run(sys.executable, "-c", code, "--camgraph-process", "camgraph.supervisor")
    assert (done.stdout, done.stderr) == ("runs\n", "")
