"""The example with a thread of C++ in a Qt program: its signals, its end at any time, deaths beside it."""

import errno
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from ctypes import CDLL, c_uint64, c_void_p
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from examples.native_thread import CALLBACK, Brightness
from tests.c_compiler import INCLUDE
from tests.faults.family import family_of
from tests.programs.test_examples import brightness
from tests.real.running_example import EXAMPLES, Example

import camgraph as cg
from camgraph.testing.cameras import Cameras
from camgraph.testing.screens import windows_of
from camgraph.testing.waiting import wait_until

Key = tuple[int, int]
"""Epoch and number of a frame."""
PATIENCE_S = 20.0
SIZE = 320, 180
COMPILED = "-std=c++17", "-O2", "-pthread", "-fPIC", "-shared"
TELLS = """
import json, os, sys, threading
from ctypes import CDLL, c_void_p
from PySide6.QtCore import QCoreApplication, Qt
from examples.native_thread import Brightness

app = QCoreApplication([])
native = CDLL(sys.argv[1])
native.analyser_start.restype = c_void_p
thread = Brightness(native, sys.argv[2], "door", 320, 180)
gui = threading.get_ident()

def say(who, *found):
    sys.stdout.write(json.dumps([who, threading.get_ident() == gui, *found]) + "\\n")
    sys.stdout.flush()

class Listener:
    def hear(self, *found):
        say("method", *found)

class Last:
    thread = thread
    def __del__(self, write=os.write):
        if self.thread.handle:
            write(2, b"the interpreter ends, and the thread has not been joined")

last = Last()
listener = Listener()
thread.measured.connect(listener.hear)
thread.measured.connect(lambda *found: say("function", *found))
thread.measured.connect(lambda *found: say("thread", *found), Qt.DirectConnection)
"""
CHECKED = """
#include "native_thread.cpp"
#include <deque>

static std::atomic<uint64_t> calls{0};
static void hear(void *, uint64_t, uint64_t, double, const char *) { calls++; }

int main(int, char **words) {
    for (int turn = 0; turn < 40; turn++) {
        const uint64_t before = calls;
        std::deque<Analyser *> all;
        for (int i = 0; i < 4; i++)
            all.push_back(analyser_start(words[1], "door", 320, 180, hear, nullptr));
        while (turn % 2 == 1 && calls < before + 4) {
            uint64_t counts[3];
            for (const Analyser *one : all)
                analyser_statistics(one, counts);
            usleep(1000);
        }
        for (Analyser *one : all)
            analyser_stop(one);
        for (Analyser *one : all)
            analyser_join(one);
    }
}
"""
ENDS = {
    "deletes the application first": "thread.measured.connect(app.quit); app.exec(); del app",
    "never runs its event loop": "pass",
    "exits in a slot": "thread.measured.connect(lambda *_: sys.exit()); app.exec()",
    "lets go of the object": "thread.measured.connect(app.quit); app.exec(); del thread",
}


@pytest.fixture(scope="module")
def cameras() -> Iterator[Cameras]:
    with Cameras(count=1, size=(640, 360)) as cameras:
        yield cameras


@pytest.fixture
def start_site(cameras: Cameras) -> Iterator[Callable[[str], cg.Site]]:
    started: list[cg.Site] = []

    def start(name: str) -> cg.Site:
        graph = cg.Graph()
        graph.rtsp("door", cameras.urls[0])
        started.append(graph.start(name=name))
        return started[-1]

    yield start
    for site in started:
        site.close()


