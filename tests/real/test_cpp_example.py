"""The example in C++, compiled as its head says: four streams in threads, without Python or Qt."""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

import pytest
from tests.faults.family import family_of

import camgraph as cg
from camgraph.testing.cameras import Cameras
from camgraph.testing.waiting import wait_until

EXAMPLES = Path(__file__).parents[2] / "examples"
STREAMS = [f"camera-{number}" for number in (1, 2, 3, 4)]
TOLD = re.compile(
    r"^(\S+): received (\d+), lost (\d+), epoch (\d+), change (\d+\.\d+), CPU (\d+\.\d+) s$", re.M
)
PATIENCE_S = 20.0
END_S = 2


class Told(NamedTuple):
    """A line about a stream."""

    received: int
    lost: int
    epoch: int
    change: float
    cpu_s: float


class Program:
    """The running program; what it prints goes to a file."""

    def __init__(self, program: Path, *arguments: str) -> None:
        self._output = program.with_name(f"{uuid4().hex}.txt")
        with self._output.open("w") as output:
            self.popen = subprocess.Popen([program, *arguments], stdout=output, stderr=subprocess.STDOUT)

    @property
    def told(self) -> str:
        return self._output.read_text()

    def lines(self, stream: str) -> list[Told]:
        return [
            Told(int(received), int(lost), int(epoch), float(change), float(cpu_s))
            for name, received, lost, epoch, change, cpu_s in TOLD.findall(self.told)
            if name == stream
        ]

    def last(self, stream: str) -> Told:
        """Return what it told last; raises AssertionError if it has ended."""
        assert self.popen.poll() is None, self.told
        return (self.lines(stream) or [Told(0, 0, 0, 0.0, 0.0)])[-1]


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program, compiled by the command of its head, which warns of nothing."""
    if shutil.which("c++") is None:
        pytest.skip("there is no c++")
    head = (EXAMPLES / "analyse.cpp").read_text().split("*/")[0]
    command = re.search(r"c\+\+ .*\\\n.*include\"", head)
    assert command is not None
    told = command[0].replace(" *  ", "")
    assert told.replace("\\\n", "").split() == told_by_the_readme()
    folder = tmp_path_factory.mktemp("cpp")
    (folder / "examples").symlink_to(EXAMPLES)
    strict = " -Wall -Wextra -Werror -pedantic"
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        told + strict,
        shell=True,
        cwd=folder,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        timeout=50,
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
    return folder / "analyse"


def told_by_the_readme() -> list[str]:
    """Return the words of the command that compiles."""
    command = re.search(r"^c\+\+ .*\\\n.*include\"$", (EXAMPLES / "README.md").read_text(), re.M)
    assert command is not None
    return command[0].replace("\\\n", "").split()


@pytest.fixture(scope="module")
def cameras() -> Iterator[Cameras]:
    with Cameras(count=4, size=(640, 360)) as cameras:
        yield cameras


@pytest.fixture
def site(cameras: Cameras) -> Iterator[cg.Site]:
    graph = cg.Graph()
    for name, url in zip(STREAMS, cameras.urls, strict=True):
        graph.rtsp(name, url)
    with graph.start(name=f"cpp-{uuid4().hex[:8]}") as site:
        yield site


@pytest.fixture
def start(program: Path) -> Iterator[Callable[..., Program]]:
    started: list[Program] = []

    def start(*arguments: str) -> Program:
        started.append(Program(program, *arguments))
        return started[-1]

    yield start
    for running in started:
        running.popen.kill()
        running.popen.wait()


def test_it_is_about_a_page() -> None:
    assert len((EXAMPLES / "analyse.cpp").read_text().splitlines()) < 100


def test_four_streams_lose_nothing_also_when_python_reads_beside_it(
    site: cg.Site, start: Callable[..., Program]
) -> None:
    running = start(site.name, *STREAMS)
    wait_until(lambda: all(running.last(name).received > 25 for name in STREAMS), PATIENCE_S, "frames")
    reader = site.read(site.streams["camera-1"].frames(format="gray8", size=(320, 180), policy="every"))
    first = reader.read(timeout=PATIENCE_S)
    before = {name: len(running.lines(name)) for name in STREAMS}
    for _ in range(125):
        last = reader.read(timeout=PATIENCE_S)
    published = last.seq - first.seq
    counts = reader.statistics()
    reader.close()
    during = {name: running.lines(name)[before[name] - 1 :] for name in STREAMS}
    running.popen.send_signal(signal.SIGINT)
    assert running.popen.wait(END_S) == 0, running.told

    kept_up = counts.late + counts.behind == 0
    for name in STREAMS:
        told = during[name]
        received, lost = told[-1].received - told[0].received, told[-1].lost - told[0].lost
        assert 20 <= received / (len(told) - 1) <= 30, (name, told)
        assert received + lost <= published + 30, (name, told)
        assert any(line.change > 0 for line in told), name
        per_s = [after.received - earlier.received for earlier, after in pairwise(told)]
        if kept_up and all(22 <= rate <= 28 for rate in per_s):
            assert lost == 0, (name, told)
        final = running.lines(name)[-1]
        assert final.received >= told[-1].received
        assert final.cpu_s > 0
    whole = re.search(r"^CPU of all: (\d+\.\d+) s\n\Z", running.told, re.M)
    assert whole is not None
    assert float(whole[1]) >= sum(running.lines(name)[-1].cpu_s for name in STREAMS) - 0.01


def test_it_goes_on_after_the_media_process_was_killed(site: cg.Site, start: Callable[..., Program]) -> None:
    running = start(site.name, *STREAMS)
    wait_until(lambda: all(running.last(name).received > 0 for name in STREAMS), PATIENCE_S, "frames")
    before = {name: running.last(name) for name in STREAMS}
    for media in family_of(os.getpid()).media:
        os.kill(media.pid, signal.SIGKILL)
    wait_until(
        lambda: all(
            running.last(name).epoch > before[name].epoch
            and running.last(name).received > before[name].received + 25
            for name in STREAMS
        ),
        PATIENCE_S,
        "frames of a later epoch",
    )
    running.popen.send_signal(signal.SIGINT)
    assert running.popen.wait(END_S) == 0, running.told


def test_it_ends_by_itself(site: cg.Site, start: Callable[..., Program]) -> None:
    running = start(site.name, "camera-2", "--seconds", "2")
    assert running.popen.wait(2 + END_S) == 0, running.told
    assert 2 <= len(running.lines("camera-2")) <= 3
    assert running.told.splitlines()[-1].startswith("CPU of all: ")


def test_what_goes_wrong_is_one_sentence(site: cg.Site, start: Callable[..., Program]) -> None:
    nobody = f"nobody-{uuid4().hex[:8]}"
    for arguments, status, told in (
        ([site.name], 2, r"usage: analyse SITE STREAM\.\.\. .*"),
        ([site.name, "camera-1", "--seconds"], 2, r"usage: analyse SITE STREAM\.\.\. .*"),
        ([nobody, *STREAMS], 1, rf"camera-[1-4]: no site named '{nobody}' runs .*"),
        ([site.name, "cellar"], 1, r"cellar: .*cellar.*"),
    ):
        running = start(*arguments)
        assert running.popen.wait(PATIENCE_S) == status, running.told
        *lines, last = running.told.splitlines()
        assert re.fullmatch(told, last), running.told
        assert all(": received 0, " in line for line in lines), running.told


def test_it_ends_with_the_site(site: cg.Site, start: Callable[..., Program]) -> None:
    running = start(site.name, "camera-1")
    wait_until(lambda: running.last("camera-1").received > 0, PATIENCE_S, "frames")
    site.close()
    assert running.popen.wait(PATIENCE_S) == 1
    assert running.told.splitlines()[-1].startswith("camera-1: ")
