"""Back ends that are forked: what they inherit, what they must not have, and how they end."""

import contextvars
import logging
import multiprocessing
import os
import queue
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.faults.family import gone

import camgraph as cg
from camgraph.errors import BackendRaised, ClosedError
from camgraph.testing.cameras import Cameras
from camgraph.testing.waiting import wait_until

PROGRAM = Path(__file__).with_name("forked_program.py")
FORKS = 200

pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")

settings = {"limit": 1}
local = threading.local()
context: contextvars.ContextVar[str] = contextvars.ContextVar("context", default="none")


class Forked(cg.MessageProcess):
    """Calls what it was given, and tells what that returned."""

    start_method = "fork"
    told = cg.message(value=object)

    def __init__(self, question: Callable[[], Any] = os.getpid) -> None:
        self.question = question

    @cg.backend
    def ask(self) -> None:
        self.told.emit(value=self.question())

    @cg.backend
    def do(self, code: str) -> None:
        exec(code, {"self": self, "os": os, "signal": signal})

    def on_frame(self, frame: cg.Frame) -> None:
        self.told.emit(value=(frame.epoch, frame.seq))


class Busy(cg.MessageProcess):
    """Sends numbers without a pause."""

    counted = cg.message(number=int)

    def setup(self) -> None:
        self.number = 0

    @cg.backend
    def count(self, upto: int) -> None:
        for _ in range(upto):
            self.counted.emit(number=self.number)
            self.number += 1


@pytest.fixture
def graph() -> cg.Graph:
    graph = cg.Graph()
    graph.rtsp("door", "rtsp://127.0.0.1:9/1")
    return graph


@pytest.fixture
def site(graph: cg.Graph) -> Iterator[cg.Site]:
    with graph.start() as site:
        yield site


def answer_of(front: Any, timeout: float = 5.0) -> Any:
    told: queue.SimpleQueue[Any] = queue.SimpleQueue()
    front.told.connect(lambda value: told.put(value))
    front.ask()
    return told.get(timeout=timeout)


def test_it_is_a_copy_of_the_program_as_it_is_now(site: cg.Site, tmp_path: Path) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs, open(tmp_path / "notes", "w+", encoding="utf-8") as notes:
        lock = threading.Lock()
        settings["limit"] = 5
        local.name = "this thread's"
        context.set("this context's")

        def question() -> Any:
            theirs.sendall(b"by the socket")
            print("by the file", file=notes, flush=True)
            with lock:
                return settings["limit"], local.name, context.get(), os.getppid()

        front = site.spawn(Forked, question)
        settings["limit"] = 6
        assert answer_of(front) == (5, "this thread's", "this context's", os.getpid())
        assert front.pid != os.getpid()
        assert front in site.processes
        assert ours.recv(100) == b"by the socket"
        assert (tmp_path / "notes").read_text(encoding="utf-8") == "by the file\n"
        front.close()
    assert front.exit == "exit code 0"
    assert not site.processes
    assert gone(front.pid)


def test_a_queue_of_multiprocessing_works_both_ways(site: cg.Site) -> None:
    fork = multiprocessing.get_context("fork")
    there, back = fork.Queue(), fork.Queue()
    back.put("ours")  # Its feeding thread runs here, and not in the copy.
    there.put("asked")

    def question() -> str:
        back.put(there.get(timeout=5))
        return "answered"

    front = site.spawn(Forked, question)
    assert answer_of(front) == "answered"
    assert {back.get(timeout=5), back.get(timeout=5)} == {"ours", "asked"}
    front.close()
    for made in (there, back):
        made.close()
        made.join_thread()


def open_files() -> dict[int, str]:
    found = {}
    for name in os.listdir("/proc/self/fd"):
        try:
            found[int(name)] = os.readlink(f"/proc/self/fd/{name}")
        except FileNotFoundError:  # that of the listing itself
            continue
    return found


def test_it_has_what_the_program_has_open_but_nothing_of_the_site(graph: cg.Graph) -> None:
    with open(os.devnull, "rb") as mine:
        before = open_files()
        with graph.start() as site, site.read(site.streams["door"].frames()):
            exec_d, sibling = site.spawn(Busy), site.spawn(Forked)
            answer_of(sibling)
            wait_until(lambda: exec_d.pid, 10)
            found = answer_of(site.spawn(Forked, open_files))
        assert found[mine.fileno()] == os.devnull
    assert found[0] == os.devnull
    new = {number: link for number, link in found.items() if number > 2 and before.get(number) != link}
    assert sorted(link.removeprefix("anon_inode:").partition(":")[0] for link in new.values()) == [
        "/memfd",  # its story
        "[eventfd]",  # its loop's wake-up,
        "[eventfd]",  # the flag of SIGTERM,
        "[eventpoll]",  # and its loop
        "pipe",  # with which it ends
        "socket",  # its channel
    ]


