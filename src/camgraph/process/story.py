"""What a back end was doing when a signal ended it: written by itself in its last moment, read by others.

A back end has a memfd, its *story*. Python's faulthandler writes the traceback of all threads into it when a
fault ends the process (SIGSEGV, SIGABRT, SIGBUS, SIGFPE, SIGILL), and when a handler has run past its
deadline: then it is an interval timer's SIGALRM that ends it. Neither needs the interpreter lock, so this
works while C code holds that for ever. SIGALRM is ours in back ends.
"""

import faulthandler
import os
import re
import signal
import sysconfig
from pathlib import Path
from typing import NamedTuple

from camgraph.base.children import describe_exit

MOST_BYTES = 1 << 16

_FRAME = re.compile(r'^  File "(?P<file>.*)", line (?P<line>\d+) in (?P<name>.*)$')
_OURS = tuple(str(Path(__file__).parents[1] / room) + os.sep for room in ("base", "client", "process"))
_STANDARD = tuple(f"{sysconfig.get_path(name)}{os.sep}" for name in ("stdlib", "platstdlib"))
_INSTALLED = (f"{os.sep}site-packages{os.sep}", f"{os.sep}dist-packages{os.sep}")


def make_story() -> int:
    """Return the descriptor of a new story; the caller owns it."""
    return os.memfd_create("camgraph-story", os.MFD_CLOEXEC)


def begin_story(fd: int) -> None:
    """Have this process write its end into its story; in its main thread, as early as can be.

    The descriptor stays open as long as the process lives. Children that it forks write nothing into it.
    """
    os.set_inheritable(fd, False)
    faulthandler.enable(fd, all_threads=True)
    # A program whose copy this is may have registered it, which would count and do nothing any more.
    faulthandler.unregister(signal.SIGALRM)
    # As the chain's end: the signal is dealt with again after the traceback was written.
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    faulthandler.register(signal.SIGALRM, fd, all_threads=True, chain=True)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGALRM})
    os.register_at_fork(after_in_child=_leave_story)


def arm(seconds: float) -> None:
    """End this process in so many seconds, unless it is disarmed before; from any thread.

    The time in which the process is stopped counts as well.
    """
    signal.setitimer(signal.ITIMER_REAL, seconds)


def disarm() -> None:
    """Forget the last `arm`."""
    signal.setitimer(signal.ITIMER_REAL, 0.0)


def read_story(fd: int) -> str:
    """Return the end of a story, `MOST_BYTES` at most: the main thread is written last."""
    size = os.fstat(fd).st_size
    return os.pread(fd, MOST_BYTES, max(0, size - MOST_BYTES)).decode(errors="replace").strip()


def place_of(trace: str) -> str:
    """Return where in the user's code it ended, as ``on_frame (analyzer.py:31)``; empty: nobody knows.

    That is the handler, with the line that it had come to, in the thread that the signal has met; what the
    handler has called in turn is in the trace. Where nothing of the user's ran, it is the innermost function.
    """
    frames = _current_thread(trace)
    if not frames:
        return ""
    # A forked back end runs upon the frames of the program, which are the user's as well.
    begins = next((at for at in reversed(range(len(frames))) if frames[at].file.startswith(_OURS)), 0)
    outermost_first = (*reversed(frames[:begins]), *reversed(frames[begins:]))
    handler = next((frame for frame in outermost_first if _is_users(frame.file)), frames[0])
    return f"{handler.name} ({os.path.basename(handler.file)}:{handler.line})"


def told_end(how: str, returncode: int, trace: str) -> str:
    """Return how one life ended, with the place where: ``signal SIGSEGV in on_frame (analyzer.py:31)``."""
    place = place_of(trace)
    where = f" in {place}" if place else ""
    return f"past its deadline{where}" if _ran_past_deadline(returncode, trace) else how + where


def summary_of(returncode: int, trace: str) -> str:
    """Return what ended a process, for a sentence that begins with its name.

    ``ran past its deadline in on_frame (analyzer.py:31)``; ``was killed by SIGSEGV in on_frame (…)``; ``ended
    with exit code 3``.
    """
    place = place_of(trace)
    where = f" in {place}" if place else ""
    if _ran_past_deadline(returncode, trace):
        return f"ran past its deadline{where}"
    how = describe_exit(returncode)
    return f"ended with {how}" if returncode >= 0 else f"was killed by {how.removeprefix('signal ')}{where}"


def _ran_past_deadline(returncode: int, trace: str) -> bool:
    return returncode == -signal.SIGALRM and bool(trace)


def _leave_story() -> None:
    faulthandler.disable()
    faulthandler.unregister(signal.SIGALRM)


class _Frame(NamedTuple):
    file: str
    line: str
    name: str


def _current_thread(trace: str) -> list[_Frame]:
    """Return the frames of the thread that the signal has met, innermost first."""
    _, current, rest = trace.partition("Current thread ")
    frames = []
    for line in rest.splitlines()[1:] if current else ():
        frame = _FRAME.match(line)
        if frame is None:
            break
        frames.append(_Frame(**frame.groupdict()))
    return frames


def _is_users(file: str) -> bool:
    if file.startswith(("<frozen ", *_OURS)):
        return False
    return not file.startswith(_STANDARD) or any(part in file for part in _INSTALLED)
