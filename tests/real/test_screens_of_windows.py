"""Screens of windows by their id: other kinds of X servers, their deaths, and none at all."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.real.x11_windows import Spot, x_server

import camgraph as cg
from camgraph.errors import CannotStart, ClosedError
from camgraph.present import Screen
from camgraph.testing.cameras import Cameras
from camgraph.testing.waiting import wait_until

SPOT = Spot(0, 0, 320, 180)


@pytest.fixture(scope="module")
def shared(cameras: Cameras) -> Iterator[cg.Site]:
    graph = cg.Graph()
    graph.rtsp("door", cameras.urls[0])
    with graph.start() as site:
        wait_until(lambda: site.streams["door"].status.state == "live", 20, "the stream")
        yield site


def presenters(site: cg.Site) -> list[int]:
    fronts = [it for it in site.processes if it.name.startswith("Presenter")]
    for front in fronts:
        front.wait_ready(10)
    return [front.pid or 0 for front in fronts]


@pytest.mark.parametrize(
    ("depth", "without", "sides"),
    [(24, ("MIT-SHM",), (320, 181)), (16, (), (321, 180)), (16, ("MIT-SHM",), (320, 180))],
)
def test_where_the_server_can_not_read_the_ring_pixels_are_sent(
    shared: cg.Site, tmp_path: Path, depth: int, without: tuple[str, ...], sides: tuple[int, int]
) -> None:
    with x_server(tmp_path, depth=depth, without=without) as x11, Screen(shared, x11.display) as screen:
        window = screen.create_window(*sides)
        screen.show("door", window)
        x11.wait_shows(Spot(0, 0, *sides))
        told = screen.statistics()[window]
        assert not told.shared_memory
        wait_until(lambda: screen.statistics()[window].shown > told.shown + 5, 5, "frames")


def test_a_server_that_dies_ends_the_presenter_and_harms_nothing_else(
    shared: cg.Site, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    gone: list[int] = []
    (tmp_path / "other").mkdir()
    with (
        x_server(tmp_path) as x11,
        x_server(tmp_path / "other") as other,
        Screen(shared, x11.display) as screen,
        Screen(shared, other.display) as second,
    ):
        screen.on_gone(gone.append)
        window, there = screen.create_window(320, 180), second.create_window(320, 180)
        screen.show("door", window)
        second.show("door", there)
        x11.wait_shows(SPOT)
        other.wait_shows(SPOT)
        assert len(presenters(shared)) == 2
        os.kill(x11.pid, signal.SIGKILL)
        wait_until(lambda: gone == [window], 5, "news of the windows")
        assert f"the X11 display '{x11.display}' is gone" in caplog.text
        wait_until(lambda: len(presenters(shared)) == 1, 5, "the end of the presenter")
        assert screen.statistics() == {}
        with pytest.raises(CannotStart, match="VideoWidget"):
            screen.show("door", window)
        with pytest.raises(CannotStart, match="VideoWidget"):
            screen.create_window()
        other.wait_shows(SPOT)


def test_without_x11_it_is_told_what_to_use_instead(shared: cg.Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    for screen in (Screen(shared), Screen(shared, ":4711")):
        with screen, pytest.raises(CannotStart, match=r"camgraph\.qt\.VideoWidget"):
            screen.show("door", 1)
        with pytest.raises(ClosedError):
            screen.show("door", 1)


def test_what_can_not_be_shown_is_refused(shared: cg.Site) -> None:
    with Screen(shared, ":0") as screen:
        for window in (0, -1, 1 << 32):
            with pytest.raises(ValueError, match="id of a window"):
                screen.show("door", window)
        for options in ({"fit": "tile"}, {"delay_ms": -1}, {"no_signal_after_s": 0}):
            with pytest.raises(ValueError, match=next(iter(options))):
                screen.show("door", 1, **options)
        with pytest.raises(ValueError, match="sides"):
            screen.create_window(0, 10)


@pytest.mark.parametrize("by", [signal.SIGKILL, signal.SIGTERM])
def test_windows_outlive_their_presenter_which_ends_with_the_last_screen(
    shared: cg.Site, tmp_path: Path, by: signal.Signals
) -> None:
    with x_server(tmp_path) as x11:
        with Screen(shared, x11.display) as screen, Screen(shared, x11.display) as second:
            window = screen.create_window(320, 180)
            assert presenters(shared) == []
            screen.show("door", window)
            other = second.create_window(100, 100)
            x11.move(other, 400, 0)
            second.show(None, other)
            x11.wait_shows(SPOT)
            screen.boxes(window, [(0.25, 0.75, 0.75, 0.25)])
            (first,) = presenters(shared)
            os.kill(first, by)
            assert f"Window {window}" in x11.xdotool("getwindowgeometry", window)
            wait_until(lambda: presenters(shared) not in ([first], []), 10, "another presenter")
            wait_until(lambda: screen.statistics()[window].shown > 3, 10, "frames")
            assert (x11.pixels(SPOT)[45, 80:240] == (0, 255, 0)).all(), "the boxes, too"
            screen.close()
            assert len(presenters(shared)) == 1
            assert list(wait_until(second.statistics, 5)) == [other]
        wait_until(lambda: presenters(shared) == [], 5, "its end")


def test_a_forked_child_leaves_the_windows_to_its_parent(shared: cg.Site, tmp_path: Path) -> None:
    with x_server(tmp_path) as x11, Screen(shared, x11.display) as screen:
        window = screen.create_window(320, 180)
        before = len(os.listdir("/proc/self/fd"))
        pid = os.fork()
        if not pid:
            screen.close()
            os._exit(0 if len(os.listdir("/proc/self/fd")) < before else 1)
        assert os.waitpid(pid, 0)[1] == 0
        screen.show("door", window)
        x11.wait_shows(SPOT)


def test_a_server_that_stops_for_a_while_is_waited_for(shared: cg.Site, tmp_path: Path) -> None:
    with x_server(tmp_path) as x11, Screen(shared, x11.display) as screen:
        window = screen.create_window(320, 180)
        screen.show("door", window)
        x11.wait_shows(SPOT)
        (process,) = presenters(shared)
        os.kill(x11.pid, signal.SIGSTOP)
        try:
            # Two pictures are on their way; then no other is taken, and the presenter still answers.
            wait_until(lambda: not _grows(screen, window), 5, "no more pictures")
            before = screen.statistics()[window]
        finally:
            os.kill(x11.pid, signal.SIGCONT)
        wait_until(lambda: screen.statistics()[window].shown > before.shown + 5, 5, "pictures again")
        assert screen.statistics()[window].skipped > 0
        assert presenters(shared) == [process]
        x11.wait_shows(SPOT)


def _grows(screen: Screen, window: int) -> bool:
    before = screen.statistics()[window].shown
    try:
        wait_until(lambda: screen.statistics()[window].shown != before, 0.3)
    except AssertionError:
        return False
    return True


def test_a_media_process_that_is_killed_is_followed_and_the_site_may_close_first(
    cameras: Cameras, tmp_path: Path
) -> None:
    graph = cg.Graph()
    graph.rtsp("door", cameras.urls[0])
    with x_server(tmp_path) as x11, graph.start() as site, Screen(site, x11.display) as screen:
        window = screen.create_window(320, 180)
        screen.show("door", window)
        x11.wait_shows(SPOT)
        (media,) = site.statistics().media
        epoch = site.streams["door"].status.epoch
        os.kill(media.pid, signal.SIGKILL)
        wait_until(lambda: site.streams["door"].status.epoch > epoch, 10, "another process")
        shown = screen.statistics()[window].shown
        wait_until(lambda: screen.statistics()[window].shown > shown + 3, 10, "its pictures")
        x11.wait_shows(SPOT)
        assert screen.statistics()[window].shared_memory
        site.close()
        with pytest.raises(ClosedError):
            screen.show("door", window)


PROGRAM = """
import sys, time
import camgraph as cg
from camgraph.present import Screen

graph = cg.Graph()
graph.rtsp("door", sys.argv[1])
screen = Screen(graph.start())
screen.show("door", screen.create_window(320, 180))
while not screen.statistics(20):
    time.sleep(0.01)
print(*[front.pid for front in screen._site.processes], flush=True)
time.sleep(60)
"""


def test_the_presenter_ends_with_a_program_that_is_killed(cameras: Cameras, tmp_path: Path) -> None:
    with x_server(tmp_path) as x11:
        program = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, cameras.urls[0]],
            env={**os.environ, "DISPLAY": x11.display},
            stdout=subprocess.PIPE,
            text=True,
        )
        with program:
            assert program.stdout is not None
            presenter = int(program.stdout.readline())
            x11.wait_shows(SPOT)
            program.kill()
        wait_until(lambda: not Path(f"/proc/{presenter}").exists(), 5, "the end of the presenter")
        # Its own windows go with it.
        wait_until(lambda: not x11.pixels(SPOT).any(), 5, "an empty screen")
