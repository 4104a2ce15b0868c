"""A program in C that reads a real site, beside a reader in Python: the same frames, the same bytes."""

import os
import select
import signal
import subprocess
import time
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import get_args
from uuid import uuid4

import pytest
from tests.c_compiler import Language, compile_program
from tests.faults.family import family_of

import camgraph as cg
from camgraph.testing.cameras import Cameras
from camgraph.testing.waiting import wait_until

LANGUAGES: tuple[Language, ...] = get_args(Language)
PROGRAM = Path(__file__).parents[1] / "ring_reader.c"
SIZE = 640, 360
COMPARED = 50
PATIENCE_S = 20.0
Key = tuple[int, int]
"""Epoch and number of a frame."""


class Heard:
    """What the program has said so far."""

    def __init__(self, popen: "subprocess.Popen[bytes]") -> None:
        self._popen = popen
        self._unread = b""
        self.frames: dict[Key, tuple[int, ...]] = {}
        self.others: list[str] = []

    def listen(self, timeout_s: float = 0.0) -> "Heard":
        """Take in what it says now, or within the time; return self."""
        assert self._popen.stdout is not None
        while select.select([self._popen.stdout], [], [], timeout_s)[0]:
            said = os.read(self._popen.stdout.fileno(), 65536)
            if not said:
                break
            *lines, self._unread = (self._unread + said).split(b"\n")
            for line in lines:
                kind, *words = line.decode().split(" ")
                if kind == "frame":
                    seq, epoch, *rest = map(int, words)
                    self.frames[epoch, seq] = tuple(rest)
                else:
                    self.others.append(line.decode())
            timeout_s = 0.0
        return self

    def stop(self) -> None:
        """Have it end, and take in its last words."""
        assert self._popen.stdin is not None
        self._popen.stdin.write(b"stop\n")
        self._popen.stdin.flush()
        deadline = time.monotonic() + PATIENCE_S
        while not any(line.startswith("left") for line in self.others):
            assert time.monotonic() < deadline, self.others
            self.listen(0.1)
        assert self._popen.wait(PATIENCE_S) == 0


@pytest.fixture(scope="module")
def cameras() -> Iterator[Cameras]:
    with Cameras(count=1, size=SIZE) as cameras:
        yield cameras


@pytest.fixture
def site(cameras: Cameras) -> Iterator[cg.Site]:
    graph = cg.Graph()
    graph.rtsp("door", cameras.urls[0])
    with graph.start(name=f"native-{uuid4().hex[:8]}") as site:
        yield site


@pytest.fixture(params=LANGUAGES)
def heard(request: pytest.FixtureRequest, site: cg.Site, tmp_path: Path) -> Iterator[Heard]:
    """The program, at work on every frame of the door, of which it holds two."""
    program = compile_program(PROGRAM, tmp_path / "reader", request.param)
    popen = subprocess.Popen(
        [program, site.name, "door", "every", "0", "4", "2"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    yield Heard(popen)
    popen.kill()
    popen.communicate(timeout=10)


def test_it_sees_what_python_sees_also_after_the_media_process_was_killed(
    site: cg.Site, heard: Heard
) -> None:
    reader = site.read(site.streams["door"].frames(policy="every"))
    seen: dict[Key, tuple[int, ...]] = {}

    def both_saw(epoch_after: int) -> set[Key]:
        """Return frames of a later epoch that both have seen, once there are enough."""
        frame = reader.read(timeout=PATIENCE_S)
        facts = frame.pts or 0, 1, frame.width, frame.height, len(frame.planes)
        seen[frame.epoch, frame.seq] = frame.generation, *facts, zlib.adler32(frame.memory)
        heard.listen()
        both = {key for key in seen.keys() & heard.frames.keys() if key[0] > epoch_after}
        return both if len(both) >= COMPARED else set()

    before = wait_until(lambda: both_saw(0), PATIENCE_S, "frames that both have seen")
    epoch = max(before)[0]
    (media,) = family_of(os.getpid()).media
    os.kill(media.pid, signal.SIGKILL)
    after = wait_until(lambda: both_saw(epoch), PATIENCE_S, "frames of both, of a later epoch")
    for key in before | after:
        assert heard.frames[key] == seen[key], key
    reader.close()
    heard.stop()
    count, left = heard.others
    received, _, _, skipped, reconnects, held = map(int, count.split(" ")[1:])
    assert (received, skipped) == (len(heard.frames), 0)
    assert reconnects >= 1
    assert held == 2
    assert left == "left 0 0 0"


def test_what_can_not_be_had_is_refused_in_the_sites_words(site: cg.Site, tmp_path: Path) -> None:
    program = compile_program(PROGRAM, tmp_path / "reader", "c11")
    popen = subprocess.Popen(
        [program, site.name, "door", "latest", "0", "65", "0"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    heard = Heard(popen)
    try:
        wait_until(lambda: len(heard.listen().others) == 3, PATIENCE_S, "a refusal")
    finally:
        popen.kill()
        popen.communicate(timeout=10)
    refusal = "error 1 a reader may hold 1 to 64 frames, not 65"
    assert heard.others == ["count 0 0 0 0 0 0", refusal, "left 0 0 0"]
