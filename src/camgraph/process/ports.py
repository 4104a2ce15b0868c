"""Where the messages of a back end come out at the front: callbacks and iterators."""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Self

from camgraph.base.errors import WrongSide

if TYPE_CHECKING:
    import asyncio

_log = logging.getLogger(__name__)

MAX_UNREAD = 4096
_AT_ONCE = 64


class MessagePort:
    """One message at the front end. Callbacks run in the thread that serves the front end."""

    def __init__(self, name: str, fields: tuple[str, ...]) -> None:
        self.name = name
        """The full name: ``Movement.moved``."""
        self.fields = fields
        """Names of the fields, in the order of the declaration."""
        self._lock = threading.Lock()
        self._callbacks: tuple[Callable[..., object], ...] = ()

    def __repr__(self) -> str:
        return f"<MessagePort {self.name}({', '.join(self.fields)})>"

    def connect(self, callback: Callable[..., object]) -> None:
        """Call ``callback(**fields)`` with each message from now on; from any thread.

        An exception that leaves it is logged; the other callbacks are called all the same. TypeError for what
        can't be called.
        """
        self._check(callback)
        with self._lock:
            self._callbacks = (*self._callbacks, callback)

    def disconnect(self, callback: Callable[..., object]) -> None:
        """Stop calling; raises ValueError if `callback` is not connected."""
        with self._lock:
            remaining = list(self._callbacks)
            try:
                remaining.remove(callback)
            except ValueError:
                raise ValueError(f"{self.name}: {callback!r} is not connected") from None
            self._callbacks = tuple(remaining)

    def _check(self, callback: object) -> None:
        if not callable(callback):
            raise TypeError(f"{self.name}.connect() takes what is called with each message, not {callback!r}")

    def emit(self, *args: object, **fields: object) -> None:
        """Belongs to the back end; raises WrongSide."""
        raise WrongSide(f"{self.name}.emit() belongs to the back end; at the front, connect to it")

    def deliver(self, values: tuple[Any, ...]) -> None:
        """Call the callbacks, in this thread."""
        fields = dict(zip(self.fields, values, strict=True))
        for callback in self._callbacks:
            _call(self.name, callback, **fields)


class EventPort(MessagePort):
    """A built-in message (``failed``, ``exited``): it has a value at most, and is remembered.

    A callback connected after the event is called at once, so that none comes too late.
    """

    def __init__(self, name: str, *fields: str) -> None:
        super().__init__(name, fields)
        self._values: tuple[Any, ...] | None = None

    def connect(self, callback: Callable[..., object]) -> None:
        """Call ``callback(value)`` when it happens; at once, in this thread, if it has happened."""
        self._check(callback)
        with self._lock:
            self._callbacks = (*self._callbacks, callback)
            values = self._values
        if values is not None:
            _call(self.name, callback, *values)

    def deliver(self, values: tuple[Any, ...]) -> None:
        """Remember the event and call the callbacks, in this thread."""
        with self._lock:
            self._values = values
            callbacks = self._callbacks
        for callback in callbacks:
            _call(self.name, callback, *values)

    @property
    def heard(self) -> bool:
        """Somebody is connected."""
        return bool(self._callbacks)


class MessageStream:
    """Iterator over the messages of a front end, ``(name, fields)``, from its making until the process ends.

    For ``for`` in a thread and for ``async for`` in asyncio. It holds `MAX_UNREAD` messages for a slow
    reader; what is beyond is counted as lost. Each wait raises TimeoutError after `timeout` seconds (None: it
    waits as long as the process lives). One task at a time may await it; cancelled, it has taken no message.
    """

    def __init__(self, timeout: float | None, would_wait_for_itself: Callable[[], bool]) -> None:
        self._timeout = timeout
        self._would_wait_for_itself = would_wait_for_itself
        """Tells whether the messages come in the thread that asks."""
        self._arrived = threading.Condition()
        self._unread: deque[tuple[str, dict[str, Any]]] = deque()
        self._ended = False
        self._awaited = False
        self._waker: asyncio.Future[None] | None = None
        """Of the task that waits for the next message."""
        self._taken_at_once = 0

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> tuple[str, dict[str, Any]]:
        deadline = None if self._timeout is None else time.monotonic() + self._timeout
        with self._arrived:
            while not self._unread:
                if self._ended:
                    raise StopIteration
                remaining = None if deadline is None else deadline - time.monotonic()
                if remaining is not None and remaining <= 0:
                    raise TimeoutError(f"no message came within {self._timeout} s")
                if self._would_wait_for_itself():
                    raise RuntimeError("a message is waited for in the thread that is to bring it")
                self._arrived.wait(remaining)
            return self._unread.popleft()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> tuple[str, dict[str, Any]]:
        # It is there where this is awaited; programs without it need not load it.
        import asyncio

        with self._arrived:
            if self._awaited:
                raise RuntimeError("another task awaits these messages: give each its own front.messages()")
            self._awaited = True
        try:
            async with asyncio.timeout(self._timeout):
                if self._taken_at_once >= _AT_ONCE:
                    # Messages that never cease would not let another task run.
                    self._taken_at_once = 0
                    await asyncio.sleep(0)
                while True:
                    with self._arrived:
                        if self._unread:
                            self._taken_at_once += 1
                            return self._unread.popleft()
                        if self._ended:
                            raise StopAsyncIteration
                        waker = self._waker = asyncio.get_running_loop().create_future()
                    self._taken_at_once = 0
                    await waker
        except TimeoutError:
            raise TimeoutError(f"no message came within {self._timeout} s") from None
        finally:
            with self._arrived:
                self._awaited = False
                self._waker = None

    def put(self, name: str, fields: dict[str, Any]) -> bool:
        """Hold a message for the reader; False: there is no room."""
        with self._arrived:
            if len(self._unread) >= MAX_UNREAD:
                return False
            self._unread.append((name, fields))
            self._arrived.notify()
            self._wake_task()
            return True

    def end(self) -> None:
        """Let the iteration end after what is held."""
        with self._arrived:
            self._ended = True
            self._arrived.notify_all()
            self._wake_task()

    def _wake_task(self) -> None:
        waker, self._waker = self._waker, None
        if waker is not None:
            with suppress(RuntimeError):  # The loop is closed: nobody waits any more.
                waker.get_loop().call_soon_threadsafe(_wake, waker)


def _wake(waker: "asyncio.Future[None]") -> None:
    if not waker.done():
        waker.set_result(None)


def _call(name: str, callback: Callable[..., object], *args: Any, **fields: Any) -> None:
    try:
        callback(*args, **fields)
    except (Exception, SystemExit):  # SystemExit would end the thread that serves, and nobody would know.
        _log.exception("a callback connected to %s failed", name)
