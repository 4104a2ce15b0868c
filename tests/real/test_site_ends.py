"""How a site ends, and what it survives, when things happen at the worst moment; its cameras don't matter."""

import gc
import os
import resource
import signal
import subprocess
import sys
import threading
import time
import weakref
from pathlib import Path

import pytest

import camgraph as cg
from camgraph.errors import BrokenError, ClosedError, GraphError
from camgraph.testing.waiting import wait_until


class Idle(cg.MessageProcess):
    @cg.backend
    def nothing(self) -> None:
        pass


@pytest.fixture
def graph() -> cg.Graph:
    graph = cg.Graph()
    graph.rtsp("door", "rtsp://127.0.0.1:9/1")
    return graph


def children() -> set[int]:
    """Pids of this process's children, the dead ones that nobody has waited for too."""
    found = set()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[1]) == os.getpid():
                found.add(int(entry.name))
    return found


@pytest.mark.parametrize("delay_s", [0.0, 0.002, 0.005, 0.01, 0.05, 0.15])
def test_closing_while_a_dead_supervisor_is_replaced_ends_the_new_one(
    graph: cg.Graph, delay_s: float
) -> None:
    before = children()
    site = graph.start()
    os.kill(site.supervisor_pid, signal.SIGKILL)
    time.sleep(delay_s)  # Not to wait for something: any moment of the replacement may be the worst.
    site.close()
    assert children() == before


def test_a_supervisor_that_dies_again_and_again_is_replaced_each_time(graph: cg.Graph) -> None:
    with graph.start() as site:
        seen = {site.supervisor_pid}
        for count in range(1, 5):
            os.kill(site.supervisor_pid, signal.SIGKILL)
            wait_until(lambda: site.supervisor_pid not in seen, 10, f"another supervisor than {seen}")
            seen.add(site.supervisor_pid)
            assert len(seen) == count + 1
        assert site.statistics(timeout=10).media[0].starts >= 0


def test_a_callback_that_does_not_return_does_not_keep_close_from_returning(
    graph: cg.Graph, caplog: pytest.LogCaptureFixture
) -> None:
    site = graph.start()
    inside, leave = threading.Event(), threading.Event()

    def linger(status: cg.StreamStatus) -> None:
        if status.state == "backing_off":
            inside.set()
            leave.wait(30)

    site.subscribe(linger)
    fronts = [site.spawn(Idle) for _ in range(4)]
    assert inside.wait(15)
    started = time.monotonic()
    site.close()
    assert time.monotonic() - started < 8.0
    assert "a callback is busy" in caplog.text
    leave.set()
    wait_until(lambda: site.streams["door"].status.reason == "closed", 5, "the thread's own end")
    wait_until(lambda: not any(front.alive for front in fronts), 5, "the ends of the processes")


def test_the_end_of_a_site_is_told_in_its_own_thread(graph: cg.Graph) -> None:
    threads: list[str] = []

    def hear(status: cg.StreamStatus) -> None:
        if status.reason == "closed":
            threads.append(threading.current_thread().name)

    with graph.start(name="told-where") as site:
        site.subscribe(hear)
    assert threads == ["camgraph-told-where"]


def test_children_of_a_forked_child_keep_their_own_descriptors(graph: cg.Graph) -> None:
    with graph.start() as site:
        child = os.fork()
        if child == 0:
            # Whatever number the site had has another owner now.
            mine = [os.open(os.devnull, os.O_RDONLY) for _ in range(64)]
            grandchild = os.fork()
            if grandchild == 0:
                for descriptor in mine:
                    os.fstat(descriptor)
                os._exit(0)
            os._exit(os.waitstatus_to_exitcode(os.waitpid(grandchild, 0)[1]))
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert site.statistics(timeout=10)


@pytest.mark.parametrize("name", ["", "a/b", "-" * 3, "x" * 65, "ä", "a\0b"])
def test_a_name_that_no_site_can_have_is_told(graph: cg.Graph, name: str) -> None:
    with pytest.raises(GraphError, match="name of a site"):
        graph.start(name=name)


def test_descriptors_that_run_out_leave_nothing_half_started(graph: cg.Graph) -> None:
    before = children()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with graph.start() as site:
        free_numbers = [number for number in range(256) if not Path(f"/proc/self/fd/{number}").exists()]
        try:
            for free in range(8):
                resource.setrlimit(resource.RLIMIT_NOFILE, (free_numbers[free], hard))
                with pytest.raises(OSError, match="Too many open files"):
                    graph.start()
                if free == 0:
                    with pytest.raises(OSError, match="Too many open files"):
                        site.spawn(Idle)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        assert not site.processes
    assert children() == before


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_a_program_without_standard_streams_gets_its_pictures_too(closed: str, tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(
        "import sys\n"
        "import camgraph as cg\n"
        "from camgraph.testing.waiting import wait_until\n"
        "graph = cg.Graph()\n"
        "graph.rtsp('door', 'rtsp://127.0.0.1:9/1')\n"
        "with graph.start() as site:\n"
        "    reason = wait_until(lambda: site.streams['door'].status.reason, 15)\n"
        "with open(sys.argv[1], 'w') as file:\n"
        "    file.write(reason)\n"
    )
    said = tmp_path / "said"
    command = f'exec "{sys.executable}" "{program}" "{said}" {closed}'
    assert subprocess.run(["sh", "-c", command], timeout=40).returncode == 0
    assert said.read_text() == "refused"


def test_a_reader_asked_for_while_the_site_closes_is_closed_or_refused(graph: cg.Graph) -> None:
    site = graph.start()
    readers: list[cg.Reader] = []
    refused: list[Exception] = []

    def ask() -> None:
        try:
            while True:
                readers.append(site.read(site.streams["door"].frames()))
        except (ClosedError, BrokenError) as error:
            refused.append(error)

    asking = threading.Thread(target=ask)
    asking.start()
    wait_until(lambda: len(readers) > 3, 10, "some readers")
    site.close()
    asking.join(10)
    assert refused
    for reader in readers:
        with pytest.raises(ClosedError):
            reader.read_nowait()


def test_a_closed_site_that_is_kept_keeps_no_front_end_and_its_descriptor() -> None:
    with cg.Graph().start() as site:
        front = site.spawn(Idle)
        front.wait_ready(10)
        descriptor = front.fileno()
        kept = weakref.ref(front)
    del front
    gc.collect()
    assert kept() is None
    assert site.processes == ()
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(descriptor)
