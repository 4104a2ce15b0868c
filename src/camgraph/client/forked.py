"""The forked processes of a site: copies of the program, made by `spawn` where it is called."""

import gc
import logging
import os
import signal
import socket
import sys
import threading
import time
import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from io import FileIO
from typing import Any

from camgraph.base.children import describe_exit
from camgraph.base.errors import BrokenError, ClosedError
from camgraph.base.interrupted import interrupted_later
from camgraph.base.loop import Loop
from camgraph.base.oom import own_oom_kills
from camgraph.base.parking import close_in_children, foreign_threads, given_to_child, no_fork
from camgraph.base.withheld import blot_out
from camgraph.client.copied import be_back_end
from camgraph.control.channel import channel_pair
from camgraph.process import payload
from camgraph.process.declare import MessageProcess
from camgraph.process.front import FrontEnd, make_front_end
from camgraph.process.story import make_story, read_story, told_end

_log = logging.getLogger(__name__)

REAPED_ELSEWHERE = "unknown: another part of the program has waited for it"


class ForkedProcesses:
    """Forks back ends, and tells their front ends how they end. The supervisor has no part in it.

    A back end ends with this program: the kernel kills it when the write end of its pipe is gone, which
    nobody else has. `loop` is the site's.
    """

    def __init__(self, site: str, loop: Loop) -> None:
        self._site = site
        self._loop = loop
        self._lock = threading.Lock()
        self._running: dict[FrontEnd, _Forked] = {}
        self._ending = False

    @property
    def fronts(self) -> tuple[FrontEnd, ...]:
        """The front ends of those that run."""
        with self._lock:
            return tuple(self._running)

    def spawn(
        self, kind: type[MessageProcess], name: str, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> FrontEnd:
        """Fork a back end in this thread; return its front end. Raises OSError."""
        with interrupted_later():
            return self._spawn_now(kind, name, args, kwargs)

    def _spawn_now(
        self, kind: type[MessageProcess], name: str, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> FrontEnd:
        payload.check_arguments(kind, args, kwargs)
        front = make_front_end(kind, name, self._loop, lambda grace_s: self._terminate(front, grace_s))
        with ExitStack() as undo:
            # From here on a fork elsewhere closes them in its child.
            with no_fork():
                ours, theirs = channel_pair()
                undo.callback(ours.close)
                undo.callback(theirs.close)
                read_fd, write_fd = os.pipe2(os.O_CLOEXEC)
                held = undo.enter_context(FileIO(read_fd))
                lifeline = undo.enter_context(FileIO(write_fd, "w"))
                story = undo.enter_context(FileIO(make_story()))
                for owned in (ours, theirs, held, lifeline, story):
                    close_in_children(owned)
            threads = foreign_threads()
            kills_before = own_oom_kills().count()
            with _signals_held(), given_to_child(theirs, held, story):
                pid = _fork()
                if pid == 0:
                    be_back_end(
                        lambda: (kind, args, kwargs),
                        sock=theirs,
                        lifeline=held,
                        story=story.fileno(),
                        site=self._site,
                    )
            theirs.close()
            held.close()
            forked = _Forked(pid, kind.__name__, lifeline, story, kills_before)
            undo.pop_all()
        self._watch(front, ours, forked)
        _warn_of_threads(name, threads)
        return front

    def hide_logins(self) -> None:
        """Have none show the variables that are known by now to hold logins (see `base.withheld`)."""
        with self._lock:
            running = list(self._running.values())
        for forked in running:
            forked.hide_logins()

    def end(self, within_s: float) -> None:
        """Kill and reap those that have not ended in time, here: the site's thread may be busy."""
        with self._lock:
            self._ending = True
            running = list(self._running.values())
        deadline = time.monotonic() + within_s
        for forked in running:
            if not forked.reaped.wait(max(0.0, deadline - time.monotonic())):
                forked.signal(signal.SIGKILL)
                forked.reap()

    def forget_in_child(self) -> None:
        """Leave them to the parent of this forked child. Takes no lock."""
        self._lock = threading.Lock()
        self._ending = True
        self._running = {}

    def _watch(self, front: FrontEnd, sock: socket.socket, forked: "_Forked") -> None:
        with self._lock:
            self._running[front] = forked
            ending = self._ending
        front._bind(sock, forked.pid)
        watched = self._loop.call_soon_threadsafe(
            lambda: self._loop.add(forked.pidfd, partial(self._over, front, forked))
        )
        if ending or not watched:
            forked.signal(signal.SIGKILL)
        if not watched:
            forked.reap()
            self._over(front, forked)
            raise ClosedError(f"site {self._site!r} is closed")

    def _terminate(self, front: FrontEnd, grace_s: float) -> None:
        with self._lock:
            forked = self._running.get(front)
        if forked is None:
            return
        forked.signal(signal.SIGTERM if grace_s > 0 else signal.SIGKILL)
        if grace_s > 0 and not self._loop.call_soon_threadsafe(lambda: self._kill_after(forked, grace_s)):
            raise BrokenError(f"site {self._site!r} is closed")

    def _kill_after(self, forked: "_Forked", grace_s: float) -> None:
        self._loop.call_later(grace_s, lambda: forked.signal(signal.SIGKILL))

    def _over(self, front: FrontEnd, forked: "_Forked") -> None:
        self._loop.remove(forked.pidfd)
        returncode, how, trace = forked.reap()
        forked.close()
        with self._lock:
            self._running.pop(front, None)
        _log.debug("back end %s (pid %d) ended: %s", forked.name, forked.pid, how)
        front._on_exit(returncode, how, trace)


class _Forked:
    """A child of this process that was not started by exec; owns its pidfd, and the pipe it ends with.

    All methods but `close` may be called from any thread.
    """

    def __init__(self, pid: int, name: str, lifeline: FileIO, story: FileIO, kills_before: int) -> None:
        """Raises OSError; then it was killed."""
        self.pid = pid
        self.name = name
        self.reaped = threading.Event()
        self._lifeline = lifeline
        self._story = story
        self._kills_before = kills_before
        self._was_killed = False
        self._lock = threading.Lock()
        self._end = (0, "", "")
        try:
            with no_fork():
                self.pidfd = FileIO(os.pidfd_open(pid))
                close_in_children(self.pidfd)
        except OSError:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            raise

    def signal(self, number: signal.Signals) -> None:
        """Send a signal; one that has ended gets none."""
        with self._lock, suppress(ProcessLookupError):
            if not self.reaped.is_set():
                self._was_killed |= number == signal.SIGKILL
                signal.pidfd_send_signal(self.pidfd.fileno(), number)

    def hide_logins(self) -> None:
        """Have it show no variable that holds a login."""
        with self._lock:
            if not self.reaped.is_set():
                blot_out(self.pid)

    def reap(self) -> tuple[int, str, str]:
        """Wait for it, which has ended or was killed; return exit status, that in words, and trace."""
        with self._lock:
            if not self.reaped.is_set():
                self._end = self._reap()
                self.reaped.set()
            return self._end

    def close(self) -> None:
        """Release the descriptors."""
        for file in (self.pidfd, self._lifeline, self._story):
            file.close()

    def _reap(self) -> tuple[int, str, str]:
        try:
            _, status = os.waitpid(self.pid, 0)
        except ChildProcessError:
            return 0, REAPED_ELSEWHERE, ""
        returncode = os.waitstatus_to_exitcode(status)
        if self._was_killed:
            how = describe_exit(returncode)
        else:
            how = own_oom_kills().describe_exit(returncode, self._kills_before)
        trace = read_story(self._story.fileno()) if returncode < 0 else ""
        return returncode, told_end(how, returncode, trace), trace


def _warn_of_threads(name: str, before: dict[int, str]) -> None:
    # Libraries that end their threads around a fork, as numpy's linear algebra does, know what they do.
    foreign = Counter(before[number] for number in before.keys() & foreign_threads().keys())
    if foreign:
        _log.warning(
            "%s was forked while other threads ran; it has none of them, but what they had locked stays "
            "locked in it for ever: %s",
            name,
            ", ".join(thread if count == 1 else f"{thread} ×{count}" for thread, count in foreign.items()),
        )


@contextmanager
def _signals_held() -> Iterator[None]:
    """The child must not deal with one as its parent would."""
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def _fork() -> int:
    for stream in (sys.stdout, sys.stderr):
        # Else what waits in them is written twice.
        with suppress(OSError, ValueError, AttributeError):
            stream.flush()
    collects = gc.isenabled()
    gc.disable()
    try:
        with warnings.catch_warnings():
            # Python 3.12 warns of threads, ours too.
            warnings.simplefilter("ignore", DeprecationWarning)
            pid = os.fork()
        if pid == 0:
            # What is unreachable there is the parent's to destroy: Qt's objects would talk on its connection.
            gc.freeze()
        return pid
    finally:
        if collects:
            gc.enable()
