"""The back end of a process: one wait on calls and any number of frame readers, until it is to end."""

import logging
import threading
import time
import traceback
from collections.abc import Callable, Collection
from functools import partial
from typing import Any, Protocol

from camgraph.base.errors import BrokenError, LeaseLimit
from camgraph.base.loop import Loop, Timer
from camgraph.process.channel import Channel
from camgraph.process.declare import Message, MessageProcess, backend_methods_of, outlet_of_new_instances
from camgraph.process.travel import dumps, dumps_home, loads
from camgraph.process.wire import REPORT, Envelope, Kind

_log = logging.getLogger(__name__)

REPORT_EVERY_S = 1.0
CALLS_AT_A_TIME = 16
IDLE_BEFORE_END_S = 0.5
FLUSH_S = 5.0

Made = tuple[type[MessageProcess], tuple[Any, ...], dict[str, Any]]


class FrameReader(Protocol):
    """Where frames come from: selectable, never waiting."""

    def fileno(self) -> int:
        """Return a descriptor that is readable as long as there may be a frame; the same for all its life."""
        ...

    def read_nowait(self) -> Any:
        """Return the next frame, None if there is none now."""
        ...

    def close(self) -> None:
        """Release everything but the frames handed out."""
        ...


class BackEnd:
    """Runs one `MessageProcess`: its hooks, the calls of its front end, its frames; all in one thread.

    It ends, and `run` returns the exit code, when the front end has closed or is gone (0), by `end_soon` (0),
    by SystemExit, or after an exception of the instance (1). `loop` is for the owner's own signals.
    """

    def __init__(self, channel: Channel, open_reader: Callable[[Any], FrameReader]) -> None:
        self.loop = Loop()
        self._channel = channel
        self._open_reader = open_reader
        self._kind = ""
        self._instance: MessageProcess | None = None
        self._watched: list[tuple[Any, FrameReader]] = []
        self._frames = self._sent = self._lost = self._served = 0
        self._reported = (0, 0, 0, 0)
        self._counting = threading.Lock()
        self._idle: Timer | None = None
        self._ended = False
        self._code = 0

    def run(self, unpack: Callable[[], Made], watched: Collection[Any] = ()) -> int:
        """Make the instance, run it to its end, and return the exit code.

        `unpack` returns the class and the arguments of its constructor; what it raises is reported too.
        `watched` are the requests that it watches from the start.
        """
        self._channel.attach(self.loop, self._serve)
        self._report_again()
        try:
            instance = self._started(unpack)
            if instance is not None:
                self._watch_exactly(watched)
                while not self._ended:
                    self.loop.run_once(None)
                self._guarded("cleanup", instance.cleanup)
        finally:
            self._stop_watching(lambda request: True)
            self._flush()
            self._channel.close()
            self.loop.close()
        return self._code

    def end_soon(self) -> None:
        """Take no more frames, serve the calls that have arrived, then end. In the loop's thread."""
        self._stop_watching(lambda request: True)
        self._end_when_idle()

    def emit(self, message: Message, values: tuple[Any, ...]) -> None:
        """Send a message of the instance to the front end; from any thread."""
        body = dumps_home(f"{message.owner}.{message.name}", message.fields, values)
        try:
            taken = self._channel.send(Kind.MESSAGE, message.name, body)
        except BrokenError:
            taken = False  # Nobody is there to be told; the loop notices it, and ends.
        with self._counting:
            self._sent += taken
            self._lost += not taken

    def _started(self, unpack: Callable[[], Made]) -> MessageProcess | None:
        """Return the instance, ready; None if it could not be made or set up, which was reported."""
        made: list[Made] = []
        if not self._guarded("the start of the back end", lambda: made.append(unpack())):
            return None
        kind, args, kwargs = made[0]
        self._kind = kind.__qualname__
        self._methods = backend_methods_of(kind)
        instances: list[MessageProcess] = []
        token = outlet_of_new_instances.set(self)
        try:
            if not self._guarded("__init__", lambda: instances.append(kind(*args, **kwargs))):
                return None
        finally:
            outlet_of_new_instances.reset(token)
        self._instance = instances[0]
        return self._instance if self._guarded("setup", self._instance.setup) else None

    def _serve(self) -> None:
        for _ in range(CALLS_AT_A_TIME):
            try:
                envelope = self._channel.receive()
            except EOFError:
                self._channel.stop_reading()
                return self._end(0)
            except Exception as error:
                self._channel.stop_reading()
                self._fail("the channel", error)
                return self._end(1)
            if envelope is None:
                return None
            # Once it has ended, what still arrives is only taken off the channel.
            if not self._ended:
                self._handle(envelope)
                if self._idle is not None:
                    self._end_when_idle()
        return None

    def _handle(self, envelope: Envelope) -> None:
        match envelope.kind:
            case Kind.CALL:
                self._guarded(envelope.name, lambda: self._call(envelope))
            case Kind.WATCH:
                self._guarded("watch", lambda: self._watch(loads(envelope.body)), ends=False)
            case Kind.WATCHED:
                self._guarded("watch", lambda: self._watch_exactly(loads(envelope.body)), ends=False)
            case Kind.UNWATCH:
                self._guarded("unwatch", lambda: self._unwatch(loads(envelope.body)))

    def _call(self, envelope: Envelope) -> None:
        if envelope.name not in self._methods:
            raise BrokenError(f"the front end called {envelope.name!r}, which is no back end method")
        args, kwargs = loads(envelope.body)
        try:
            getattr(self._instance, envelope.name)(*args, **kwargs)
        finally:
            self._served += 1

    def _watch(self, request: Any) -> None:
        if self._idle is None and all(request != watched for watched, _ in self._watched):
            reader = self._open_reader(request)
            self._watched.append((request, reader))
            self.loop.add(reader.fileno(), lambda: self._read(request, reader))

    def _watch_exactly(self, requests: Collection[Any]) -> None:
        self._stop_watching(lambda request: request not in requests)
        for request in requests:
            self._guarded("watch", partial(self._watch, request), ends=False)

    def _unwatch(self, which: Any) -> None:
        if isinstance(which, str):
            self._stop_watching(lambda request: bool(request.stream == which))
        else:
            self._stop_watching(lambda request: bool(request == which))

    def _stop_watching(self, which: Callable[[Any], bool]) -> None:
        for request, reader in [entry for entry in self._watched if which(entry[0])]:
            self._watched.remove((request, reader))
            self.loop.remove(reader.fileno())
            reader.close()

    def _read(self, request: Any, reader: FrameReader) -> None:
        try:
            frame = reader.read_nowait()
        except LeaseLimit as error:
            self._fail("on_frame", error)
            return self._end(1)
        except Exception as error:
            # The stream's trouble, not the instance's: its other streams go on.
            self._stop_watching(lambda watched: watched is request)
            return self._fail("watch", error)
        if frame is not None:
            assert self._instance is not None
            self._frames += 1
            on_frame = self._instance.on_frame
            self._guarded("on_frame", lambda: on_frame(frame))
        return None

    def _guarded(self, where: str, action: Callable[[], None], *, ends: bool = True) -> bool:
        """Run code of the instance; report what it raises, and end the process (unless `ends` is False)."""
        try:
            action()
        except SystemExit as error:
            self._end(_exit_code(error))
        except BaseException as error:
            self._fail(where, error)
            if ends:
                self._end(1)
        else:
            return True
        return not ends

    def _fail(self, where: str, error: BaseException) -> None:
        place = f"{self._kind}.{where}" if self._kind else where
        summary, text = f"{place} raised {_describe(error)}", _traceback_of(error)
        try:
            self._channel.send(Kind.FAILED, "", dumps("failure", (summary, text)), force=True)
        except BrokenError:
            _log.error("%s, and its front end is gone\n%s", summary, text)

    def _end(self, code: int) -> None:
        if not self._ended or self._code == 0:
            self._code = code
        self._ended = True

    def _end_when_idle(self) -> None:
        if self._idle is not None:
            self._idle.cancel()
        self._idle = self.loop.call_later(IDLE_BEFORE_END_S, lambda: self._end(0))

    def _report_again(self) -> None:
        self._report(force=False)
        self.loop.call_later(REPORT_EVERY_S, self._report_again)

    def _report(self, *, force: bool) -> None:
        numbers = (self._frames, self._sent, self._lost, self._served)
        if numbers == self._reported:
            return
        try:
            if self._channel.send(Kind.REPORT, "", REPORT.pack(*numbers), force=force):
                self._reported = numbers
        except BrokenError:
            return

    def _flush(self) -> None:
        """Give a slow front end some time to take what is queued, and the last report."""
        self._report(force=True)
        deadline = time.monotonic() + FLUSH_S
        while self._channel.queued and (remaining := deadline - time.monotonic()) > 0:
            self.loop.run_once(remaining)


def _exit_code(error: SystemExit) -> int:
    if isinstance(error.code, int):
        return error.code
    if error.code is not None:
        _log.error("%s", error.code)
    return 0 if error.code is None else 1


def _describe(error: BaseException) -> str:
    try:
        text = str(error).partition("\n")[0]
    except Exception:
        text = "(its text can't be had)"
    return f"{type(error).__qualname__}: {text}" if text else type(error).__qualname__


def _traceback_of(error: BaseException) -> str:
    """Return the traceback as text, from the first line that is not this file's."""
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename == __file__:
        trace = trace.tb_next
    return "".join(traceback.format_exception(type(error), error, trace))
