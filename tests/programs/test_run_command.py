"""``camgraph run`` and ``camgraph show --site``, as a person and other programs meet them."""

import json
import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import pytest
from tests.faults.family import gone
from tests.real.terminal import CAMGRAPH, on_terminal

import camgraph as cg
from camgraph.testing.cameras import Cameras
from camgraph.testing.pattern import decode
from camgraph.testing.waiting import wait_until

NOWHERE = "rtsp://127.0.0.1:9/1"


@pytest.fixture(scope="module")
def cameras() -> Iterator[Cameras]:
    with Cameras(count=2, size=(320, 180)) as cameras:
        yield cameras


@pytest.fixture
def name() -> str:
    return f"run-{uuid4().hex[:8]}"


def write_site(file: Path, **urls: str) -> None:
    nodes = [{"type": "rtsp", "id": stream, "url": url} for stream, url in urls.items()]
    file.write_text(json.dumps({"nodes": nodes}))


class Command:
    """A command that runs, and the lines it has written on its standard error."""

    def __init__(self, *arguments: str) -> None:
        self.lines: list[str] = []
        self.process = subprocess.Popen(
            [CAMGRAPH, *arguments], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        self._thread = threading.Thread(target=self._listen, name="listen-to-run")
        self._thread.start()

    def wait_line(self, pattern: str, timeout_s: float = 20.0) -> str:
        """Wait for a line, and forget those before it."""

        def find() -> str | None:
            assert self.process.poll() is None, self.lines
            return next((line for line in self.lines if re.search(pattern, line)), None)

        line = wait_until(find, timeout_s, f"{pattern} in {self.lines}")
        assert line is not None
        del self.lines[: self.lines.index(line) + 1]
        return line

    def end(self, number: signal.Signals) -> float:
        """Send the signal; return after how many seconds it had ended."""
        began = time.monotonic()
        self.process.send_signal(number)
        self.process.wait(10)
        return time.monotonic() - began

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self._thread.join()

    def _listen(self) -> None:
        assert self.process.stderr is not None
        with self.process.stderr as lines:
            for line in lines:
                self.lines.append(line.rstrip())


@contextmanager
def running(*arguments: str) -> Iterator[Command]:
    command = Command(*arguments)
    try:
        yield command
    finally:
        command.close()


def read_verified(site: cg.Site, stream: str) -> None:
    with site.read(site.streams[stream].frames()) as reader:
        assert decode(reader.read(timeout=15).planes[0]).ok


@pytest.mark.parametrize("suffix", [".yaml", ".json", ""])
def test_a_site_runs_until_sigterm_and_follows_its_file(
    cameras: Cameras, name: str, tmp_path: Path, suffix: str
) -> None:
    file = tmp_path / f"{name}{suffix}"
    write_site(file, door=cameras.urls[0])
    with running("run", str(file)) as command:
        command.wait_line(f"Site {name} runs until Ctrl-C")
        command.wait_line(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d door: live: Live\.$")
        with cg.attach(name) as site:
            read_verified(site, "door")

            write_site(file, door=cameras.urls[0], yard=cameras.urls[1], attic=NOWHERE)
            command.process.send_signal(signal.SIGHUP)
            command.wait_line(r"was read again: added yard, attic; 1 as before\.$")
            command.wait_line("attic: backing_off: Nothing listens at 127.0.0.1:9")
            wait_until(lambda: "yard" in site.streams, 5, "the new stream in another program")
            read_verified(site, "yard")

            file.write_text('{"nodes": [{"type": "rtsp", "id": "door", "url": 7}]}')
            command.process.send_signal(signal.SIGHUP)
            assert "nodes[0].url" in command.wait_line("the site goes on as it was")
            assert list(site.streams) == ["door", "yard", "attic"]
            read_verified(site, "door")

            write_site(file, door=cameras.urls[1])
            command.process.send_signal(signal.SIGHUP)
            command.wait_line(r"was read again: removed yard, attic; changed door; 0 as before\.$")
            pids = [one.pid for one in site.statistics().media]
        assert command.end(signal.SIGTERM) < 2.0
        assert command.process.returncode == 0
    assert not any("Traceback" in line for line in command.lines), command.lines
    assert all(map(gone, pids))
    assert name not in Path("/proc/net/unix").read_text(encoding="utf-8")


def test_paths_in_a_file_are_taken_from_its_folder(name: str, tmp_path: Path) -> None:
    file = tmp_path / f"{name}.yaml"
    nodes = [
        {"type": "file", "id": "clip", "path": "films/clip.mkv"},
        {"type": "sdp", "id": "hall", "path": "hall.sdp"},
    ]
    file.write_text(json.dumps({"nodes": nodes}))
    with running("run", os.path.relpath(file)) as command:
        command.wait_line(f"clip: not_found: There is no file {tmp_path}/films/clip.mkv")
    with running("run", os.path.relpath(file)) as command:
        command.wait_line(f"hall: not_found: The file {tmp_path}/hall.sdp can't be read")


def test_attempts_that_fail_alike_are_one_line(name: str, tmp_path: Path) -> None:
    file = tmp_path / f"{name}.yaml"
    write_site(file, attic=NOWHERE)
    with Cameras(count=1, size=(320, 180)) as cameras, running("run", str(file)) as command:
        told = wait_until(lambda: [line for line in command.lines if "attic: backing_off" in line], 20, "why")
        with cg.attach(name) as site:
            wait_until(lambda: site.streams["attic"].status.attempt >= 4, 10, "some attempts")
            write_site(file, attic=cameras.urls[0])
            command.process.send_signal(signal.SIGHUP)
            command.wait_line("attic: live")
            assert command.lines == []
            cameras.kill()
            command.wait_line("attic: backing_off: .* (ended the stream|closed the connection)")
            command.wait_line("attic: backing_off: Nothing listens")
            wait_until(lambda: site.streams["attic"].status.attempt >= 3, 10, "attempts again")
            cameras.restart()
            command.wait_line("attic: live")
    assert len(told) == 1


def test_on_a_terminal_a_table_tells_of_streams_and_processes(
    cameras: Cameras, name: str, tmp_path: Path
) -> None:
    file = tmp_path / "site.yaml"
    write_site(file, door=cameras.urls[0], attic=NOWHERE)
    with on_terminal("run", str(file), "--name", name) as terminal:
        wait_until(
            lambda: re.search(r"door +live +320×180 +2\d\.\d +0 +media-1", terminal.screen), 20, "a live row"
        )
        wait_until(
            lambda: re.search(r"attic +backing_off .* Nothing listens", terminal.screen), 10, "why not"
        )
        with cg.attach(name) as site, site.read(site.streams["door"].frames()) as reader:
            reader.read(timeout=15)
            wait_until(lambda: re.search(r"door +live +320×180 +\S+ +1 ", terminal.screen), 10, "the reader")
            [media] = site.statistics().media
            assert re.search(rf"media-1 +{media.pid} +1 +2 ", terminal.screen)
            os.kill(media.pid, signal.SIGKILL)
            wait_until(lambda: re.search(r"media-1 +\d+ +2 +2 .*SIGKILL", terminal.screen), 10, "its death")
            # The supervisor's own words stand above the table.
            assert re.search(r"camgraph supervisor: media-1 \(pid \d+\) ended", terminal.screen)
        terminal.process.send_signal(signal.SIGHUP)
        wait_until(lambda: "was read again: 2 as before." in terminal.screen, 5, "the answer")
        os.write(terminal.master, b"\x03")
        terminal.wait_ended(2)
        assert terminal.process.returncode == 0
        assert "Traceback" not in terminal.screen


def test_it_ends_with_its_terminal(cameras: Cameras, name: str, tmp_path: Path) -> None:
    file = tmp_path / "site.yaml"
    write_site(file, door=cameras.urls[0])
    with on_terminal("run", str(file), "--name", name) as terminal:
        wait_until(lambda: re.search(r"door +live", terminal.screen), 20, "a live row")
        terminal.hang_up()
        wait_until(lambda: terminal.process.poll() is not None, 5, "its end")
        assert terminal.process.returncode == 0


def refused(*arguments: str) -> tuple[int, str]:
    done = subprocess.run(
        [CAMGRAPH, *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=30,
        env={**os.environ, "COLUMNS": "400"},
    )
    assert done.stdout == ""
    [line] = done.stderr.splitlines()
    return done.returncode, line


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("nodes:\n- {type: rtsp, id: door, url: 7}\n", r"\$\.nodes\[0\]\.url"),
        ("nodes:\n- {type: rtsp, id: door, url: 'rtsp://me:secret@h/1'}\n- [", "line [34]"),
        ("nodes:\n- {type: rtsp, id: door, url: 'rtsp://me:secret@h/1'}\n", "'door'.*login"),
        ("nodes:\n- {type: rtsp, id: door, url: 'rtsp://h/1', login: 'env:NOT_SET'}\n", "NOT_SET"),
        ("nodes:\n- {type: gate, id: night, source: door}\n", "'night' is fed by 'door'"),
        ("version: 2\n", "version 2"),
    ],
)
def test_a_file_that_can_not_be_run_is_told_in_one_sentence(text: str, named: str, tmp_path: Path) -> None:
    file = tmp_path / "site.yaml"
    file.write_text(text)
    code, line = refused("run", str(file))
    assert code == 2
    assert re.search(named, line)
    assert "secret" not in line


def test_a_file_that_is_not_there_and_a_name_that_is_taken_are_told(
    cameras: Cameras, name: str, tmp_path
) -> None:
    assert refused("run", str(tmp_path / "absent.yaml")) == (
        2,
        f"{tmp_path}/absent.yaml can't be read: No such file or directory",
    )
    file = tmp_path / "site.yaml"
    write_site(file)
    graph = cg.Graph()
    graph.rtsp("door", cameras.urls[0])
    with graph.start(name=name) as site:
        code, line = refused("run", str(file), "--name", name)
        assert code == 2
        assert re.search(rf"'{name}' runs already; close it, or choose another name", line)
        assert site.statistics(timeout=10)


def test_a_wall_of_a_running_site_leaves_it_running(cameras: Cameras, name: str, tmp_path: Path) -> None:
    graph = cg.Graph()
    graph.gate("night", graph.rtsp("door", cameras.urls[0]), opened=False)
    graph.rtsp("yard", cameras.urls[1])
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    with graph.start(name=name) as site, site.read(site.streams["door"].frames(policy="every")) as reader:
        reader.read(timeout=15)
        done = subprocess.run(
            [CAMGRAPH, "show", "--site", name, "--seconds", "3", "--snapshot", str(tmp_path / "wall.png")],
            env=environment,
            capture_output=True,
            text=True,
            timeout=40,
        )
        assert done.returncode == 0, done.stderr
        assert (tmp_path / "wall.png").stat().st_size > 5000
        read_verified(site, "door")
        assert site.statistics().clients == 1
    assert refused("show", "--site", name) == (
        1,
        f"no site named '{name}' runs on this machine for this user: is the name right, was it closed?",
    )


def test_a_wall_tells_at_its_end_why_a_camera_did_not_play() -> None:
    done = subprocess.run(
        [CAMGRAPH, "show", NOWHERE, "http://127.0.0.1:9/video", "--seconds", "2"],
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
        capture_output=True,
        text=True,
        timeout=40,
    )
    assert done.returncode == 1
    why = "Nothing listens at 127.0.0.1:9 (connection refused): is the camera on, is the port right?"
    assert " ".join(done.stderr.split()) == f"camera-1: {why} camera-2: {why}"
