"""The process behind a front end, in all its lives: what it sends, how it ends, that it is started again.

For the client, which makes front ends and feeds them::

    payload = payload.pack(kind, args, kwargs)           # raises what can't travel, before anything starts
    front = make_front_end(kind, name, loop, terminate)  # usable at once: calls are queued until `_bind`
    …
    front._bind(sock, pid)         # ProcessStarted: the front takes over the socket
    front._on_stopped(stopped)     # ProcessStopped
    front._on_restart(returncode, how, trace)  # ProcessExited, and it is started again: a `_bind` follows
    front._on_exit(returncode, how, trace)     # ProcessExited, also where it never started; None: its
                                               # supervisor is gone

`terminate(grace_s)` is called when the process is to end (closed here, or broken): the client asks the
supervisor for it, and may raise BrokenError. It may be called from any thread, more than once, and before
`_bind`. The front end has ended (`wait` returns, ``exited`` is delivered) when `_on_exit` was called and all
that the process had sent is delivered. To close many, call `_begin_close(grace_s)` of each, then `close` of
each. `_attach(loop)` moves the serving to another loop, whose thread then runs the callbacks; before that
loop is closed, the front end must be attached elsewhere or have ended. `fileno` moves it to the program.

For a class with ``restart = True``, `renew(pid)` is called when the process is broken: it is to be killed and
started again, but not the one that may have followed it meanwhile. `tell_watched(requests)` is called with
all requests each time they have changed, which the next one is to watch from its start.
"""

import logging
import os
import socket
import threading
import traceback
import weakref
from collections.abc import Callable
from typing import Any

from camgraph.base.children import describe_exit
from camgraph.base.descriptors import close_all
from camgraph.base.errors import BackendRaised, BrokenError, CamgraphError, CannotTravel
from camgraph.base.loop import Loop
from camgraph.process.calls import Calls
from camgraph.process.declare import MessageProcess, messages_of
from camgraph.process.handler import describe
from camgraph.process.outbox import Outbox, Requests
from camgraph.process.ports import EventPort, MessagePort, MessageStream
from camgraph.process.serving import Serving
from camgraph.process.story import summary_of
from camgraph.process.tally import Tally
from camgraph.process.travel import loads
from camgraph.process.wire import Envelope, Kind

_log = logging.getLogger(__name__)

BATCH = 64
_END_WITHOUT_CHANNEL_S = 5.0


