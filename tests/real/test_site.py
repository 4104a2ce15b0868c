"""A site as a program uses it: started, read, asked, closed, abandoned, with real cameras and processes."""

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

import camgraph as cg
from camgraph.errors import BrokenError, ClosedError, GraphError
from camgraph.testing.cameras import Cameras
from camgraph.testing.pattern import decode
from camgraph.testing.waiting import wait_until


@pytest.fixture(scope="module")
def cameras() -> Iterator[Cameras]:
    with Cameras(count=2, size=(640, 360)) as cameras:
        yield cameras


@pytest.fixture
def graph(cameras: Cameras) -> cg.Graph:
    graph = cg.Graph()
    for name, url in zip(("door", "yard"), cameras.urls, strict=True):
        graph.rtsp(name, url)
    return graph


class Echo(cg.MessageProcess):
    said = cg.message(text=str, pid=int)

    @cg.backend
    def say(self, text: str) -> None:
        self.said.emit(text, os.getpid())


def test_a_reader_may_come_before_anything_runs(graph: cg.Graph) -> None:
    with graph.start() as site, site.read(site.streams["door"].frames(format="rgb24")) as reader:
        frame = reader.read(timeout=15)
        assert frame.array.shape == (360, 640, 3)
        assert not frame.array.flags.writeable
        assert decode(frame.array).ok
        assert site.streams["door"].status.state == "live"


def test_frames_come_by_async_for_from_many_streams_at_once(graph: cg.Graph) -> None:
    async def count(site: cg.Site, name: str) -> int:
        frames = 0
        async for frame in site.read(site.streams[name].frames(policy="every")):
            assert frame.stream == name
            frames += 1
            if frames == 10:
                break
        return frames

    async def both(site: cg.Site) -> tuple[int, int]:
        return await asyncio.wait_for(asyncio.gather(count(site, "door"), count(site, "yard")), 20)

    with graph.start() as site:
        assert list(asyncio.run(both(site))) == [10, 10]


def test_equal_requests_share_one_ring_and_unequal_ones_do_not(graph: cg.Graph) -> None:
    with graph.start() as site:
        door = site.streams["door"]
        requests = [door.frames(size=(320, 180), format="bgr24")] * 3 + [
            door.frames(size=(160, 90), format="gray8")
        ]
        readers = [site.read(request) for request in requests]
        for reader in readers:
            reader.read(timeout=15)
        rings = site.statistics().streams["door"].rings
        assert sorted((ring.format, ring.readers) for ring in rings) == [("bgr24", 3), ("gray8", 1)]


def test_frames_outlive_the_site(graph: cg.Graph) -> None:
    with graph.start() as site:
        frame = site.read(site.streams["door"].frames()).read(timeout=15)
        before = frame.copy()
    assert (frame.array == before).all()


def test_what_the_site_does_not_have_is_named(graph: cg.Graph) -> None:
    with graph.start() as site:
        with pytest.raises(GraphError, match=r"'attic'.*door, yard"):
            site.read(cg.FrameRequest(stream="attic"))
        with pytest.raises(BrokenError, match=site.name):
            graph.start(name=site.name)
    for use in (lambda: site.read(cg.FrameRequest(stream="door")), lambda: site.spawn(Echo), site.statistics):
        with pytest.raises(ClosedError):
            use()
    site.close()


def test_a_site_can_be_closed_from_its_own_callbacks_and_from_another_thread(graph: cg.Graph) -> None:
    site = graph.start()
    pid = site.supervisor_pid
    site.subscribe(lambda status: site.close() if status.state == "live" else None)
    wait_until(lambda: site.streams["door"].status.reason == "closed", 20, "the site closed by a callback")
    wait_until(lambda: not Path(f"/proc/{pid}").exists(), 5, "the supervisor's end")
    wait_until(
        lambda: not any("camgraph" in thread.name for thread in threading.enumerate()), 5, "its threads"
    )

    site = graph.start()
    closer = threading.Thread(target=site.close)
    closer.start()
    closer.join(10)
    assert not closer.is_alive()


def test_calls_made_at_once_reach_a_back_end_that_still_starts(graph: cg.Graph) -> None:
    heard: list[tuple[str, int]] = []
    with graph.start() as site:
        echo = site.spawn(Echo)
        echo.said.connect(lambda text, pid: heard.append((text, pid)))
        for number in range(5):
            echo.say(str(number))
        wait_until(lambda: len(heard) == 5, 15, "five echoes")
        assert heard == [(str(number), echo.pid) for number in range(5)]
        assert list(site.processes) == [echo]
        assert site.statistics().processes == {echo.name: echo.pid}
    assert echo.exit == "exit code 0"
    assert not site.processes


