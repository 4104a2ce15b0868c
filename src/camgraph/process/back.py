"""The back end of a process: one wait on calls, frames, timers and descriptors, until it is to end."""

import logging
import time
from collections.abc import Callable, Collection
from typing import Any, Protocol
from weakref import WeakSet

from camgraph.base.descriptors import close_all
from camgraph.base.errors import BrokenError
from camgraph.base.loop import HasFileno, Loop, Timer
from camgraph.process.channel import Channel
from camgraph.process.declare import (
    MessageProcess,
    backend_methods_of,
    deadline_of,
    home_of_new_instances,
)
from camgraph.process.handler import Handler, describe, exit_code, traceback_of
from camgraph.process.message import Message
from camgraph.process.report import Report
from camgraph.process.timers import Callbacks, Later, Repeating
from camgraph.process.travel import dumps, dumps_home, loads
from camgraph.process.watching import FrameReader, Watching
from camgraph.process.wire import Envelope, Kind

_log = logging.getLogger(__name__)

CALLS_AT_A_TIME = 16
IDLE_BEFORE_END_S = 0.5
FLUSH_S = 5.0

Made = tuple[type[MessageProcess], tuple[Any, ...], dict[str, Any]]


class Tasks(Protocol):
    """What runs handlers that may wait."""

    def begin(self, handler: Handler) -> bool:
        """Run a handler; False: it goes on in a task, at whose end its `on_done` is called."""
        ...


