"""Back ends as processes of their own, started as the supervisor starts them."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import camgraph as cg
from camgraph.base.children import start_module
from camgraph.base.descriptors import receive_with_descriptors, site_address
from camgraph.base.loop import Loop
from camgraph.control.channel import channel_pair
from camgraph.process import payload
from camgraph.process.front import FrontEnd, make_front_end
from camgraph.process.story import make_story
from camgraph.ring.protocol import Hello
from camgraph.ring.writer import FrameMeta, RingWriter
from camgraph.testing.waiting import wait_until

Spawn = Callable[..., Any]


class Started:
    """A back end and its front end; stands for client and supervisor."""

    def __init__(self, loop: Loop, kind: type[cg.MessageProcess], args: Any, site: str) -> None:
        memfd = os.memfd_create("payload")
        os.write(memfd, payload.pack(kind, args, {}))
        story = make_story()
        ours, theirs = channel_pair()
        with theirs:
            self.popen = start_module(
                "camgraph.client.backend",
                [str(story), str(theirs.fileno()), str(memfd), "-1", str(os.getpid()), site],
                descriptors=[story, theirs.fileno(), memfd],
                hold_signals=True,
            )
        os.close(memfd)
        os.close(story)
        self.front: FrontEnd = make_front_end(kind, kind.__name__, loop, self._terminate)
        self.front._bind(ours, self.popen.pid)
        self._waiter = threading.Thread(target=lambda: self.front._on_exit(self.popen.wait()))
        self._waiter.start()

    def _terminate(self, grace_s: float) -> None:
        if self.popen.poll() is None:
            self.popen.send_signal(signal.SIGTERM if grace_s else signal.SIGKILL)

    def close(self) -> None:
        self.front.close(10)
        if self.popen.poll() is None:
            self.popen.kill()
        self._waiter.join()


@pytest.fixture
def loop() -> Iterator[Loop]:
    made = Loop()
    thread = threading.Thread(target=made.run)
    thread.start()
    yield made
    made.stop()
    thread.join()
    made.close()


@pytest.fixture
def spawn(loop: Loop) -> Iterator[Spawn]:
    started: list[Started] = []

    def start(kind: type[cg.MessageProcess], *args: Any, site: str = "nobody") -> FrontEnd:
        started.append(Started(loop, kind, args, site))
        return started[-1].front

    yield start
    for each in started:
        each.close()


class Worker(cg.MessageProcess):
    begun = cg.message(pid=int)
    said = cg.message(what=object)
    ended = cg.message()

    def __init__(self, trace: str = "") -> None:
        self.trace = trace

    def setup(self) -> None:
        import os

        self.begun.emit(os.getpid())

    def on_frame(self, frame: Any) -> None:
        self.said.emit(
            (frame.stream, frame.width, frame.height, frame.array.shape, int(frame.array[0, 0, 0]))
        )

    @cg.backend
    def say(self, what: object) -> None:
        self.said.emit(what)

    @cg.backend
    def run(self, code: str) -> None:
        """Run a line of Python with `self`."""
        exec(code, {"self": self})

    def cleanup(self) -> None:
        self.ended.emit()
        if self.trace:
            with open(self.trace, "a") as file:
                file.write("cleaned up\n")


def ready(front: Any) -> Any:
    """Wait until the back end has been set up; return the iterator of what follows."""
    messages = front.messages(20)
    for name, fields in messages:
        if name == "begun":
            assert fields == {"pid": front.pid}
            return messages
    raise AssertionError(f"it ended: {front.exit}; {front.failure}")


def test_it_runs_in_a_process_of_its_own_and_ends_in_order(spawn: Spawn) -> None:
    front = spawn(Worker)
    front.say({"a": 2**70})
    messages = ready(front)
    assert next(messages) == ("said", {"what": {"a": 2**70}})
    front.say("last")
    front.close(10)
    assert [name for name, _ in messages] == ["said", "ended"]
    assert front.exit == "exit code 0"


@pytest.mark.parametrize(
    ("code", "exit_text"),
    [
        ("import os; os._exit(5)", "exit code 5"),
        ("import sys; sys.exit(4)", "exit code 4"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "signal SIGSEGV"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "signal SIGKILL"),
    ],
)
def test_death_is_told_after_all_that_was_said_before(spawn: Spawn, code: str, exit_text: str) -> None:
    front = spawn(Worker)
    messages = ready(front)
    for number in range(100):
        front.say(number)
    front.run(code)
    said = [fields["what"] for name, fields in messages if name == "said"]
    assert said == list(range(100))
    assert front.exit == exit_text
    assert front.failure is None


def test_death_is_noticed_at_once(spawn: Spawn) -> None:
    front = spawn(Worker)
    ready(front)
    exited: list[int] = []
    front.exited.connect(lambda how: exited.append(time.monotonic_ns()))
    killed_ns = time.monotonic_ns()
    os.kill(front.pid, signal.SIGKILL)
    wait_until(lambda: exited)
    assert exited[0] - killed_ns < 1e9


def test_an_exception_comes_with_the_traceback_of_the_back_end(spawn: Spawn) -> None:
    front = spawn(Worker)
    errors: list[Any] = []
    front.failed.connect(errors.append)
    front.run("1 / 0")
    assert front.wait(20).startswith("exit code 1: ")
    (error,) = errors
    assert error.summary == "Worker.run raised ZeroDivisionError: division by zero"
    assert f'File "{__file__}"' in error.traceback
    assert 'exec(code, {"self": self})' in error.traceback


def test_the_front_end_gone_means_cleaning_up_and_ending(tmp_path: Any) -> None:
    trace = tmp_path / "trace"
    memfd = os.memfd_create("payload")
    os.write(memfd, payload.pack(Worker, (str(trace),), {}))
    story = make_story()
    ours, theirs = channel_pair()
    with ours, theirs:
        popen = start_module(
            "camgraph.client.backend",
            [str(story), str(theirs.fileno()), str(memfd), "-1", str(os.getpid()), "nobody"],
            descriptors=[story, theirs.fileno(), memfd],
        )
        os.close(memfd)
        os.close(story)
        theirs.close()
        ours.setblocking(True)
        assert b"begun" in ours.recv(1000)
    assert popen.wait(20) == 0
    assert trace.read_text() == "cleaned up\n"


@pytest.mark.parametrize("when", ["starting", "running"])
def test_sigterm_means_cleaning_up_and_ending(spawn: Spawn, tmp_path: Any, when: str) -> None:
    front = spawn(Worker, str(tmp_path / "trace"))
    messages = front.messages(20)
    if when == "running":
        ready(front)
    os.kill(front.pid, signal.SIGTERM)
    assert front.wait(20) == "exit code 0"
    assert [name for name, _ in messages] == ["begun", "ended"]
    assert (tmp_path / "trace").read_text() == "cleaned up\n"


def test_ctrl_c_in_the_terminal_is_the_programs_affair(
    spawn: Spawn, capfd: pytest.CaptureFixture[str]
) -> None:
    front = spawn(Worker)
    messages = ready(front)
    for number in range(5):
        os.kill(front.pid, signal.SIGINT)
        front.say(number)
        assert next(messages)[1]["what"] == number
    front.close(10)
    assert front.exit == "exit code 0"
    assert capfd.readouterr().err == ""


INTERRUPTED = """\
import camgraph as cg, os, signal
class Worker(cg.MessageProcess):
    def cleanup(self):
        print("cleaned up", flush=True)
