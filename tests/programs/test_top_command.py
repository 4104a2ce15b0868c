"""``camgraph top`` at a site that plays, and one that does not."""

import os
import re
import signal
import subprocess
from collections.abc import Iterator
from uuid import uuid4

import pytest
from tests.real.terminal import CAMGRAPH, on_terminal

import camgraph as cg
from camgraph.testing.cameras import Cameras
from camgraph.testing.waiting import wait_until

ROW = r"door +live +\d+ s +h264 320×180 +2\d\.\d +\d\.\d\d +0 +\d+\.\d ms +0 +\d+\.\d ms +\d+ +0\.\d s +0 +1 "
NARROW_ROW = r"door +live +\d+ s +320×180 +2\d\.\d +\d\.\d\d +0 +0 +0\.\d s +1 "


@pytest.fixture(scope="module")
def cameras() -> Iterator[Cameras]:
    with Cameras(count=1, size=(320, 180)) as cameras:
        yield cameras


@pytest.fixture
def site(cameras: Cameras) -> Iterator[cg.Site]:
    graph = cg.Graph()
    graph.gate("night", graph.rtsp("door", cameras.urls[0]), opened=False)
    graph.rtsp("attic", "rtsp://127.0.0.1:9/1")
    with graph.start(name=f"top-{uuid4().hex[:8]}") as site:
        yield site


def once(name: str) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, "COLUMNS": "80"}
    return subprocess.run(
        [CAMGRAPH, "top", name, "--once"], env=environment, capture_output=True, text=True, timeout=30
    )


def test_on_a_terminal_the_numbers_are_live(site: cg.Site) -> None:
    with on_terminal("top", site.name, "--interval", "0.3") as terminal:
        with site.read(site.streams["door"].frames()) as reader:
            reader.read(timeout=20)
            wait_until(lambda: re.search(ROW, terminal.screen), 20, "a row of numbers")
        assert "attic: Nothing listens at 127.0.0.1:9" in terminal.screen
        assert re.search(r"Site top-\w+: 1 of 3 streams play, 0\.\d Mbit/s, \d\.\d\d cores", terminal.screen)
        [media] = site.statistics().media
        os.kill(media.pid, signal.SIGKILL)
        wait_until(lambda: re.search(r"media-1 +\d+ +2 +2 .*SIGKILL", terminal.screen), 10, "its death")
        wait_until(lambda: site.streams["door"].status.state == "live", 10, "pictures again")
        os.write(terminal.master, b"\x03")
        terminal.wait_ended(5)
        assert terminal.process.returncode == 0
        assert "Traceback" not in terminal.screen
    assert site.statistics().clients == 1


def test_once_it_prints_what_is_now(site: cg.Site) -> None:
    with site.read(site.streams["door"].frames()) as reader:
        reader.read(timeout=20)
        wait_until(lambda: site.statistics().streams["door"].fps > 20, 10, "a rate")
        done = once(site.name)
    assert (done.returncode, done.stderr) == (0, "")
    assert re.search(NARROW_ROW, done.stdout)
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert re.search(r"night +stopped ", done.stdout)
    assert "\x1b" not in done.stdout


def test_a_site_that_does_not_run_is_told_in_one_sentence() -> None:
    done = once("no-such-site")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("no site named 'no-such-site' runs on this machine")