def test_a_dead_supervisor_is_replaced_and_the_streams_come_back(graph: cg.Graph) -> None:
    with graph.start() as site:
        echo = site.spawn(Echo)
        reader = site.read(site.streams["door"].frames(policy="every"))
        first = reader.read(timeout=15)
        wait_until(lambda: echo.pid, 10, "the back end")
        before = site.supervisor_pid
        os.kill(before, signal.SIGKILL)
        wait_until(lambda: reader.read(timeout=15).epoch > first.epoch, 15, "frames of a later epoch")
        assert site.supervisor_pid != before
        assert echo.wait(10).startswith("unknown")
        again = site.spawn(Echo)
        again.say("still here")
        wait_until(lambda: again.pid, 10, "a back end under the new supervisor")


def test_a_forked_child_neither_holds_nor_harms_the_site(graph: cg.Graph) -> None:
    with graph.start() as site:
        reader = site.read(site.streams["door"].frames(policy="every"))
        held = reader.read(timeout=15)
        before = held.copy()
        child = os.fork()
        if child == 0:
            del held
            os._exit(0 if site.name in repr(site) and reader.fileno() == -1 else 1)
        assert os.waitpid(child, 0)[1] == 0
        for _ in range(30):
            reader.read(timeout=5)
        assert (held.array == before).all()
        assert site.statistics().media[0].pid > 0


def run_script(text: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(text), *arguments],
        capture_output=True,
        text=True,
        timeout=40,
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
    )


def test_a_program_that_forgets_to_close_leaves_nothing(cameras: Cameras) -> None:
    name = f"forgetful-{uuid4().hex[:8]}"
    done = run_script(
        """
        import sys
        import camgraph as cg
        graph = cg.Graph()
        graph.rtsp("door", sys.argv[1])
        site = graph.start(name=sys.argv[2])
        site.read(site.streams["door"].frames()).read(timeout=15)
        print(site.supervisor_pid)
        """,
        cameras.urls[0],
        name,
    )
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    assert not Path(f"/proc/{done.stdout.strip()}").exists()
    assert name not in Path("/proc/net/unix").read_text(encoding="utf-8")


def test_a_program_whose_folder_was_removed_still_starts_back_ends(cameras: Cameras, tmp_path: Path) -> None:
    done = run_script(
        """
        import os, sys
        os.chdir(sys.argv[2])
        os.rmdir(sys.argv[2])
        import camgraph as cg
        class Echo(cg.MessageProcess):
            said = cg.message(text=str)
            @cg.backend
            def say(self, text):
                self.said.emit(text)
        graph = cg.Graph()
        graph.rtsp("door", sys.argv[1])
        with graph.start() as site:
            echo = site.spawn(Echo)
            heard = echo.messages(timeout=20)
            echo.say("here")
            print(next(heard))
        """,
        cameras.urls[0],
        str(tmp_path),
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "('said', {'text': 'here'})\n"


def test_a_script_without_a_guard_starts_a_back_end_that_knows_nothing_of_its_qt(
    cameras: Cameras, tmp_path: Path
) -> None:
    script = tmp_path / "program.py"
    script.write_text(
        textwrap.dedent(
            """
            import sys
            import camgraph as cg
            from PySide6.QtWidgets import QApplication
            app = QApplication([])
            class Counter(cg.MessageProcess):
                counted = cg.message(modules=list, ran=str)
                def on_frame(self, frame):
                    qt = [name for name in sys.modules if "PySide" in name or "qt" in name]
                    self.counted.emit(qt, __name__)
            graph = cg.Graph()
            door = graph.rtsp("door", sys.argv[1])
            with graph.start() as site:
                counter = site.spawn(Counter)
                counter.watch(door.frames(size=(160, 90), format="gray8"))
                print(next(iter(counter.messages(timeout=20))))
            """
        )
    )
    done = subprocess.run(
        [sys.executable, str(script), cameras.urls[0]],
        capture_output=True,
        text=True,
        timeout=40,
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("('counted', {'modules': []")
    assert done.stdout.count("\n") == 1


def test_a_login_is_on_no_command_line_and_in_no_text(tmp_path: Path) -> None:
    with Cameras(count=1, login="keeper:correct%horse/staple") as cameras:
        graph = cg.Graph()
        graph.rtsp("door", cameras.urls[0].replace("//", "//keeper:correct%25horse%2Fstaple@"))
        with graph.start() as site:
            site.read(site.streams["door"].frames()).read(timeout=15)
            shown = repr(graph.spec) + repr(site) + repr(site.streams) + repr(site.streams["door"].status)
            lines = b"".join(path.read_bytes() for path in map(_command_line, _processes()) if path.exists())
    for secret in ("horse", "staple"):
        assert secret not in shown
        assert secret.encode() not in lines


def _processes() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def _command_line(pid: int) -> Path:
    return Path(f"/proc/{pid}/cmdline")
