"""Signals in our own processes: a terminal's Ctrl-C is the program's affair, SIGTERM means end in order."""

import os
import signal
from collections.abc import Callable

from camgraph.base.loop import Loop
from camgraph.base.wakeup import Wakeup


def end_on_sigterm(loop: Loop, callback: Callable[[], None]) -> None:
    """Ignore SIGINT, and call back in the loop for each SIGTERM. Only in the main thread.

    A terminal sends SIGINT to every process of the group; ours end when their owner does.
    """
    raised = Wakeup()

    def serve() -> None:
        raised.clear()
        callback()

    loop.add(raised, serve)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # The handler may interrupt any line of this thread, one that holds a lock too: it only raises the flag.
    signal.signal(signal.SIGTERM, lambda *_: raised.set())
    # A forked child shares the flag; a SIGTERM that is meant for it must not end its parent.
    os.register_at_fork(after_in_child=_default_sigterm)
    # The starter may have held them back until here.
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT, signal.SIGTERM})


def call_on_sigchld(loop: Loop, callback: Callable[[], None]) -> Wakeup:
    """Call back in the loop when children were stopped, went on, or ended. Only in the main thread.

    The flag that is returned belongs to the caller, to be closed after the loop, if ever.
    """
    raised = Wakeup()

    def serve() -> None:
        raised.clear()
        callback()

    loop.add(raised, serve)
    signal.signal(signal.SIGCHLD, lambda *_: raised.set())
    return raised


def _default_sigterm() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
