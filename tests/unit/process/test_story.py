"""Real processes that are ended by a signal, and what they have left of their last moment."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from camgraph.process import back
from camgraph.process.story import MOST_BYTES, make_story, place_of, read_story, summary_of, told_end

HEAD = """\
import ctypes, faulthandler, os, re, signal, subprocess, sys, threading, time
from camgraph.process.story import arm, begin_story, disarm
begin_story(int(sys.argv[1]))
libc = ctypes.PyDLL(None)

def on_frame(work):
    arm(0.1)
    work()
    disarm()

"""


def ended(tmp_path: Path, code: str, *, ignored: signal.Signals | None = None) -> tuple[int, str, str]:
    """Run a process; return its exit status, what it has printed, and its story."""
    file = tmp_path / "analyzer.py"
    file.write_text(HEAD + code, encoding="utf-8")
    story = make_story()
    before = ignored and signal.signal(ignored, signal.SIG_IGN)
    try:
        done = subprocess.run(
            [sys.executable, str(file), str(story)],
            pass_fds=[story],
            stdout=subprocess.PIPE,
            timeout=20,
            env={**os.environ, "PYTHONPATH": str(Path(back.__file__).parents[2])},
        )
        return done.returncode, done.stdout.decode(), read_story(story)
    finally:
        if ignored:
            signal.signal(ignored, before)
        os.close(story)


def test_a_deadline_holds_in_a_copy_of_a_program_that_used_the_signal_for_the_same(tmp_path: Path) -> None:
    used = "faulthandler.register(signal.SIGALRM)\nbegin_story(int(sys.argv[1]))\n"
    code, _, trace = ended(tmp_path, f"{used}on_frame(lambda: time.sleep(60))")
    assert code == -signal.SIGALRM
    assert "in on_frame\n" in trace


@pytest.mark.parametrize(
    "work",
    [
        "lambda: time.sleep(60)",
        "lambda: libc.sleep(60)",
        "lambda: [libc.usleep(1000) for _ in iter(int, 1)]",
        "lambda: re.match('(a+)+$', 'a' * 60 + 'b')",
        "lambda: [None for _ in iter(int, 1)]",
        "lambda: threading.Barrier(2).wait()",
    ],
)
def test_past_its_deadline_it_ends_whatever_it_does_and_tells_where(tmp_path: Path, work: str) -> None:
    others = "for _ in range(5): threading.Thread(target=time.sleep, args=(60,), daemon=True).start()\n"
    code, _, trace = ended(tmp_path, f"{others}def main(): on_frame({work})\nmain()")
    assert code == -signal.SIGALRM
    assert "in on_frame\n" in trace
    assert trace.count("most recent call first") == 6
    assert summary_of(code, trace).startswith("ran past its deadline in <module> (analyzer.py:")


def test_what_keeps_its_deadlines_lives_and_slow_calls_are_not_disturbed(tmp_path: Path) -> None:
    quick = "for _ in range(1000): on_frame(lambda: None)\ntime.sleep(0.3)\nprint('alive')"
    assert ended(tmp_path, quick) == (0, "alive\n", "")


def test_a_deadline_holds_where_the_signal_was_ignored_or_held_back_by_the_starter(tmp_path: Path) -> None:
    code, _, trace = ended(tmp_path, "on_frame(lambda: time.sleep(60))", ignored=signal.SIGALRM)
    assert code == -signal.SIGALRM
    assert "in on_frame\n" in trace


@pytest.mark.parametrize(
    ("work", "number"),
    [
        ("ctypes.string_at(0)", signal.SIGSEGV),
        ("os.abort()", signal.SIGABRT),
        ("os.kill(os.getpid(), signal.SIGBUS)", signal.SIGBUS),
    ],
)
def test_a_fault_tells_where(tmp_path: Path, work: str, number: signal.Signals) -> None:
    code, _, trace = ended(tmp_path, f"def setup(): {work}\nsetup()")
    assert code == -number
    assert 'analyzer.py", line 11 in setup\n' in trace
    assert summary_of(code, trace) == f"was killed by {number.name} in <module> (analyzer.py:12)"


def test_a_fault_in_a_thread_is_told_by_that_thread(tmp_path: Path) -> None:
    code, _, trace = ended(
        tmp_path,
        "def work(): ctypes.string_at(0)\n"
        "thread = threading.Thread(target=work)\nthread.start()\nthread.join()",
    )
    assert summary_of(code, trace) == "was killed by SIGSEGV in work (analyzer.py:11)"


def test_children_write_nothing_into_it_and_begin_without_a_timer(tmp_path: Path) -> None:
    code, printed, trace = ended(
        tmp_path,
        """
