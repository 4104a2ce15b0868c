"""Processes with a front end, in the program, and a back end on the other side of the fork."""

import logging
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Any

from camgraph.base.parking import Closes
from valkka.multiprocess.forked import ForkedProcess
from valkka.multiprocess.pipes import FrontPipe, private_pipe, safe_select


class MessageObject:
    """A command, or news, with its arguments: goes through pipes."""

    def __init__(self, command: Any, **kwargs: Any) -> None:
        self.command = command
        self.kwargs = kwargs

    def __call__(self) -> Any:
        return self.command

    def __getitem__(self, key: str) -> Any:
        return self.kwargs[key]

    def __str__(self) -> str:
        return f"<MessageObject {self.command}: {self.kwargs}>"

    __repr__ = __str__


class _Messaged(threading.local):
    """Whom this thread has sent messages, while somebody wants to know it."""

    processes: "set[ForkedProcess] | None" = None


_messaged = _Messaged()


@contextmanager
def messaged() -> Iterator[set[ForkedProcess]]:
    """Collect the processes that this thread sends messages meanwhile."""
    outer = _messaged.processes
    inner: set[ForkedProcess] = set()
    _messaged.processes = inner
    try:
        yield inner
    finally:
        _messaged.processes = outer
        if outer is not None:
            outer |= inner