class Lives:
    """Base of `FrontEnd`: its state, and what the client and the process tell it."""

    _kind: type[MessageProcess]

    def __init__(
        self,
        name: str,
        loop: Loop,
        terminate: Callable[[float], None],
        renew: Callable[[int], None],
        tell_watched: Callable[[Requests], None],
    ) -> None:
        self._name = name
        self._terminate = terminate
        self._renew = renew
        self._restarts = bool(self._kind.restart)
        self._pid: int | None = None
        self._exit = ""
        self._failure: BackendRaised | None = None
        self._last_failure = ""
        """What the back end of the moment has told of itself."""
        self._closing = False
        self._unreadable = False
        self._made_in = os.getpid()
        self._tally = Tally()
        self._has_news = False
        """There are or were any: what follows comes after them."""
        self._state_lock = threading.Lock()
        self._ended = threading.Event()
        self._is_ready = threading.Event()
        """The back end of the moment is; set too when it has ended for good, so that nobody waits."""
        self._streams: weakref.WeakSet[MessageStream] = weakref.WeakSet()
        self._ports = {
            port: MessagePort(f"{self._kind.__qualname__}.{port}", tuple(declared.fields))
            for port, declared in messages_of(self._kind).items()
        }
        self.__dict__.update(self._ports)
        self.ready = EventPort(f"{name}.ready")
        """Built-in message: `callback()` when `setup` is done; again for each back end that is started."""
        self.failed = EventPort(f"{name}.failed", "error")
        """Built-in message: `callback(error)` when a method of the back end raised, or a signal killed it and
        it could still tell in what; a `BackendRaised`."""
        self.stopped = EventPort(f"{name}.stopped", "stopped")
        """Built-in message: `callback(stopped)` when a signal has stopped the process (True: SIGSTOP, a
        terminal's), or it goes on."""
        self.restarted = EventPort(f"{name}.restarted", "exit")
        """Built-in message: `callback(exit)` when it has ended so, and is started again (`restart`).

        All that it had sent was delivered. Calls from now on, in this callback too, are for the next back
        end; what it is to know must be told again.
        """
        self.exited = EventPort(f"{name}.exited", "exit")
        """Built-in message: `callback(exit)` when the process has ended and all it sent was delivered."""
        self._calls = Calls()
        self._outbox = Outbox(self._calls, restarts=self._restarts, tell_watched=tell_watched)
        self._channel = self._outbox.channel
        """What is read; the outbox may be ahead, with the channel of the next back end."""
        self._serving = Serving(loop, self._read_in)
        self._attach(loop)

    def _begin_close(self, grace_s: float) -> None:
        if os.getpid() != self._made_in:
            return
        with self._state_lock:
            if self._closing or self._exit:
                return
            self._closing = True
        self._outbox.finish()
        self._end_process(grace_s)

    def _bind(self, sock: socket.socket, pid: int) -> None:
        """Take over the channel's socket: the back end runs. In any thread."""
        if self._restarts and (self._has_news or self._pid is not None):
            self._hear_of(lambda: self._open(sock, pid))
        else:
            self._open(sock, pid)

    def _on_stopped(self, stopped: bool) -> None:
        """Be told by the client that a signal has stopped the process, or that it goes on; likewise."""
        self._hear_of(lambda: self._tell_stopped(stopped))

    def _on_restart(self, returncode: int, how: str, trace: str = "") -> None:
        """Be told by the client that the process has ended, as `how` says, and is started again; likewise.

        `trace` is what it was doing when a signal killed it.
        """
        self._hear_of(lambda: self._turn(how, returncode, trace))

    def _on_exit(self, returncode: int | None, how: str = "", trace: str = "") -> None:
        """Be told by the client that the process has ended for good; likewise."""
        if returncode is None:
            how = "unknown: its supervisor is gone"
        elif not how:
            how = describe_exit(returncode)
        self._hear_of(lambda: self._conclude(how, returncode, trace))

    @property
    def _loop(self) -> Loop:
        return self._serving.loop

    def _attach(self, loop: Loop) -> None:
        """Be served by another loop from now on; from any thread."""
        self._serving.attach(loop)

    def _read_in(self, loop: Loop) -> None:
        with self._state_lock:
            self._channel.attach(loop, lambda: self._serving.serve_by(loop, self._dispatch_one, BATCH))

    def _hear_of(self, news: Callable[[], None]) -> None:
        self._has_news = True
        self._serving.hear_of(news)

    def _dispatch_one(self) -> bool:
        if self._exit or self._unreadable:
            return False
        try:
            envelope = self._channel.receive()
            if envelope is not None:
                self._handle(envelope)
            return envelope is not None
        except EOFError:
            # It ends by itself; if it has only lost its channel, it is made to.
            self._stop_reading()
            self._end_later()
        except (Exception, SystemExit) as error:
            # It may be anything: unpickling runs what the other side has sent.
            summary = f"{self._name} sent what can't be read: {describe(error)}"
            self._fail(BackendRaised(summary, traceback.format_exc()))
            self._stop_reading()
            self._end_broken(self._pid)
        return False

    def _stop_reading(self) -> None:
        self._unreadable = True
        self._channel.stop_reading()

    def _handle(self, envelope: Envelope) -> None:
        kind, name, body, token, descriptors = envelope
        match kind:
            case Kind.MESSAGE:
                port = self._ports.get(name)
                if port is None:
                    close_all(descriptors)
                    raise BrokenError(f"a back end of this class does not send {name!r}")
                self._tally.received += 1
                try:
                    values = loads(body, descriptors)
                except (Exception, SystemExit) as error:
                    self._tally.unread_lost += 1
                    _log.error("%s sent %s, which can't be read here: %s", self._name, name, describe(error))
                    return
                port.deliver(values)
                if self._streams:
                    self._stream(name, dict(zip(port.fields, values, strict=True)))
            case Kind.RESULT:
                try:
                    (value,) = loads(body, descriptors)
                except (Exception, SystemExit) as error:
                    problem = f"what {self._name} returned can't be read here: {describe(error)}"
                    self._calls.fail(token, CannotTravel(problem))
                else:
                    self._calls.give(token, value)
            case Kind.RAISED:
                summary, text = loads(body, descriptors)
                self._calls.fail(token, BackendRaised(str(summary), str(text)))
            case Kind.FAILED:
                summary, text = loads(body, descriptors)
                self._last_failure = str(summary)
                self._fail(BackendRaised(str(summary), str(text)))
            case Kind.REPORT:
                close_all(descriptors)
                if self._tally.take(body):
                    _log.warning(
                        "%s emits more than this program takes: messages are lost, see statistics()",
                        self._name,
                    )
            case Kind.READY:
                close_all(descriptors)
                self._is_ready.set()
                self.ready.deliver(())
            case _:
                close_all(descriptors)
                raise BrokenError(f"a back end does not send {kind.name}")

    def _stream(self, name: str, fields: dict[str, Any]) -> None:
        with self._state_lock:
            streams = list(self._streams)
        for stream in streams:
            if not stream.put(name, fields):
                self._tally.unread_lost += 1

    def _fail(self, error: BackendRaised) -> None:
        self._failure = error
        if not self.failed.heard:
            _log.error("%s failed: %s", self._name, error)
        self.failed.deliver((error,))

    def _tell_stopped(self, stopped: bool) -> None:
        if not self.stopped.heard:
            _log.warning("%s %s", self._name, "was stopped by a signal" if stopped else "goes on")
        self.stopped.deliver((stopped,))

    def _tell_killed(self, returncode: int | None, trace: str) -> None:
        if returncode is not None and trace:
            self._fail(BackendRaised(f"{self._kind.__qualname__} {summary_of(returncode, trace)}", trace))

    def _open(self, sock: socket.socket, pid: int) -> None:
        if self._channel.fileno() >= 0:
            self._turn("unknown: nobody told how it ended", None, "")
        self._pid = pid
        self._channel.open(sock)

    def _take_all(self) -> None:
        # The process is reaped: all that it has sent is in the socket by now.
        while self._serving.serve(self._dispatch_one, BATCH):
            pass

    def _turn(self, how: str, returncode: int | None, trace: str) -> None:
        """Leave the dead back end's channel behind; the next one's is still without a socket."""
        self._take_all()
        if self._exit:
            return
        how = self._with_reason(how)
        channel, calls = self._outbox.turn_from(self._channel)
        self._tally.conclude(calls)
        self._calls.fail_before(self._outbox.life, f"{self._name} ended before it answered: {how}")
        self._is_ready.clear()
        self._last_failure = ""
        with self._state_lock:
            dead, self._channel = self._channel, channel
            self._unreadable = False
        self._serving.attach_again()
        dead.close()
        if not self._closing:
            self._tally.restarts += 1
            self._tell_killed(returncode, trace)
            if not self.restarted.heard:
                _log.warning("%s ended: %s; it is started again", self._name, how)
            self.restarted.deliver((how,))

    def _conclude(self, exit_text: str, returncode: int | None, trace: str) -> None:
        try:
            self._take_all()
            if not (self._closing or self._exit):
                self._tell_killed(returncode, trace)
        finally:
            # Ctrl-C in a callback must not leave somebody waiting for ever.
            self._finish(self._with_reason(exit_text))

    def _with_reason(self, exit_text: str) -> str:
        """Return how it ended with what it has told last, if that is why: it ends so after an exception."""
        if exit_text == describe_exit(1) and self._last_failure:
            return f"{exit_text}: {self._last_failure}"
        return exit_text

    def _finish(self, exit_text: str) -> None:
        with self._state_lock:
            if self._exit:
                return
            self._exit = exit_text
            streams = list(self._streams)
        self._tally.conclude(self._outbox.close(self._channel))
        self._calls.fail_all(f"{self._name} ended before it answered: {exit_text}")
        if not (self._closing or self.exited.heard or self._failure or exit_text == describe_exit(0)):
            _log.warning("%s ended: %s", self._name, exit_text)
        try:
            self.exited.deliver((exit_text,))
        finally:
            for stream in streams:
                stream.end()
            self._is_ready.set()
            self._ended.set()

    def _end_later(self) -> None:
        home, pid, this = self._serving.home, self._pid, weakref.ref(self)

        def end_if_alive() -> None:
            front = this()
            if front is not None:
                front._end_if_alive(pid)

        def start_timer() -> None:
            home.call_later(_END_WITHOUT_CHANNEL_S, end_if_alive)

        home.call_soon_threadsafe(start_timer)

    def _end_if_alive(self, pid: int | None) -> None:
        # Meanwhile there may be another process, whose channel can be read.
        if not self._exit and self._unreadable and pid == self._pid:
            self._end_broken(pid)

    def _end_broken(self, pid: int | None) -> None:
        """Have a process killed that can't be heard any more."""
        if not self._restarts or self._closing or pid is None:
            self._end_process(0.0)
            return
        try:
            self._renew(pid)
        except BrokenError as error:
            # It dies with its supervisor, and is started again by the next.
            _log.debug("%s could not be told to start again: %s", self._name, error)

    def _give_up(self) -> None:
        if not self._exit:
            _log.error("%s: nobody told how it ended", self._name)
            self._serving.call(lambda: self._finish("unknown: nobody told how it ended"))

    def _end_process(self, grace_s: float) -> None:
        try:
            self._terminate(grace_s)
        except CamgraphError as error:
            _log.debug("%s could not be told to end: %s", self._name, error)
            self._on_exit(None)