arm(60)
for end in lambda: ctypes.string_at(0), lambda: os.kill(os.getpid(), signal.SIGALRM):
    if (pid := os.fork()) == 0:
        end()
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)
told = "import signal; print(signal.getitimer(signal.ITIMER_REAL)[0], signal.getsignal(signal.SIGALRM) == 0)"
subprocess.run([sys.executable, "-c", told])
""",
    )
    assert (code, trace) == (0, "")
    assert printed.split("\n") == ["-11", "-14", "0.0 True", ""]


def test_a_deadline_is_cheap(tmp_path: Path) -> None:
    code, printed, _ = ended(
        tmp_path,
        """
best = 1.0
for _ in range(20):
    begin = time.perf_counter()
    for _ in range(1000): arm(60), disarm()
    best = min(best, (time.perf_counter() - begin) / 1000)
print(best)
""",
    )
    assert code == 0
    assert float(printed) < 20e-6


def test_of_a_long_story_the_end_is_read_and_bytes_that_are_no_text_do_not_matter() -> None:
    story = make_story()
    os.write(story, b"x" * MOST_BYTES + b"\xff\xfe the end\n")
    read = read_story(story)
    os.close(story)
    assert len(read) == MOST_BYTES - 1
    assert read.endswith("� the end")


def trace_of(*frames: str) -> str:
    lines = [f'  File "{frame.partition(":")[0]}", line 7 in {frame.partition(":")[2]}' for frame in frames]
    return "\n".join(
        [
            "Fatal Python error: Segmentation fault\n\nThread 0x00007effb6afd6c0 (most recent call first):",
            '  File "/somewhere/else.py", line 1 in other',
            "\nCurrent thread 0x00007effb77f1b80 (most recent call first):",
            *lines,
            "\nExtension modules: numpy.core (total: 1)",
        ]
    )


OURS = str(Path(back.__file__))
LOOP = str(Path(back.__file__).parents[1] / "base" / "loop.py")
RUN = (f"{OURS}:_guarded", f"{OURS}:_read", f"{LOOP}:run_once", f"{OURS}:run", "<frozen runpy>:_run_code")
ASYNCIO = str(Path(os.__file__).parent / "asyncio" / "events.py")


@pytest.mark.parametrize(
    ("frames", "place"),
    [
        (("/my/a.py:deep", "/my/a.py:on_frame", *RUN), "on_frame (a.py:7)"),
        ((f"{os.__file__}:fsync", "/my/a.py:on_frame", *RUN), "on_frame (a.py:7)"),
        ((f"{OURS}:emit", "/my/a.py:on_frame", *RUN), "on_frame (a.py:7)"),
        (("/my/a.py:on_frame", f"{ASYNCIO}:_run", *RUN), "on_frame (a.py:7)"),
        (("/v/lib/python3.11/site-packages/x/y.py:on_frame", *RUN), "on_frame (y.py:7)"),
        (("/my/a.py:on_frame", *RUN, "/my/program.py:spawns_by_fork"), "on_frame (a.py:7)"),
        ((f"{LOOP}:select", *RUN), "select (loop.py:7)"),
        ((), ""),
    ],
)
def test_the_place_is_the_handler_that_ran(frames: tuple[str, ...], place: str) -> None:
    assert place_of(trace_of(*frames)) == place


def test_a_summary_tells_every_end() -> None:
    assert summary_of(3, "") == "ended with exit code 3"
    assert summary_of(-signal.SIGKILL, "") == "was killed by SIGKILL"
    assert summary_of(-signal.SIGALRM, "") == "was killed by SIGALRM"
    trace = trace_of("/my/a.py:on_frame", *RUN)
    assert summary_of(-signal.SIGALRM, trace) == "ran past its deadline in on_frame (a.py:7)"
    assert summary_of(-signal.SIGSEGV, "garbage") == "was killed by SIGSEGV"


def test_an_end_is_told_with_the_place_where() -> None:
    assert told_end("exit code 3", 3, "") == "exit code 3"
    assert told_end("signal SIGKILL", -signal.SIGKILL, "") == "signal SIGKILL"
    trace = trace_of("/my/analyzer.py:on_frame", *RUN)
    told = told_end("signal SIGSEGV", -signal.SIGSEGV, trace)
    assert told == "signal SIGSEGV in on_frame (analyzer.py:7)"
    told = told_end("signal SIGALRM", -signal.SIGALRM, trace)
    assert told == "past its deadline in on_frame (analyzer.py:7)"
    assert told_end("signal SIGALRM", -signal.SIGALRM, "") == "signal SIGALRM"