class MessageProcess(ForkedProcess):
    """Subclass it. Methods with plain names are the front end's, those that end in ``__`` the back end's.

    `c__<command>` handles what `sendMessageToBack(MessageObject("<command>", …))` sends.
    """

    timeout = 1.0

    @classmethod
    def formatLogger(cls, level: int = logging.INFO) -> None:
        """Have the loggers of this class write to stderr, from `level` on."""
        format_logger(cls.__name__, level)

    def __init__(self, name: str = "MessageProcess") -> None:
        self.pre = f"{self.__class__.__name__}.{name}"
        super().__init__()
        self.logger = logging.getLogger(self.pre)
        self.front_pipe, self.back_pipe = self._make_pipes()
        self.front_pipe_internal, self.back_pipe_internal = private_pipe()
        self._asked_at: float | None = None
        self.loop: Any = True
        self.listening = False
        self.sigint = True

    def _make_pipes(self) -> tuple[Any, Any]:
        return private_pipe(FrontPipe)

    def _back_ends(self) -> tuple[Closes, ...]:
        return self.back_pipe, self.back_pipe_internal

    def _started(self) -> None:
        # Else the end of the other side would never be seen.
        self.back_pipe.close()
        self.back_pipe_internal.close()

    # Front end.

    def setDebug(self) -> None:
        """Show everything that this process logs."""
        self.formatLogger(logging.DEBUG)
        self.logger.setLevel(logging.DEBUG)

    def ignoreSIGINT(self) -> None:
        """Have the back end ignore Ctrl-C; to be called before the start."""
        self.sigint = False

    def go(self) -> None:
        """Start it."""
        self.start()

    def requestStop(self) -> None:
        """Ask the back end to leave its loop; doesn't wait."""
        self._asked_at = time.monotonic()
        self.sendMessageToBack(None)

    def waitStop(self) -> None:
        """Wait for its end. One that was asked to stop and doesn't is ended after `end_within_s`."""
        if self._asked_at is None:
            self.join()
        else:
            self._end_in_time(self._asked_at + self.end_within_s - time.monotonic())

    def stop(self) -> None:
        """Ask it to stop, and wait for its end."""
        if self._pidfd is not None:
            self.requestStop()
            self.waitStop()

    def getPipe(self) -> Any:
        """Return what to select on and to receive from: what the back end sends, and a last None."""
        return self.front_pipe

    def sendMessageToBack(self, message: MessageObject | None) -> None:
        """Send a command; None: leave the loop. What a back end that has ended doesn't get is logged."""
        if _messaged.processes is not None:
            _messaged.processes.add(self)
        if not self._has_ended() and not self._is_silent():
            try:
                self.front_pipe.send(message)
                return
            except (BrokenPipeError, ConnectionResetError):
                pass
        if message is not None:
            self._let_it_end()
            self.logger.error("%s is lost: the back end %s", message, self._told_end())

    def _is_silent(self) -> bool:
        return bool(self.front_pipe.is_silent)

    def _let_it_end(self) -> None:
        """Its pipe is gone, and so will it be."""
        self._wait_for(timeout=self.kill_within_s)

    def returnFromBack(self) -> Any:
        """Wait for one object that the back end returns. Raises EOFError when it ends before that."""
        if self._wait_for(self.front_pipe_internal):
            try:
                return self.front_pipe_internal.recv()
            except (EOFError, OSError):
                self._let_it_end()
        raise EOFError(f"{self.name} returned nothing: it {self._told_end()}")

    def sendPing(self, lis: list[Any]) -> None:
        """Send a ping, to be answered with a pong."""
        self.sendMessageToBack(MessageObject("ping", lis=lis))

    # Back end.

    def run(self) -> None:
        """The back end from its begin to its end."""
        self._heed_sigint()
        try:
            self.preRun__()
            while self.loop:
                self.readPipes__(0 if self.listening else self.timeout)
        except KeyboardInterrupt:
            self.logger.info("%s: interrupted", self.pre)
        finally:
            self._say_farewell()
        self.postRun__()

    def _heed_sigint(self) -> None:
        if not self.sigint:
            signal.signal(signal.SIGINT, signal.SIG_IGN)

    def _say_farewell(self) -> None:
        try:
            self.back_pipe.send(None)
        except OSError:
            # Nobody is there any more.
            self.logger.debug("%s: the front end is gone", self.pre)

    def preRun__(self) -> None:
        """Override: runs first; import heavy libraries here."""

    def postRun__(self) -> None:
        """Override: runs last."""

    def readPipes__(self, timeout: float) -> None:
        """Override to wait for more: call `handleBackPipe__(self.back_pipe)` when that can be read."""
        reads, _, _ = safe_select([self.back_pipe], [], [], timeout=timeout)
        if reads:
            self.handleBackPipe__(self.back_pipe)

    def handleBackPipe__(self, pipe: Connection) -> None:
        """Receive a message, and have it handled."""
        try:
            message = pipe.recv()
        except (EOFError, ConnectionResetError):
            # The program has ended, or has forgotten this process.
            self.loop = False
            return
        except Exception as error:
            self.logger.critical("%s: a message can't be read: %r", self.pre, error)
            return
        self.routeMainPipe__(message)

    def routeMainPipe__(self, obj: MessageObject | None) -> None:
        """Call the handler of a command with its arguments; None ends the loop."""
        if obj is None:
            self.loop = False
            return
        handler = self._handler_of(obj)
        if handler is not None:
            try:
                handler(**obj.kwargs)
            except TypeError as error:
                self.logger.critical("%s: %s failed: %s", self.pre, obj, error)
                raise

    def _handler_of(self, obj: MessageObject) -> Any:
        handler = getattr(self, f"c__{obj()}", None)
        if handler is None:
            self.logger.warning("%s: no such command: %s", self.pre, obj())
        return handler

    def send_out__(self, obj: Any) -> None:
        """Send an object to the front end's pipe."""
        self.back_pipe.send(obj)

    def return_out__(self, obj: Any) -> None:
        """Answer who waits in `returnFromBack`."""
        self.back_pipe_internal.send(obj)

    def c__ping(self, lis: Any = ()) -> None:
        """Answer with a pong."""
        print("c__ping:", lis)
        self.send_out__(MessageObject("pong", lis=[1, 2, 3]))


def format_logger(name: str, level: int) -> None:
    """Have a logger, and those below it, write to stderr from `level` on; a second call changes the level."""
    logger = logging.getLogger(name)
    logger.setLevel(level)
    if not any(isinstance(handler, _Stderr) for handler in logger.handlers):
        handler = _Stderr()
        handler.setFormatter(logging.Formatter("%(asctime)s %(name)s %(levelname)s: %(message)s"))
        logger.addHandler(handler)


class _Stderr(logging.Handler):
    """Writes to what is stderr at the time."""

    def emit(self, record: logging.LogRecord) -> None:
        print(self.format(record), file=sys.stderr, flush=True)
