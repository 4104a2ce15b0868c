"""In a forked back end: leave the program that it is a copy of, run one process, and never come back."""

import atexit
import os
import signal
import socket
import sys
import threading
import traceback
from collections.abc import Callable
from io import FileIO
from typing import NoReturn

from camgraph.base.children import end_with_pipe
from camgraph.base.signals import end_on_sigterm
from camgraph.base.withheld import forget_withheld
from camgraph.client.leaving import exit_soon, flush
from camgraph.client.requests import open_reader
from camgraph.process.back import BackEnd, Made
from camgraph.process.channel import Channel
from camgraph.process.run import run_back_end
from camgraph.process.story import begin_story


def be_back_end(
    made: Callable[[], Made], *, sock: socket.socket, lifeline: FileIO, story: int, site: str
) -> NoReturn:
    """Run the back end to its end and exit; all signals are held back. Owns all descriptors.

    `lifeline` is the read end of a pipe: the process is killed when nobody has its write end any more.
    """
    code = 1
    try:
        forget_withheld()
        end_with_pipe(lifeline.fileno())
        _leave_program()
        begin_story(story)
        back = BackEnd(Channel(sock), lambda request: open_reader(site, request))
        end_on_sigterm(back.loop, back.end_soon)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        code = run_back_end(back, made)
        _finish(code)
    except BaseException:
        traceback.print_exc()
    finally:
        flush()
        os._exit(code)


def _leave_program() -> None:
    signal.set_wakeup_fd(-1)
    for number in signal.valid_signals():
        if callable(signal.getsignal(number)):
            signal.signal(number, signal.SIG_DFL)
    atexit._clear()
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    # The old one may have been read ahead.
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    _leave_multiprocessing()


def _leave_multiprocessing() -> None:
    """Do what its own children do first, so that its queues and locks can be used here."""
    util, process = (sys.modules.get(f"multiprocessing.{name}") for name in ("util", "process"))
    if util is not None and process is not None:
        process._children = set()  # type: ignore[attr-defined]
        util._finalizer_registry.clear()
        util._run_after_forkers()
        atexit.register(util._exit_function)


def _finish(code: int) -> None:
    """End as Python does, but not for long: threads, then what was registered here."""
    exit_soon(code)
    for thread in threading.enumerate():
        if thread is not threading.current_thread() and not thread.daemon:
            thread.join()
    atexit._run_exitfuncs()