site = cg.Graph().start()
worker = site.spawn(Worker)
try:
    os.killpg(0, signal.SIGINT)
except KeyboardInterrupt:
    print("interrupted", flush=True)
site.close()
print(worker.exit)
"""


def test_ctrl_c_while_everything_starts_shows_no_tracebacks() -> None:
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED], capture_output=True, text=True, start_new_session=True
    )
    assert (done.stdout, done.stderr) == ("interrupted\ncleaned up\nexit code 0\n", "")


def test_a_thread_left_running_holds_no_process_up(spawn: Spawn) -> None:
    front = spawn(Worker)
    ready(front)
    front.run("import threading; threading.Thread(target=threading.Event().wait).start()")
    front.close(10)
    assert front.exit == "exit code 0"


def test_a_child_that_the_back_end_forked_hides_no_death(spawn: Spawn) -> None:
    front = spawn(Worker)
    messages = ready(front)
    front.run(
        "import os, time; pid = os.fork(); (time.sleep(60), os._exit(0)) if pid == 0 else self.said.emit(pid)"
    )
    child = next(messages)[1]["what"]
    try:
        # Only end of file can end the iteration: nobody tells of the exit before it.
        assert os.readlink(f"/proc/{child}/exe")
        os.kill(front.pid, signal.SIGKILL)
        assert front.wait(5) == "signal SIGKILL"
    finally:
        os.kill(child, signal.SIGKILL)


def test_a_sigterm_for_a_forked_child_does_not_end_the_back_end(spawn: Spawn) -> None:
    front = spawn(Worker)
    messages = ready(front)
    front.run(
        "import multiprocessing; context = multiprocessing.get_context('fork'); "
        "runs, never = context.Event(), context.Event(); "
        "child = context.Process(target=lambda: (runs.set(), never.wait(60))); child.start(); runs.wait(); "
        "child.terminate(); child.join(); self.said.emit(child.exitcode)"
    )
    assert next(messages)[1]["what"] == -signal.SIGTERM
    front.say("alive")
    assert next(messages)[1]["what"] == "alive"


def test_garbage_on_its_channel_ends_it_and_says_so(spawn: Spawn) -> None:
    front = spawn(Worker)
    ready(front)
    front.run("import os; os.write(self._outlet._channel.fileno(), b'garbage' * 20)")
    front.wait(10)
    assert "Worker sent what can't be read" in front.failure.summary


def test_large_arrays_go_both_ways(spawn: Spawn) -> None:
    front = spawn(Worker)
    messages = ready(front)
    array = np.arange(3_000_000, dtype=np.float64)
    for turn in range(5):
        front.say(array + turn)
        assert np.array_equal(next(messages)[1]["what"], array + turn)


def test_what_has_happened_is_reported_also_without_a_close(spawn: Spawn) -> None:
    front = spawn(Worker)
    ready(front)
    for number in range(10):
        front.say(number)
    wait_until(lambda: front._tally.report == (0, 11, 0, 10))


def test_frames_of_a_ring_reach_on_frame(spawn: Spawn) -> None:
    site = f"test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_CLOEXEC) as listener:
        listener.bind(site_address(site))
        listener.listen()
        listener.settimeout(20)
        front = spawn(Worker, site=site)
        messages = ready(front)
        door = cg.FrameRequest(stream="door", format="bgr24", size=(64, 48), policy="every")
        front.watch(door)
        reader, _ = listener.accept()
        reader.settimeout(20)
        hello = Hello.decode(receive_with_descriptors(reader, 4096)[0])
        assert (hello.request.stream, hello.request.width, hello.request.height) == ("door", 64, 48)
        writer = RingWriter("door", "bgr24", 64, 48, epoch=time.time_ns())
        writer.add_reader(reader, hello)
        for number in range(5):
            writer.publish([np.full((48, 64, 3), number, np.uint8)], FrameMeta())
        for number in range(5):
            assert next(messages)[1]["what"] == ("door", 64, 48, (48, 64, 3), number)
        front.unwatch(door)

        def unread() -> bool:
            writer.publish([np.zeros((48, 64, 3), np.uint8)], FrameMeta())
            return writer.readers == 0

        wait_until(unread)
        front.close(10)
        assert front.statistics().frames >= 5
        writer.close()


def test_a_site_that_is_gone_is_reported_and_calls_go_on(spawn: Spawn) -> None:
    front = spawn(Worker, site="nobody-has-this-name")
    messages = ready(front)
    front.watch(cg.FrameRequest(stream="door"))
    wait_until(lambda: front.failure)
    assert "no site named 'nobody-has-this-name' runs" in front.failure.summary
    front.say("alive")
    assert next(messages)[1]["what"] == "alive"


UNGUARDED = """\
import sys
from dataclasses import dataclass