class BackEnd:
    """Runs one `MessageProcess`: its hooks, the calls of its front end, its frames; all in one thread.

    It is `ended`, and `close` returns the exit code, when the front end has closed or is gone (0), by
    `end_soon` (0), by SystemExit, or after an exception of the instance (1). `run_back_end` does the whole.
    `loop` is for the owner's own signals.
    """

    def __init__(self, channel: Channel, open_reader: Callable[[Any], FrameReader]) -> None:
        self.loop = Loop()
        self.tasks: Tasks | None = None
        """Of the asyncio flavour, whose loop runs this one."""
        self.ended = False
        self._channel = channel
        self._open_reader = open_reader
        self._kind: type[MessageProcess] | None = None
        self._instance: MessageProcess | None = None
        self._watching = Watching(self.loop, open_reader, give=self._give_frame, fail=self.fail, end=self.end)
        self._opened: WeakSet[FrameReader] = WeakSet()
        """Readers that the instance reads by itself, for as long as it has them."""
        self._callbacks = Callbacks(self.loop, self._begin)
        self._warned: set[str] = set()
        self._report = Report(self.loop, channel)
        self._ending = self._paused = False
        self._idle: Timer | None = None
        self._code = 0

    def made(self, unpack: Callable[[], Made]) -> Made | None:
        """Begin to serve; return the class and the arguments of its constructor.

        None: `unpack` has raised, which was reported.
        """
        self._channel.attach(self.loop, self._serve)
        made: list[Made] = []
        if not self.run_handler(Handler("the start of the back end", lambda: made.append(unpack()))):
            return None
        self._kind = made[0][0]
        return made[0]

    def close(self) -> int:
        """Tell what is to be told, and release everything; return the exit code."""
        self._end_callbacks()
        for reader in list(self._opened):
            reader.close()
        self._flush()
        self._channel.close()
        self.loop.close()
        return self._code

    def end_soon(self) -> None:
        """Take no more frames, serve the calls that have arrived, then end. In the loop's thread."""
        self._ending = True
        self._watching.end()
        self._end_when_idle()

    def emit(self, message: Message, values: tuple[Any, ...]) -> None:
        """Send a message of the instance to the front end; from any thread."""
        parcel = dumps_home(lambda: f"{message.owner}.{message.name}.emit", message.fields, values)
        body, descriptors = parcel.body, parcel.descriptors
        try:
            taken = self._channel.send(Kind.MESSAGE, message.name, body, descriptors=descriptors)
        except BrokenError:
            taken = False  # Nobody is there to be told; the loop notices it, and ends.
        parcel.settle(gone=True)
        self._report.count_message(taken=taken)

    def read(self, request: Any) -> FrameReader:
        """Open a reader, which is closed at the end if it was not before; from any thread."""
        reader = self._open_reader(request)
        self._opened.add(reader)
        return reader

    def call_later(self, seconds: float, callback: Callable[[], object]) -> Later:
        """Call back between calls and frames, in the instance's thread; from any thread."""
        return self._callbacks.call_later(seconds, callback)

    def every(self, seconds: float, callback: Callable[[], object]) -> Repeating:
        """Call back again and again; likewise."""
        return self._callbacks.every(seconds, callback)

    def add_reader(self, file: HasFileno | int, callback: Callable[[], object]) -> None:
        """Call back while a descriptor is readable. In the instance's thread."""
        self._callbacks.add_reader(file, callback)

    def remove_reader(self, file: HasFileno | int) -> None:
        """Watch it no longer; likewise."""
        self._callbacks.remove_reader(file)

    def make_instance(self, made: Made) -> MessageProcess | None:
        """Return the instance; None: it could not be made, which was reported."""
        kind, args, kwargs = made
        self._deadlines_s = {name: deadline_of(kind, name) for name in backend_methods_of(kind)}
        self._frame_deadline_s = deadline_of(kind, "on_frame")
        self._callbacks.deadline_s = kind.deadline_s
        instances: list[MessageProcess] = []
        token = home_of_new_instances.set(self)
        try:
            if not self.run_handler(Handler("__init__", lambda: instances.append(kind(*args, **kwargs)))):
                return None
        finally:
            home_of_new_instances.reset(token)
        self._instance = instances[0]
        return self._instance

    def tell_ready(self, watched: Collection[Any]) -> None:
        """`setup` is done: tell it, and watch."""
        try:
            self._channel.send(Kind.READY, force=True)
        except BrokenError:
            _log.debug("nobody is there to be told that the back end is ready")
        self._watching.watch_exactly(watched)

    def run_handler(self, handler: Handler) -> bool:
        """Run a handler to its end; False: it raised, and what follows from that was done."""
        self.begun(handler)
        try:
            value = handler.call()
        except BaseException as error:
            self.raised(handler, error)
            return False
        self.returned(handler, value)
        return True

    def begun(self, handler: Handler) -> None:
        """Count a call as served: with its first step, since before that it is lost with the process."""
        if handler.is_call:
            self._report.count_call()

    def returned(self, handler: Handler, value: object) -> None:
        """Tell what a handler has returned to whom it is for."""
        if handler.token:
            try:
                parcel = dumps_home(lambda: self._place(handler.where), ("result",), (value,))
                body, descriptors = parcel.body, parcel.descriptors
                # Beyond the bound, which messages may have reached: the front end has one of its own.
                self._channel.send(
                    Kind.RESULT, body=body, token=handler.token, descriptors=descriptors, force=True
                )
                parcel.settle(gone=True)
            except Exception as error:
                self.raised(handler, error)
        elif handler.is_call and value is not None and handler.where not in self._warned:
            self._warned.add(handler.where)
            _log.warning(
                "%s returned a value, which is not brought back: annotate what it returns",
                self._place(handler.where),
            )

    def raised(self, handler: Handler, error: BaseException) -> None:
        """Tell what a handler has raised to whom it is for, or everybody; then the process ends."""
        if isinstance(error, SystemExit):
            return self.end(exit_code(error))
        if handler.token and isinstance(error, Exception):
            return self._tell_failure(Kind.RAISED, handler.where, error, handler.token)
        self.fail(handler.where, error)
        return self.end(1)

    def fail(self, where: str, error: BaseException) -> None:
        """Report an exception."""
        self._tell_failure(Kind.FAILED, where, error)

    def end(self, code: int) -> None:
        """End with an exit code; the first that is not 0 counts."""
        if not self.ended or self._code == 0:
            self._code = code
        self.ended = True
        self._end_callbacks()
        # It may be a task that ends it: whoever runs the loop is to see it.
        self.loop.call_soon_threadsafe(lambda: None)

    def pause_calls(self, pausing: bool) -> None:
        """Leave further calls where they are, or take them again; the front end is told by its bound."""
        self._paused = pausing
        if pausing:
            self._channel.stop_reading()
        else:
            self._channel.read_again()
        if self._ending:
            self.loop.call_soon_threadsafe(self._end_when_idle)

    def _serve(self) -> None:
        for _ in range(CALLS_AT_A_TIME):
            try:
                envelope = self._channel.receive()
            except EOFError:
                self._channel.stop_reading()
                return self.end(0)
            except Exception as error:
                self._channel.stop_reading()
                self.fail("the channel", error)
                return self.end(1)
            if envelope is None:
                return None
            if self.ended:
                # What still arrives is only taken off the channel.
                close_all(envelope.descriptors)
                continue
            self._handle(envelope)
            if self._ending:
                self._end_when_idle()
        return None

    def _handle(self, envelope: Envelope) -> None:
        match envelope.kind:
            case Kind.CALL:
                self._call(envelope)
            case Kind.WATCH:
                self._guarded(lambda: self._watching.watch(loads(envelope.body)))
            case Kind.WATCHED:
                self._guarded(lambda: self._watching.watch_exactly(loads(envelope.body)))
            case Kind.UNWATCH:
                self._guarded(lambda: self._watching.unwatch(loads(envelope.body)))
            case _:
                close_all(envelope.descriptors)

    def _call(self, envelope: Envelope) -> None:
        name = envelope.name
        if name not in self._deadlines_s:
            close_all(envelope.descriptors)
            error = BrokenError(f"the front end called {name!r}, which is no back end method")
            unknown = Handler(name, lambda: None, is_call=True)
            self.begun(unknown)
            return self.raised(unknown, error)
        instance = self._instance

        def call() -> object:
            args, kwargs = loads(envelope.body, envelope.descriptors)
            return getattr(instance, name)(*args, **kwargs)

        self._begin(Handler(name, call, self._deadlines_s[name], envelope.token, is_call=True))
        return None

    def _begin(self, handler: Handler) -> bool:
        """Run a handler, or have it run; False: it goes on in a task."""
        if self.tasks is not None:
            return self.tasks.begin(handler)
        self.run_handler(handler)
        return True

    def _give_frame(self, frame: Any, on_done: Callable[[], None]) -> bool:
        assert self._instance is not None
        self._report.count_frame()
        on_frame = self._instance.on_frame
        # In a task, the next frame comes when this one is done.
        return self._begin(
            Handler("on_frame", lambda: on_frame(frame), self._frame_deadline_s, on_done=on_done)
        )

    def _guarded(self, action: Callable[[], None]) -> None:
        """Do what a front end asks for beside calls; an exception is reported, and ends nothing."""
        try:
            action()
        except Exception as error:
            self.fail("watch", error)

    def _place(self, where: str) -> str:
        return f"{self._kind.__qualname__}.{where}" if self._kind else where

    def _tell_failure(self, kind: Kind, where: str, error: BaseException, token: int = 0) -> None:
        summary, text = f"{self._place(where)} raised {describe(error)}", traceback_of(error)
        try:
            self._channel.send(kind, body=dumps("failure", (summary, text)).body, token=token, force=True)
        except BrokenError:
            _log.error("%s, and its front end is gone\n%s", summary, text)

    def _end_when_idle(self) -> None:
        if self._idle is not None:
            self._idle.cancel()
        if not self._paused:
            self._idle = self.loop.call_later(IDLE_BEFORE_END_S, lambda: self.end(0))

    def _end_callbacks(self) -> None:
        self._watching.end()
        self._callbacks.end()

    def _flush(self) -> None:
        """Give a slow front end some time to take what is queued, and the last report."""
        self._report.tell(force=True)
        deadline = time.monotonic() + FLUSH_S
        while self._channel.queued and (remaining := deadline - time.monotonic()) > 0:
            self.loop.run_once(remaining)
