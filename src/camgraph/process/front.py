"""The front end of a process: what `site.spawn` returns, and what a program does with it."""

import os
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any, NoReturn, Self

from camgraph.base.errors import BackendBusy, BackendRaised, BrokenError, ClosedError
from camgraph.base.loop import Loop
from camgraph.process.calls import Call
from camgraph.process.channel import MAX_QUEUED
from camgraph.process.declare import MessageProcess
from camgraph.process.lives import Lives
from camgraph.process.outbox import Request, Requests
from camgraph.process.ports import MessageStream
from camgraph.process.proxy import proxies_of
from camgraph.process.tally import ProcessStatistics
from camgraph.process.travel import dumps_arguments

_REAP_S = 2.0


class FrontEnd(Lives):
    """A process as its program sees it; its subclass has the methods and messages of one `MessageProcess`.

    Methods may be called from any thread, and return at once: None, or a `Call` where the back end's method
    is annotated to return something. They raise TypeError for wrong arguments, CannotTravel for what can't be
    pickled, BackendBusy while more calls wait than the bound, ClosedError after `close`, BrokenError when the
    process has ended.

    Its messages are ports, to which callbacks are connected: those of the class are called with their fields
    by name, ``moved.connect(lambda stream, score: …)``. Each front end has these as well, which are called
    with what they have by position: ``ready()``, when `setup` is done; ``failed(error)``, a `BackendRaised`;
    ``stopped(stopped)``, True or False; ``restarted(how)`` and ``exited(how)``, how it ended.

    With ``with``, it is closed at the end of the block.
    """

    _kind: type[MessageProcess]

    def __repr__(self) -> str:
        state = self._exit or (f"pid {self._pid}" if self._pid else "starting")
        return f"<FrontEnd {self._name}: {state}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __reduce__(self) -> NoReturn:
        raise TypeError("a front end stays in its program")

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("_") and hasattr(self._kind, name):
            raise AttributeError(f"{self._kind.__qualname__}.{name} lives in the back end")
        raise AttributeError(f"{type(self).__name__!r} front end has no attribute {name!r}")

    @property
    def name(self) -> str:
        """The name of the process within its site."""
        return self._name

    @property
    def pid(self) -> int | None:
        """The pid of the back end; None until it was started. While it is started again, the last one's."""
        return self._pid

    @property
    def alive(self) -> bool:
        """It has not ended for good: it runs, or is being started, or started again."""
        return not self._exit

    @property
    def exit(self) -> str:
        """How it ended at last: ``exit code 0``, ``signal SIGKILL``; empty while it is alive."""
        return self._exit

    @property
    def failure(self) -> BackendRaised | None:
        """The last exception that left a method of the back end, with its traceback."""
        return self._failure

    def watch(self, request: Request) -> None:
        """Have the frames of a request given to `on_frame`; any number of requests, at any time.

        Asking twice for the same changes nothing. A process that is started again watches the same.
        """
        if not isinstance(getattr(request, "stream", None), str):
            raise TypeError(f"watch() takes a request, stream.frames(…), not {request!r}")
        if self._kind.on_frame is MessageProcess.on_frame:
            raise TypeError(f"{self._kind.__qualname__} has no on_frame(self, frame) to give frames to")
        self._check_open()
        self._check_taken(self._outbox.watch(request))

    def unwatch(self, request: Request | str) -> None:
        """Stop the frames of a request, or of all requests for the stream of that name."""
        if not isinstance(getattr(request, "stream", request), str):
            raise TypeError(f"unwatch() takes a request or the name of a stream, not {request!r}")
        self._check_open()
        self._check_taken(self._outbox.unwatch(request))

    def messages(self, timeout: float | None = None) -> MessageStream:
        """Return an iterator of the messages from now on: ``(name, fields)``; it ends with the process.

        Waiting for one raises TimeoutError after `timeout` seconds. Each iterator gets every message. ``for``
        blocks its thread; in asyncio, ``async for`` waits for the messages of any number of processes.
        """
        stream = MessageStream(timeout, lambda: self._serving.is_here)
        with self._state_lock:
            self._streams.add(stream)
            if self._exit:
                stream.end()
        return stream

    def statistics(self) -> ProcessStatistics:
        """Return the numbers of the back end's last report, added to those of its lives before."""
        return self._tally.statistics()

    def wait(self, timeout: float | None = None) -> str:
        """Wait until the process has ended and all it sent was delivered; return how it ended.

        In the thread that calls `dispatch`, it dispatches meanwhile. Raises TimeoutError; RuntimeError in a
        callback, or elsewhere in the thread that serves the front end, which it would wait for.
        """
        if not self._exit and self._serving.in_callback:
            raise RuntimeError(f"wait() in a callback of {self._name}: connect to exited instead")
        if not self._wait_for(self._ended, timeout):
            raise TimeoutError(f"{self._name} has not ended within {timeout} s")
        return self._exit

    def wait_ready(self, timeout: float | None = None) -> None:
        """Wait until `setup` is done in the back end of the moment.

        Raises BrokenError if the process ends before; TimeoutError, RuntimeError and dispatches as `wait`.
        """
        if not self._is_ready.is_set() and self._serving.in_callback:
            raise RuntimeError(f"wait_ready() in a callback of {self._name}: connect to ready instead")
        if not self._wait_for(self._is_ready, timeout):
            raise TimeoutError(f"{self._name} is not ready within {timeout} s")
        if self._exit:
            raise BrokenError(f"{self._name} has ended: {self._exit}")

    def fileno(self) -> int:
        """Return a descriptor for `select` and any loop; it is readable while there is something to dispatch.

        The first call of `fileno` or `dispatch` takes the serving over from the site's thread: when it has
        returned, callbacks run in `dispatch` and nowhere else. A callback under way is waited for, 5 s at
        most (TimeoutError). The descriptor stays the same through restarts and, quiet, after the end, as long
        as the front end exists. It is for waiting alone: don't read it, don't close it.
        """
        return self._serving.take_over().fileno()

    def dispatch(self) -> None:
        """Deliver what has arrived, so that callbacks run here, in the caller's thread. Never waits.

        It does a bounded part; the descriptor stays readable while there is more. That the process has
        started, was restarted, has ended is heard here too, and calls that the back end had no room for are
        sent. Does nothing in a callback, or while another thread dispatches.
        """
        self._serving.take_over().dispatch()

    def close(self, timeout: float = 5.0, *, wait: bool = True) -> None:
        """End the process: it finishes the calls made before, runs `cleanup` and exits.

        After `timeout` seconds it is killed. Closing twice does nothing. With ``wait=False`` it does not wait
        for that, as in a GUI: ``exited`` tells of it. In a callback (in the thread that
        serves the front end) it does not wait. In the thread that calls `dispatch`, it dispatches meanwhile.
        """
        self._begin_close(timeout)
        if self._exit or not wait or self._serving.in_callback or os.getpid() != self._made_in:
            return
        if not self._wait_for(self._ended, timeout + _REAP_S):
            # The thread that dispatched does so no more.
            self._serving.leave_dispatcher()
            self._give_up()

    def _wait_for(self, event: threading.Event, timeout: float | None) -> bool:
        if not event.is_set() and os.getpid() != self._made_in:
            raise BrokenError("this is a forked copy; how it goes is told to the program that forked")
        remaining = self._serving.dispatch_until(event.is_set, timeout)
        return event.wait(remaining)

    def _wait_answer(self, done: Callable[[], bool], timeout: float | None) -> float | None:
        if not done() and os.getpid() != self._made_in:
            raise BrokenError("this is a forked copy; the result goes to the program that forked")
        if not done() and self._serving.in_callback:
            raise RuntimeError(
                f"a result is waited for in the thread that is to bring it, in a callback of {self._name}: "
                "use add_done_callback"
            )
        return self._serving.dispatch_until(done, timeout)

    def _call(self, method: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self._check_open()
        arguments = dumps_arguments(getattr(self._kind, method), args, kwargs)
        self._check_taken(self._outbox.call(method, arguments))

    def _ask(self, method: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Call:
        self._check_open()
        token, call = self._calls.open(f"{self._name}.{method}", self._wait_answer)
        call._front = self
        try:
            arguments = dumps_arguments(getattr(self._kind, method), args, kwargs)
            self._check_taken(self._outbox.call(method, arguments, token))
        except BaseException:
            self._calls.forget(token)
            raise
        return call

    def _check_open(self) -> None:
        if self._closing:
            raise ClosedError(f"{self._name} is closed")
        if self._exit:
            raise BrokenError(f"{self._name} has ended: {self._exit}")

    def _check_taken(self, taken: bool) -> None:
        if not taken:
            raise BackendBusy(f"{self._name} is behind by {MAX_QUEUED} calls or more; try again later")


def make_front_end(
    kind: type[MessageProcess],
    name: str,
    loop: Loop,
    terminate: Callable[[float], None],
    *,
    renew: Callable[[int], None] = lambda pid: None,
    tell_watched: Callable[[Requests], None] = lambda requests: None,
) -> FrontEnd:
    """Return the front end of a process that runs `kind`; see `camgraph.process.lives`."""
    body = {"_kind": kind, "__doc__": kind.__doc__, "__module__": kind.__module__}
    front_class: type[FrontEnd] = type(kind.__name__, (FrontEnd,), body | proxies_of(kind, FrontEnd))
    return front_class(name, loop, terminate, renew, tell_watched)