def test_foreign_threads_are_named(site: cg.Site, caplog: pytest.LogCaptureFixture) -> None:
    leave = threading.Event()
    threads = [threading.Thread(target=leave.wait, name=name) for name in ("pump", "pump", "mixer")]
    for thread in threads:
        thread.start()
    front = site.spawn(Forked)
    leave.set()
    for thread in threads:
        thread.join()
    front.close()
    (record,) = (record for record in caplog.records if "was forked while" in record.message)
    assert record.levelno == logging.WARNING
    assert "pump ×2" in record.message
    assert "mixer" in record.message
    assert site.name not in record.message


@pytest.mark.parametrize(
    ("deed", "how"),
    [
        ("raise ValueError('of the copy')", "exit code 1"),
        ("raise SystemExit(7)", "exit code 7"),
        ("os._exit(9)", "exit code 9"),
        ("os.kill(os.getpid(), signal.SIGKILL)", "signal SIGKILL"),
        ("import ctypes; ctypes.string_at(0)", "signal SIGSEGV"),
        ("os.kill(os.getpid(), signal.SIGTERM)", "exit code 0"),
    ],
)
def test_its_end_is_told(site: cg.Site, deed: str, how: str) -> None:
    front = site.spawn(Forked)
    told: list[object] = []
    front.told.connect(lambda value: told.append(value))
    front.do("self.told.emit(value='last words')")
    front.do(deed)
    assert front.wait(10).startswith(how)
    assert told == ["last words"]
    assert gone(front.pid)
    if "ValueError" in deed:
        assert isinstance(front.failure, BackendRaised)
        assert "ValueError: of the copy" in str(front.failure)


class Slow(cg.MessageProcess):
    start_method = "fork"

    @cg.backend(deadline_s=0.3)
    def hang(self) -> None:
        while True:
            pass


def test_one_that_takes_too_long_is_ended_and_tells_where(site: cg.Site) -> None:
    front = site.spawn(Slow)
    front.hang()
    assert front.wait(5).startswith("past its deadline in hang (test_forked_processes.py:")


def test_another_part_of_the_program_may_reap_it(site: cg.Site) -> None:
    front = site.spawn(Forked)
    answer_of(front)
    with site.loop.turn:
        # The site's thread does not come to it.
        os.kill(front.pid, signal.SIGKILL)
        os.waitpid(front.pid, 0)
    assert front.wait(5).startswith("unknown: another part of the program")


def test_one_that_does_not_end_is_killed_after_the_grace(site: cg.Site) -> None:
    front = site.spawn(Forked)
    answer_of(front)
    front.do("signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})\nwhile True: pass")
    began = time.monotonic()
    front.close(0.5)
    assert time.monotonic() - began < 2
    assert front.exit == "signal SIGKILL"


def test_the_site_takes_it_along_though_its_thread_is_busy(graph: cg.Graph) -> None:
    fronts: list[Any] = []
    seen: list[bool] = []

    def stay() -> None:
        """Keep the site's thread until all are gone."""
        seen.append(not any(gone(front.pid) for front in fronts))
        wait_until(lambda: all(gone(front.pid) for front in fronts), 10)
        seen.append(True)

    with graph.start() as site:
        fronts += [site.spawn(Forked) for _ in range(2)]
        answer_of(fronts[0])
        fronts[0].do("signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})\nwhile True: pass")
        site.loop.call_soon_threadsafe(stay)
    wait_until(lambda: seen == [True, True])
    with pytest.raises(ClosedError):
        site.spawn(Forked)


def test_it_survives_the_supervisor(site: cg.Site) -> None:
    front = site.spawn(Forked)
    answer_of(front)
    before = site.supervisor_pid
    os.kill(before, signal.SIGKILL)
    wait_until(lambda: site.supervisor_pid != before, 10)
    assert answer_of(front) == front.pid
    assert not front.exit


def test_it_is_forked_by_any_thread(site: cg.Site) -> None:
    fronts: list[Any] = []

    def spawn() -> None:
        local.name = threading.current_thread().name
        fronts.append(site.spawn(Forked, lambda: local.name))

    thread = threading.Thread(target=spawn, name="another")
    thread.start()
    thread.join()
    assert answer_of(fronts[0]) == "another"
    site.loop.call_soon_threadsafe(spawn)
    wait_until(lambda: len(fronts) == 2)
    assert answer_of(fronts[1]).startswith("camgraph-")


def test_wrong_arguments_fork_nothing(site: cg.Site) -> None:
    with pytest.raises(TypeError, match="Forked: got an unexpected keyword argument 'answer'"):
        site.spawn(Forked, answer=1)
    assert not site.processes


