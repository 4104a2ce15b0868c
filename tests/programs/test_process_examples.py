"""The examples of processes: real clicks and pixels, back ends killed while they run, an end in order."""

import os
import re
import signal
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.error import HTTPError

import numpy as np
import pytest
from tests.real.running_example import Example, Picture, back_ends

from camgraph.testing.cameras import Cameras
from camgraph.testing.pattern import decode
from camgraph.testing.screens import windows_of
from camgraph.testing.waiting import wait_until

Start = Callable[..., Example]


@pytest.fixture(scope="module")
def cameras() -> Iterator[Cameras]:
    with Cameras(count=2, size=(640, 360)) as cameras:
        yield cameras


def window_size(running: Example) -> tuple[int, int]:
    wait_until(lambda: windows_of(running.display, running.popen.pid), 20, "the window")
    return running.size()


def click_button(running: Example, number: int, width: int) -> None:
    """Click one of three buttons side by side at the top."""
    running.xdotool("mousemove", width * (2 * number + 1) // 6, 22, "click", 1)


def said(running: Example, pattern: str, since: int = 0) -> str:
    """Wait for what it says; return the group in it."""
    wait_until(lambda: running.says(pattern, since), 20, pattern)
    found = re.search(pattern, running.told()[since:], re.MULTILINE)
    assert found is not None
    return found[found.re.groups]


def has_qt(pid: int) -> bool:
    return "Qt6" in Path(f"/proc/{pid}/maps").read_text()


def has_ended(pid: int) -> bool:
    return not Path(f"/proc/{pid}").exists()


def test_ping_pong(start: Start) -> None:
    running = start("ping_pong.py")
    back_end = int(said(running, r"^ball 1: back from process (\d+) in \d+ µs$"))
    said(running, r"^tired after 3 strokes$")
    said(running, r"^ball 5: Player\.stroke raised ValueError: 5 was out$")
    assert int(said(running, r"^ball 6: back from process (\d+) ")) == back_end != running.popen.pid
    assert not has_qt(running.popen.pid)
    os.kill(back_end, signal.SIGKILL)
    assert "the other process has ended: signal SIGKILL\n" in running.ends()


def test_ctrl_c_ends_ping_pong(start: Start) -> None:
    running = start("ping_pong.py")
    back_end = int(said(running, r"^ball 1: back from process (\d+) "))
    assert running.interrupt().endswith("the other process has ended: exit code 0\n")
    assert has_ended(back_end)


def test_ping_pong_qt(start: Start) -> None:
    running = start("ping_pong_qt.py")
    width, height = window_size(running)
    back_end = int(said(running, r"^process (\d+) is ready$"))
    blank = running.screen(width, height)
    click_button(running, 0, width)
    said(running, r"^ball 1 came\nball 2 came\nball 3 came\nball 4 came\nball 5 came$")
    click_button(running, 1, width)
    assert int(said(running, r"^ball 7 is back from process (\d+)$")) == back_end
    click_button(running, 2, width)
    said(running, r"^ball 10 is lost: Player\.stroke raised ValueError: 10 was out$")
    shown = running.screen(width, height)
    assert (shown[50:, :200] != blank[50:, :200]).any(axis=(1, 2)).sum() > 50
    assert has_qt(running.popen.pid)
    assert not has_qt(back_end)

    since = len(running.told())
    click_button(running, 1, width)
    said(running, r"^ball 7 goes over$", since)
    os.kill(back_end, signal.SIGKILL)
    said(running, r"^ball 7 is lost: Player-1 ended before it answered: signal SIGKILL$", since)
    said(running, r"^it has ended: signal SIGKILL$", since)
    running.close()


@pytest.mark.parametrize("name", ["ping_pong_qt.py", "restart_me.py"])
def test_ctrl_c_ends_an_idle_window(start: Start, name: str) -> None:
    running = start(name)
    back_end = int(said(running, r"^process (\d+) is ready$"))
    running.interrupt()
    assert has_ended(back_end)


def bars(screen: Picture, rows: int) -> list[int]:
    """Return how far the progress bars of the first rows are, in px."""
    blue = (screen[..., 2].astype(int) - screen[..., 0] > 60).sum(axis=1)
    return [int(blue[34 + 28 * row : 62 + 28 * row].max()) for row in range(rows)]


def test_many_processes(start: Start) -> None:
    running = start("many_processes.py")
    program = running.popen.pid
    width, height = window_size(running)
    started: list[int] = []

    def others() -> set[int]:
        return {*back_ends(program)} - {*started}

    for _ in range(3):
        running.xdotool("mousemove", width // 2, 22, "click", 1)
        started.extend(wait_until(others, 10, "one more process"))
    wait_until(lambda: min(bars(running.screen(width, height), 3)) > 5, 10, "progress of all")
    threads = [path.read_text().strip() for path in Path(f"/proc/{program}/task").glob("*/comm")]
    assert threads.count("camgraph-messages"[:15]) == 1

    before = running.screen(width, height)
    os.kill(started[1], signal.SIGKILL)
    wait_until(lambda: {*back_ends(program)} == {started[0], started[2]}, 10, "the death of one")
    assert not (before[64:92, 105:150] < 128).any()
    wait_until(lambda: (running.screen(width, height)[64:92, 105:150] < 128).any(), 10, "how it ended")

    done = bars(running.screen(width, height), 3)

    def others_go_on() -> bool:
        now = bars(running.screen(width, height), 3)
        return now[0] > done[0] and now[2] > done[2] and now[1] == done[1]

    wait_until(others_go_on, 10, "progress of the others")
    for _ in range(2):  # the dead one goes away, then what has come into its place
        running.xdotool("mousemove", width - 50, 78, "click", 1)
        wait_until(lambda: not bars(running.screen(width, height), 3)[2], 10, "a row less")
    wait_until(lambda: back_ends(program) == [started[0]], 10, "the end of the one that was removed")
    assert running.interrupt() == ""
    assert all(map(has_ended, started))


def test_restart_me(start: Start) -> None:
    running = start("restart_me.py")
    width, height = window_size(running)

    def life(number: int) -> int:
        def ready() -> list[str]:
            return re.findall(r"^process (\d+) is ready$", running.told(), re.MULTILINE)

        wait_until(lambda: len(ready()) == number, 20, f"life {number}")
        return int(ready()[-1])

    first = life(1)
    blank = running.screen(width, height)
    click_button(running, 0, width)
    where = r"SIGSEGV in segfault \(restart_me\.py:\d+\)"
    said(running, rf"^Victim was killed by {where}$")
    said(running, rf"^signal {where}: it is started again$")
    story, trace = slice(60, 250), slice(280, 460)

    def changed(rows: slice) -> bool:
        return bool((running.screen(width, height)[rows] != blank[rows]).any(axis=(1, 2)).sum() > 20)

    wait_until(lambda: changed(story) and changed(trace), 5, "the story and the trace in the window")

    second = life(2)
    click_button(running, 1, width)
    said(running, r"^past its deadline in hang \(restart_me\.py:\d+\): it is started again$")

    third = life(3)
    click_button(running, 2, width)
    said(running, r"^Victim\.fail raised RuntimeError: this is what an exception looks like$")
    said(running, r"^it has ended for good: 3 crashes in [\d.]+ s, so it is not started again:$")
    assert all(map(has_ended, (first, second, third)))
    assert back_ends(running.popen.pid) == []
    click_button(running, 0, width)
    running.close()


def fetch(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return bytes(answer.read())


def camera_of(bmp: bytes) -> int | None:
    width, height = (int.from_bytes(bmp[at : at + 2], "little") for at in (18, 20))
    picture = np.frombuffer(bmp, np.uint8, offset=26).reshape(height, width, 3)[::-1, :, ::-1]
    found = decode(picture)
    return found.camera if found.ok else None


def test_asyncio_back_end(start: Start, cameras: Cameras) -> None:
    running = start("asyncio_back_end.py", "--port", "0", *cameras.urls)
    rates = r"^camera-1: ([89]|1[012]) fps, camera-2: ([89]|1[012]) fps$"
    url = said(running, r"^serving (\S+)$")
    said(running, rates)
    assert [camera_of(fetch(f"{url}camera-{number}")) for number in (1, 2)] == [1, 2]
    with pytest.raises(HTTPError, match="404"):
        fetch(f"{url}cellar")
    said(running, r"^served /camera-2 200 OK\nserved /cellar 404 Not Found$")

    (back_end,) = back_ends(running.popen.pid)
    since = len(running.told())
    os.kill(back_end, signal.SIGKILL)
    said(running, r"^Web-1 ended before it answered: signal SIGKILL$", since)
    url = said(running, r"^serving (\S+)$", since)
    said(running, rates, since)
    assert camera_of(fetch(f"{url}camera-2")) == 2
    running.interrupt()
