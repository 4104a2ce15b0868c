"""Programs that join a site by its name: what they can do, and that their ends cost nobody else anything."""

import json
import os
import select
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from tests.faults.family import gone

import camgraph as cg
from camgraph.errors import BrokenError, GraphError
from camgraph.testing.cameras import Cameras
from camgraph.testing.waiting import wait_until
from camgraph.testing.watching import Watcher

PROGRAM = Path(__file__).with_name("joined_program.py")
PRIVATE = "keeper:p@ss/word"
NOBODY = 65534


@pytest.fixture(scope="module")
def cameras() -> Iterator[Cameras]:
    with Cameras(count=2, size=(320, 180)) as cameras:
        yield cameras


@pytest.fixture
def name() -> str:
    return f"joined-{uuid4().hex[:8]}"


@pytest.fixture
def site(cameras: Cameras, name: str) -> Iterator[cg.Site]:
    graph = cg.Graph()
    door = graph.rtsp("door", cameras.urls[0])
    graph.gate("night", door)
    with graph.start(name=name) as site:
        yield site


class Raised(Exception):
    """What the program's call raised: its kind, and what it said."""


class Joined:
    """A program of another process that does what it is told."""

    def __init__(self, *arguments: str) -> None:
        self._unread = b""
        self._popen = subprocess.Popen(
            [sys.executable, str(PROGRAM), *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )

    @property
    def pid(self) -> int:
        return self._popen.pid

    def tell(self, do: str, **arguments: Any) -> None:
        assert self._popen.stdin is not None
        self._popen.stdin.write(json.dumps({"do": do, **arguments}).encode() + b"\n")
        self._popen.stdin.flush()

    def answer(self, within_s: float = 20.0) -> Any:
        assert self._popen.stdout is not None
        deadline = time.monotonic() + within_s
        while b"\n" not in self._unread:
            left = max(0.0, deadline - time.monotonic())
            assert select.select([self._popen.stdout], [], [], left)[0], "no answer came"
            chunk = os.read(self._popen.stdout.fileno(), 65536)
            assert chunk, "it has ended"
            self._unread += chunk
        line, self._unread = self._unread.split(b"\n", 1)
        answer = json.loads(line)
        if "raised" in answer:
            raise Raised(f"{answer['raised']}: {answer['said']}")
        return answer["gave"]

    def ask(self, do: str, **arguments: Any) -> Any:
        self.tell(do, **arguments)
        return self.answer()

    def state_of(self, stream: str) -> tuple[str, str]:
        # One program's change is known to another a moment later than to itself.
        state, reason, _ = self.ask("streams").get(stream, ("unknown", "", ""))
        return state, reason

    def close(self) -> None:
        if self._popen.poll() is None:
            self._popen.kill()
        self._popen.wait()
        for pipe in (self._popen.stdin, self._popen.stdout):
            if pipe is not None:
                pipe.close()


@contextmanager
def joined(*arguments: str) -> Iterator[Joined]:
    program = Joined(*arguments)
    try:
        yield program
    finally:
        program.close()


@contextmanager
def watching(site: cg.Site, stream: str) -> Iterator[Watcher]:
    watcher = Watcher(site.name, stream)
    try:
        wait_until(lambda: watcher.verified_after(0), 20, f"frames of {stream}")
        yield watcher
    finally:
        watcher.close()


def readers_of(site: cg.Site, stream: str) -> int:
    return sum(ring.readers for ring in site.statistics().streams[stream].rings)


def test_a_program_that_joins_can_do_what_the_owner_can(site: cg.Site, cameras: Cameras) -> None:
    with joined(site.name) as program:
        assert list(program.ask("streams")) == ["door", "night"]
        assert program.ask("read", stream="night", frames=10)["ok"]
        assert program.state_of("door") == ("live", "")
        assert ["door", "live", ""] in program.ask("story")

        assert program.ask("gate", name="night", opened=False) is False
        wait_until(lambda: not site.gate("night").opened, 2, "the owner knows it")
        with pytest.raises(Raised, match="TimeoutError"):
            program.ask("read", stream="night", timeout=1.0)
        site.gate("night").open()
        wait_until(lambda: program.ask("gate_is_open", name="night"), 2, "the program knows it")
        assert program.ask("read", stream="night")["ok"]

        echo = program.ask("spawn")
        assert not gone(echo)
        numbers = program.ask("numbers")
        assert list(numbers["processes"].values()) == [echo]
        assert numbers["clients"] == 2
        assert site.statistics().processes == {}

        assert program.ask("add", stream="yard", url=cameras.urls[1]) == ["yard"]
        wait_until(lambda: "yard" in site.streams, 2, "the new stream at the owner")
        assert site.read(site.streams["yard"].frames()).read(timeout=15).stream == "yard"
        with pytest.raises(Raised, match="GraphError: two streams are named 'yard'"):
            program.ask("add", stream="yard", url="rtsp://h/1")
        with pytest.raises(Raised, match="GraphError: no gate is named 'door'"):
            program.ask("gate", name="door", opened=True)


def test_the_kill_of_a_program_ends_its_processes_and_nothing_else(site: cg.Site) -> None:
    with watching(site, "door") as mine, joined(site.name) as other, joined(site.name) as program:
        processes = [program.ask("spawn"), program.ask("spawn")]
        kept = other.ask("spawn")
        program.tell("read_on", stream="door")
        assert program.answer() == "reading"
        began = time.monotonic()
        os.kill(program.pid, signal.SIGKILL)
        wait_until(lambda: all(map(gone, processes)), 4, "the end of its processes")
        wait_until(lambda: site.statistics().clients == 2, 2, "its place is free")
        seen = len(mine.seen)
        wait_until(lambda: len(mine.seen) > seen + 10, 5, "further frames")
        assert not mine.lost_since(began)
        assert not gone(kept)
        assert other.ask("read", stream="door")["ok"]
        wait_until(lambda: readers_of(site, "door") == 1, 2, "the readers of the others are gone")


def test_a_program_that_leaves_takes_its_processes_along_and_nothing_else(site: cg.Site) -> None:
    with watching(site, "door") as mine, joined(site.name) as program:
        echo = program.ask("spawn")
        began = time.monotonic()
        assert program.ask("leave") == ["exit code 0"]
        assert gone(echo)
        wait_until(lambda: site.statistics().clients == 1, 2, "its place is free")
        seen = len(mine.seen)
        wait_until(lambda: len(mine.seen) > seen + 10, 5, "further frames")
        assert not mine.lost_since(began)
        with pytest.raises(Raised, match="ClosedError"):
            program.ask("read", stream="door")


def test_a_joined_program_goes_on_when_the_supervisor_was_replaced(site: cg.Site, cameras: Cameras) -> None:
    with (
        Cameras(count=1, size=(320, 180), login=PRIVATE) as private,
        joined(site.name) as program,
        joined(site.name) as reading,
    ):
        # What it has brought must survive too, the login as well.
        url = private.urls[0].replace("//", "//keeper:p%40ss%2Fword@")
        assert program.ask("add", stream="attic", url=url) == ["attic"]
        before = program.ask("read", stream="attic", frames=3)
        # Nor does the next graph need it to be known where that comes from.
        graph = cg.Graph.from_spec(site.spec)
        graph.rate("slow", graph.rtsp("yard", cameras.urls[1]), 5)
        assert site.apply(graph).added == ("yard", "slow")
        site.gate("night").close()
        reading.tell("read_over", stream="door")
        assert reading.answer() == "reading"
        killed = site.supervisor_pid
        os.kill(killed, signal.SIGKILL)
        wait_until(lambda: site.supervisor_pid != killed, 5, "another supervisor")
        after = program.ask("read", stream="attic", frames=3)
        assert after["ok"]
        assert after["epoch"] > before["epoch"]
        assert reading.answer() is True
        wait_until(lambda: program.state_of("attic") == ("live", ""), 10, "its status")
        assert ["attic", "backing_off", "supervisor_died"] in program.ask("story")
        assert program.ask("gate_is_open", name="night") is False
        assert program.ask("gate", name="night", opened=True) is True
        assert program.ask("read", stream="night")["ok"]
        assert program.ask("numbers")["clients"] == 3
        assert not gone(program.ask("spawn"))


def test_a_program_without_descriptors_joins_anew_when_it_has_some(site: cg.Site) -> None:
    with joined(site.name) as program:
        program.ask("starve", starved=True)
        killed = site.supervisor_pid
        os.kill(killed, signal.SIGKILL)
        wait_until(lambda: program.state_of("door")[1] == "supervisor_died", 10, "the loss to be noticed")
        program.ask("starve", starved=False)
        wait_until(lambda: program.state_of("door") == ("live", ""), 10, "its return")
        assert "site_closed" not in [reason for _, _, reason in program.ask("story")]


@pytest.mark.parametrize("how", ["SIGKILL", "close"])
def test_the_owners_end_is_told_and_a_new_site_of_the_name_is_joined(
    name: str, cameras: Cameras, how: str
) -> None:
    with joined(name, cameras.urls[0]) as owner:
        wait_until(lambda: owner.state_of("door") == ("live", ""), 20, "a live site")
        with joined(name) as program, joined(name) as reading:
            assert program.ask("read", stream="door")["ok"]
            reading.tell("read_on", stream="door")
            assert reading.answer() == "reading"
            if how == "close":
                owner.ask("leave")
            owner.close()
            said = f"no site named '{name}' runs on this machine for this user"
            with pytest.raises(Raised, match=f"BrokenError: {said}"):
                reading.answer(within_s=5)
            wait_until(lambda: program.state_of("door") == ("stopped", "site_closed"), 5, "its status")
            _, _, sentence = program.ask("streams")["door"]
            assert "closed" in sentence
            asked: list[dict[str, str]] = [
                {"do": "read", "stream": "door"},
                {"do": "numbers"},
                {"do": "add", "stream": "yard", "url": "rtsp://h/1"},
            ]
            for call in asked:
                began = time.monotonic()
                with pytest.raises(Raised, match="BrokenError: "):
                    program.ask(**call)
                assert time.monotonic() - began < 2.0

            with joined(name, cameras.urls[1]) as again:
                wait_until(lambda: program.state_of("door") == ("live", ""), 20, "the site joined anew")
                assert program.ask("read", stream="door")["ok"]
                assert again.ask("numbers")["clients"] == 3
                assert not gone(program.ask("spawn"))


def test_a_stopped_program_keeps_nobody_waiting_and_catches_up(site: cg.Site) -> None:
    with (
        Cameras(count=1, size=(320, 180)) as cameras,
        watching(site, "door") as mine,
        joined(site.name) as program,
        joined(site.name) as other,
    ):
        graph = cg.Graph.from_spec(site.spec)
        graph.rtsp("yard", cameras.urls[0])
        site.apply(graph)
        wait_until(lambda: other.state_of("yard") == ("live", ""), 20, "another camera")
        assert program.ask("read", stream="door")["ok"]
        os.kill(program.pid, signal.SIGSTOP)
        try:
            began = time.monotonic()
            slowest_s = 0.0
            for number in range(1500):
                asked = time.monotonic()
                site.gate("night").close() if number % 2 else site.gate("night").open()
                slowest_s = max(slowest_s, time.monotonic() - asked)
            assert slowest_s < 1.0
            assert other.ask("gate_is_open", name="night") is False
            seen = len(mine.seen)
            wait_until(lambda: len(mine.seen) > seen + 10, 5, "further frames")
            assert not mine.lost_since(began)

            graph = cg.Graph.from_spec(site.spec)
            graph.rtsp("attic", "rtsp://127.0.0.1:9/1")
            site.apply(graph)
            wait_until(lambda: other.state_of("attic")[1] == "refused", 10, "what the others know")
            cameras.stop()
            wait_until(lambda: other.state_of("yard")[0] != "live", 10, "what the others know")
            cameras.restart()
            wait_until(lambda: other.state_of("yard") == ("live", ""), 20, "what the others know")
            assert not mine.lost_since(began)
        finally:
            os.kill(program.pid, signal.SIGCONT)
        wait_until(
            lambda: program.ask("streams").keys() == {"door", "night", "yard", "attic"}, 5, "the graph"
        )
        wait_until(lambda: program.state_of("yard") == ("live", ""), 5, "the last state of yard")
        wait_until(lambda: program.state_of("attic")[1] == "refused", 5, "the last state of attic")
        assert program.ask("gate_is_open", name="night") is False
        # It was told the last of each, not all of it.
        assert len(program.ask("story")) < 200
        assert program.ask("read", stream="door")["ok"]


def test_what_can_not_be_joined_is_told_in_one_sentence(site: cg.Site, name: str) -> None:
    with pytest.raises(GraphError, match="can't be the name of a site"):
        cg.attach("no/name")
    with pytest.raises(BrokenError, match="no site named 'nowhere-near' runs on this machine for this user"):
        cg.attach("nowhere-near")
    os.kill(site.supervisor_pid, signal.SIGSTOP)
    try:
        began = time.monotonic()
        with pytest.raises(BrokenError, match=rf"site '{name}' did not tell its graph within 0\.5 s"):
            cg.attach(name, timeout=0.5)
        assert time.monotonic() - began < 3.0
    finally:
        os.kill(site.supervisor_pid, signal.SIGCONT)
    with cg.attach(name) as again:
        assert list(again.streams) == ["door", "night"]


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user")
def test_another_user_is_refused(site: cg.Site, name: str) -> None:
    with watching(site, "door") as mine:
        began = time.monotonic()
        done = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(AS_ANOTHER_USER), name, str(os.getuid()), str(NOBODY)],
            capture_output=True,
            text=True,
            timeout=30,
        )
        assert done.returncode == 0, done.stderr
        said, *closed = done.stdout.splitlines()
        assert said == (
            f"no site named '{name}' runs on this machine for this user: is the name right, was it closed?"
        )
        assert len(closed) == 3
        for line in closed:
            told, took_s = line.split()
            assert told == "nothing"
            assert float(took_s) < 1.0
        assert site.statistics().clients == 1
        assert not mine.lost_since(began)


AS_ANOTHER_USER = """
    import os, socket, sys, time
    import camgraph as cg
    from camgraph.control.channel import GREETING
    from camgraph.errors import BrokenError
    from camgraph.ring.protocol import Hello, RingRequest

    name, owner, user = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    attach = cg.attach
    os.setgroups([])
    os.setresgid(user, user, user)
    os.setresuid(user, user, user)
    try:
        attach(name)
    except BrokenError as error:
        print(error)
    for greeting in (b"", GREETING, Hello(RingRequest("door")).encode()):
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as sock:
            sock.settimeout(5)
            sock.connect(f"\\0camgraph-{owner}-{name}")
            began = time.monotonic()
            told = b""
            try:
                if greeting:
                    sock.send(greeting)
                told = sock.recv(4096)
            except (BrokenPipeError, ConnectionResetError):
                pass
            print(told or "nothing", time.monotonic() - began)
"""