def test_descriptors_that_run_out_leave_nothing(site: cg.Site) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    free = [number for number in range(256) if not Path(f"/proc/self/fd/{number}").exists()]
    try:
        for count in range(6):
            resource.setrlimit(resource.RLIMIT_NOFILE, (free[count], hard))
            with pytest.raises(OSError, match="Too many open files"):
                site.spawn(Forked)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert not site.processes
    front = site.spawn(Forked)
    assert answer_of(front) == front.pid


def test_children_of_multiprocessing_leave_the_site_alone(site: cg.Site) -> None:
    exec_d, forked = site.spawn(Busy), site.spawn(Forked)
    fork = multiprocessing.get_context("fork")
    answers = fork.SimpleQueue()

    def look() -> None:
        try:
            site.spawn(Forked)
        except ClosedError:
            forked.close()
            exec_d.close()
            site.close()
            answers.put(site.loop.call_soon_threadsafe(look))

    children = [fork.Process(target=look) for _ in range(3)]
    for child in children:
        child.start()
    for child in children:
        assert answers.get() is False
        child.join()
        assert child.exitcode == 0
        child.close()
    answers.close()
    assert answer_of(forked) == forked.pid
    counted: list[int] = []
    exec_d.counted.connect(lambda number: counted.append(number))
    exec_d.count(1)
    wait_until(lambda: counted == [0], 10)


def test_200_forks_while_callbacks_and_frames_flow(cameras: Cameras) -> None:
    graph = cg.Graph()
    graph.rtsp("door", cameras.urls[0])
    before = len(open_files())
    with graph.start() as site:
        busy, watching = site.spawn(Busy), site.spawn(Forked)
        numbers: list[int] = []
        frames: list[tuple[int, int]] = []
        busy.counted.connect(lambda number: numbers.append(number))
        watching.told.connect(lambda value: frames.append(value))
        watching.watch(site.streams["door"].frames(policy="every"))
        read = 0
        with site.read(site.streams["door"].frames(policy="every")) as reader:
            reader.read(timeout=15)
            wait_until(lambda: frames, 10)
            began, frames_before = time.monotonic(), len(frames)
            asked = 0
            pids = set()
            for _ in range(FORKS):
                busy.count(50)
                asked += 50
                front = site.spawn(Forked)
                assert answer_of(front) == front.pid
                pids.add(front.pid)
                front.close()
                assert front.exit == "exit code 0"
                while reader.read_nowait() is not None:
                    read += 1
            took_s = time.monotonic() - began
        wait_until(lambda: len(numbers) == asked, 10, "all messages")
        assert numbers == list(range(asked))
        assert not any(map(gone, (busy.pid, watching.pid)))
        assert len(frames) - frames_before > 10 * took_s
        epoch, first = frames[0]
        assert frames == [(epoch, first + number) for number in range(len(frames))]
        assert read > 10 * took_s
        print(f"{FORKS} forks in {took_s:.1f} s, {read} frames read")
        assert set(site.processes) == {busy, watching}
    assert len(open_files()) == before


@pytest.fixture(scope="module")
def cameras() -> Iterator[Cameras]:
    with Cameras(1, size=(640, 360)) as cameras:
        yield cameras


def run(mode: str, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(PROGRAM), mode],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        stdin=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
    )


def ended(pid: int) -> bool:
    """Tell whether a process runs no more; whoever inherits orphans may take its time to reap them."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    except OSError:
        return True


def test_all_is_gone_with_a_killed_program() -> None:
    with run("wait") as program:
        assert program.stdout is not None
        pids = [int(word) for word in program.stdout.readline().split()]
        assert len(pids) == 6
        assert not any(map(gone, pids))
        program.kill()
        killed = time.monotonic()
        wait_until(lambda: all(map(ended, pids)), 1.0, "the end of all processes")
        print(f"gone after {time.monotonic() - killed:.3f} s")
        program.wait()


def test_the_copy_does_nothing_that_is_the_programs() -> None:
    with run("handlers") as program:
        out, err = program.communicate(timeout=30)
    assert program.returncode == 0, err
    assert out.splitlines() == ["before", "told ''", "told 12", "exit code 0", "at exit of the program"]
    assert not err


def test_a_qt_program_forks_with_its_widgets_alive() -> None:
    with run("qt", QT_QPA_PLATFORM="offscreen") as program:
        out, err = program.communicate(timeout=60)
    assert program.returncode == 0, err
    assert out.splitlines() == ["door 7", "exit code 0"] * 3 + ["closed"]
    assert not err


def test_ctrl_c_in_the_midst_of_a_fork_comes_after_it() -> None:
    interrupts = [signal.SIGINT]

    def interrupt() -> None:
        if interrupts:
            signal.raise_signal(interrupts.pop())

    os.register_at_fork(before=interrupt)
    with cg.Graph().start() as site:
        with pytest.raises(KeyboardInterrupt):
            site.spawn(Forked)
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
        (front,) = site.processes
        front.wait_ready(5)