from PySide6.QtWidgets import QApplication, QLabel

import camgraph as cg

print("the program runs")
app, window = QApplication([]), QLabel("here")

@dataclass
class Found:
    limit: float

class Detector(cg.MessageProcess):
    found = cg.message(what=object, qt=list, main=str)
    painted = cg.message(label=QLabel)

    @cg.backend
    def look(self, limit: float) -> None:
        import sys
        qt = [name for name in sys.modules if "PySide" in name or "shiboken" in name]
        self.found.emit(Found(limit), qt, sys.modules["__main__"].__spec__.name)

site = cg.Graph().start()
detector = site.spawn(Detector)
messages = detector.messages(20)
detector.look(2.5)
_, fields = next(messages)
print(fields, isinstance(fields["what"], Found))
site.close()
print(detector.exit)
"""


def run_program(*command: str, given: str = "", folder: Any = None) -> "subprocess.CompletedProcess[str]":
    environment = os.environ | {"QT_QPA_PLATFORM": "offscreen"}
    return subprocess.run(
        [sys.executable, *command], input=given, env=environment, cwd=folder, capture_output=True, text=True
    )


@pytest.mark.parametrize("way", ["file", "stdin", "option"])
def test_an_unguarded_program_starts_a_back_end_and_keeps_its_qt(tmp_path: Any, way: str) -> None:
    program = UNGUARDED
    (tmp_path / "program.py").write_text(program)
    command = {"file": ["program.py"], "stdin": ["-"], "option": ["-c", program]}[way]
    done = run_program(*command, given=program if way == "stdin" else "", folder=tmp_path)
    assert done.stderr == ""
    lines = done.stdout.splitlines()
    assert lines[0] == "the program runs"
    assert lines[1] == "{'what': Found(limit=2.5), 'qt': [], 'main': 'camgraph.client.backend'} True"
    assert lines[2:] == ["exit code 0"]


def test_a_module_that_cannot_be_imported_there_is_told_with_the_traceback(tmp_path: Any) -> None:
    (tmp_path / "helper.py").write_text(
        'import sys\nif "backend" in sys.argv[0]: raise ImportError("not here")\n' + HELPER
    )
    (tmp_path / "program.py").write_text(
        "import helper, camgraph as cg\n"
        "with cg.Graph().start() as site:\n"
        "    counter = site.spawn(helper.Counter)\n"
        "    print(counter.wait(20))\n"
    )
    done = run_program(str(tmp_path / "program.py"))
    assert done.stdout.startswith("exit code 1: the start of the back end raised ImportError")
    assert "Counter-1 failed: the start of the back end raised ImportError: not here" in done.stderr
    assert f'File "{tmp_path}/helper.py", line 2' in done.stderr


HELPER = """\
import camgraph as cg