@pytest.fixture
def site(start_site: Callable[[str], cg.Site]) -> cg.Site:
    return start_site(f"native-{uuid4().hex[:8]}")


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The library, compiled without a warning."""
    library = tmp_path_factory.mktemp("native") / "native_thread.so"
    strict = ["c++", "-Wall", "-Wextra", "-Werror", "-pedantic", *COMPILED]
    try:
        subprocess.run(
            [*strict, EXAMPLES / "native_thread.cpp", f"-I{INCLUDE}", "-o", library], check=True, timeout=50
        )
    except FileNotFoundError:
        pytest.skip("there is no c++")
    return library


@pytest.fixture(scope="module")
def native(library: Path) -> CDLL:
    native = CDLL(str(library))
    native.analyser_start.restype = c_void_p
    return native


@pytest.fixture
def said(library: Path, site: cg.Site, tmp_path: Path) -> Iterator[Path]:
    """What a Qt program says that runs meanwhile."""
    said = tmp_path / "said.txt"
    with said.open("w") as output:
        popen = program(library, site.name, TELLS + "app.exec()", stdout=output)
    yield said
    popen.kill()
    popen.wait()


def program(library: Path, site: str, code: str, **options: Any) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", code, str(library), site]
    return subprocess.Popen(command, cwd=EXAMPLES.parent, text=True, **options)


class Heard(Brightness):
    """Keeps what the thread tells, in the thread that tells it."""

    def __init__(self, native: CDLL, site: str, stream: str, size: tuple[int, int] = SIZE) -> None:
        self.frames: list[tuple[int, int, float]] = []
        self.errors: list[str] = []
        self.threads: set[int] = set()
        super().__init__(native, site, stream, *size)

    def hear(self, _: object, epoch: int, seq: int, brightness: float, error: bytes | None) -> None:
        self.threads.add(threading.get_ident())
        if error is None:
            self.frames.append((epoch, seq, brightness))
        else:
            self.errors.append(error.decode())


def hear_until(until: Key, said: Path) -> list[tuple[str, bool, Key, float]]:
    """Return what has been said once all three have spoken of this frame, or of a later one."""

    def heard() -> list[tuple[str, bool, Key, float]]:
        lines = [json.loads(line) for line in said.read_text().rpartition("\n")[0].splitlines()]
        found = [(who, in_gui, (epoch, seq), mean) for who, in_gui, epoch, seq, mean in lines]
        return found if len({who for who, _, key, _ in found if key >= until}) == 3 else []

    return wait_until(heard, PATIENCE_S, "three listeners")


def test_signals_come_in_the_threads_of_the_gui_with_what_python_reads_of_the_same_frames(
    site: cg.Site, said: Path
) -> None:
    means: dict[Key, float] = {}
    hear_until((0, 0), said)
    request = site.streams["door"].frames(format="gray8", size=SIZE, policy="every")
    with site.read(request) as reader:
        until = means_until(reader, means, 0, 20)
        hear_until(until, said)
        (media,) = family_of(os.getpid()).media
        os.kill(media.pid, signal.SIGKILL)
        told = hear_until(means_until(reader, means, until[0], 20), said)
    for who in ("function", "method", "thread"):
        found = [(key, mean, in_gui) for name, in_gui, key, mean in told if name == who and key in means]
        assert {in_gui for _, _, in_gui in found} == {who != "thread"}
        assert len({epoch for (epoch, _), _, _ in found}) == 2
        assert len(found) >= 20
        for key, mean, _ in found:
            assert mean == pytest.approx(means[key], abs=1e-6)


def means_until(reader: Any, means: dict[Key, float], epoch: int, count: int) -> Key:
    """Read so many frames of a later epoch; return epoch and number of the last."""
    while count:
        frame = reader.read(timeout=PATIENCE_S)
        last = frame.epoch, frame.seq
        means[last] = float(frame.array.mean())
        frame.release()
        count -= last[0] > epoch
    return last


def test_it_starts_and_ends_200_times_while_python_is_busy(site: cg.Site, native: CDLL) -> None:
    busy = threading.Event()
    spinning = threading.Thread(target=lambda: all(not busy.is_set() for _ in iter(int, 1)))
    steady = Heard(native, site.name, "door")
    spinning.start()
    try:
        wait_until(lambda: steady.frames, PATIENCE_S, "frames")
        began = time.monotonic()
        for turn in range(50):
            threads = [Heard(native, site.name, "door") for _ in range(4)]
            if turn % 2:
                wait_until(lambda: all(one.frames for one in threads), PATIENCE_S, "frames of each")  # noqa: B023
            for one in threads:
                one.close()
            heard = [len(one.frames) for one in threads]
            assert [one.errors for one in threads] == [[]] * 4
        took_s = time.monotonic() - began
        assert heard == [len(one.frames) for one in threads], "nobody is called after the end"
        assert took_s < 40
        before = len(steady.frames)
        wait_until(lambda: len(steady.frames) > before, PATIENCE_S, "frames of the one beside them")
    finally:
        busy.set()
        spinning.join()
        steady.close()
        steady.close()
    assert len(steady.threads) == 1
    assert threading.get_ident() not in steady.threads


def test_one_that_waits_for_frames_ends_at_once(site: cg.Site, native: CDLL) -> None:
    heard = Heard(native, site.name, "door")
    wait_until(lambda: heard.frames, PATIENCE_S, "frames")
    (media,) = family_of(os.getpid()).media
    os.kill(media.pid, signal.SIGSTOP)
    try:
        count = len(heard.frames)
        with pytest.raises(AssertionError, match="in vain"):
            wait_until(lambda: len(heard.frames) > count + 3, 0.5)
        began = time.monotonic()
        heard.close()
        assert time.monotonic() - began < 2
    finally:
        os.kill(media.pid, signal.SIGCONT)


def test_the_callback_may_stop_its_thread_and_is_told_that_it_can_not_wait_for_it(
    site: cg.Site, native: CDLL
) -> None:
    results: list[int] = []
    handle: list[Any] = []
    known = threading.Event()

    def hear(*_: object) -> None:
        known.wait(PATIENCE_S)
        native.analyser_stop(handle[0])
        results.append(native.analyser_join(handle[0]))

    callback = CALLBACK(hear)
    pointer = native.analyser_start(site.name.encode(), b"door", *SIZE, callback, None)
    handle.append(c_void_p(pointer))
    known.set()
    wait_until(lambda: results, PATIENCE_S, "a call")
    counts = (c_uint64 * 3)()
    native.analyser_statistics(handle[0], counts)
    assert native.analyser_join(handle[0]) == 0
    assert len(results) == counts[0] == 1
    assert results[0] == -errno.EDEADLK


def test_it_goes_on_after_the_supervisor_was_killed(site: cg.Site, native: CDLL) -> None:
    heard = Heard(native, site.name, "door")
    try:
        wait_until(lambda: heard.frames, PATIENCE_S, "frames")
        supervisor = family_of(os.getpid()).supervisor
        assert supervisor is not None
        epoch = heard.frames[-1][0]
        os.kill(supervisor.pid, signal.SIGKILL)
        wait_until(lambda: heard.frames[-1][0] > epoch, PATIENCE_S, "frames of the next one")
        assert all(site.name in error for error in heard.errors)
    finally:
        heard.close()


def test_it_may_be_started_before_its_site_and_hears_of_the_sites_end(
    start_site: Callable[[str], cg.Site], native: CDLL
) -> None:
    name = f"native-{uuid4().hex[:8]}"
    heard = Heard(native, name, "door")
    try:
        wait_until(lambda: heard.errors, PATIENCE_S, "news")
        assert heard.errors[0].startswith(f"no site named '{name}' runs ")
        site = start_site(name)
        wait_until(lambda: heard.frames, PATIENCE_S, "frames")
        count = len(heard.errors)
        site.close()
        wait_until(lambda: len(heard.errors) > count, PATIENCE_S, "news of the end")
    finally:
        heard.close()


def test_what_can_not_be_had_is_told_once(site: cg.Site, native: CDLL) -> None:
    heard = Heard(native, site.name, "door", size=(320, 0))
    wait_until(lambda: heard.errors, PATIENCE_S, "news")
    heard.close()
    assert len(heard.errors) == 1
    assert "320" in heard.errors[0]


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS.keys())
def test_a_program_ends_while_the_thread_runs(library: Path, site: cg.Site, end: str) -> None:
    popen = program(library, site.name, TELLS + end, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    _, errors = popen.communicate(timeout=PATIENCE_S)
    assert (popen.returncode, errors) == (0, "")


def test_no_data_race_is_seen(site: cg.Site, tmp_path: Path, library: Path) -> None:
    with site.read(site.streams["door"].frames()) as reader:
        reader.read(timeout=PATIENCE_S).release()
    source, checked = tmp_path / "checked.cpp", tmp_path / "checked"
    source.write_text(CHECKED)
    command = ["g++", "-std=c++17", "-O1", "-g", "-pthread", "-fsanitize=thread"]
    made = subprocess.run(
        [*command, source, f"-I{EXAMPLES}", f"-I{INCLUDE}", "-o", checked], capture_output=True, timeout=50
    )
    if made.returncode != 0:
        pytest.skip("this compiler has no thread sanitizer")
    done = subprocess.run([checked, site.name], capture_output=True, text=True, timeout=50)
    if "unexpected memory mapping" in done.stderr:
        pytest.skip("the thread sanitizer does not know this kernel's memory layout")
    assert (done.returncode, done.stderr) == (0, "")


def test_the_example_shows_the_camera_and_its_brightness(
    cameras: Cameras, tmp_path: Path, xvfb: str, library: Path
) -> None:
    running = Example(tmp_path, xvfb, "native_thread.py", cameras.urls[0])
    try:
        titled = r"brightness (\d+\.\d)"
        names: set[str] = set()

        def told() -> bool:
            assert running.popen.poll() is None, running.told()
            for window in windows_of(running.display, running.popen.pid):
                command = ["xdotool", "getwindowname", str(window)]
                environment = {**os.environ, "DISPLAY": running.display}
                name = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=20)
                names.update(re.findall(titled, name.stdout))
            return len(names) >= 3

        wait_until(told, PATIENCE_S, "three titles")
        least, most = brightness(1)
        assert least <= min(map(float, names)) <= max(map(float, names)) <= most
        assert running.interrupt() == ""
    finally:
        running.popen.kill()
        running.popen.wait()


def test_without_a_compiler_it_says_so(tmp_path: Path, cameras: Cameras) -> None:
    done = subprocess.run(
        [sys.executable, EXAMPLES / "native_thread.py", cameras.urls[0]],
        env={**os.environ, "PATH": str(tmp_path), "QT_QPA_PLATFORM": "offscreen"},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
    )
    assert done.returncode == 1
    assert re.fullmatch(r".*No such file or directory: 'c\+\+'\n", done.stderr)


def test_it_is_about_a_page() -> None:
    assert len((EXAMPLES / "native_thread.cpp").read_text().splitlines()) < 140