loaded = cg.message  # By value, this would be another object there.

class Counter(cg.MessageProcess):
    counted = cg.message(total=int, module=str)

    def setup(self):
        self.total = 0

    @cg.backend
    def count(self, by: int = 1) -> None:
        import helper
        self.total += by
        self.counted.emit(self.total, helper.__name__)
"""

IMPORTING = """\
import helper
import camgraph as cg
with cg.Graph().start() as site:
    counter = site.spawn(helper.Counter)
    messages = counter.messages(20)
    counter.count()
    counter.count(by=2)
    print(next(messages), next(messages))
"""


def test_a_class_of_the_programs_own_module_is_imported_there(tmp_path: Any) -> None:
    (tmp_path / "helper.py").write_text(HELPER)
    (tmp_path / "program.py").write_text(IMPORTING)
    done = run_program(str(tmp_path / "program.py"))
    assert done.stderr == ""
    assert done.stdout == (
        "('counted', {'total': 1, 'module': 'helper'}) ('counted', {'total': 3, 'module': 'helper'})\n"
    )


WIDGET = """\
from PySide6.QtWidgets import QApplication, QLabel
import camgraph as cg
app, window = QApplication([]), QLabel("here")
class Detector(cg.MessageProcess):
    def setup(self):
        window.setText("from afar")
with cg.Graph().start() as site:
    try:
        site.spawn(Detector)
    except TypeError as error:
        print(error)
"""


def test_a_widget_that_the_class_uses_is_named() -> None:
    done = run_program("-c", WIDGET)
    assert done.stderr == ""
    assert done.stdout.startswith(
        "Detector.setup → window: QLabel stays at the front; pass plain values, or make it in setup() ("
    )
