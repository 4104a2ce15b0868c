"""Where the messages of a back end come out at the front: callbacks and iterators."""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any, Self

from camgraph.base.errors import WrongSide

_log = logging.getLogger(__name__)

MAX_UNREAD = 4096


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

        An exception that leaves it is logged; the other callbacks are called all the same.
        """
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

    def emit(self, *args: object, **fields: object) -> None:
        """Belongs to the back end; raises WrongSide."""
        raise WrongSide(f"{self.name}.emit() belongs to the back end; at the front, connect to it")

    def deliver(self, values: tuple[Any, ...]) -> None:
        """Call the callbacks, in this thread."""
        fields = dict(zip(self.fields, values, strict=True))
        for callback in self._callbacks:
            _call(self.name, callback, **fields)


class EventPort(MessagePort):
    """A built-in message (``failed``, ``exited``): it has one value, which is remembered.

    A callback connected after the event is called at once, so that none comes too late.
    """

    def __init__(self, name: str, field: str) -> None:
        super().__init__(name, (field,))
        self._value: tuple[Any, ...] = ()

    def connect(self, callback: Callable[..., object]) -> None:
        """Call ``callback(value)`` when it happens; at once, in this thread, if it has happened."""
        with self._lock:
            self._callbacks = (*self._callbacks, callback)
            value = self._value
        if value:
            _call(self.name, callback, *value)

    def deliver(self, values: tuple[Any, ...]) -> None:
        """Remember the event and call the callbacks, in this thread."""
        with self._lock:
            self._value = values
            callbacks = self._callbacks
        for callback in callbacks:
            _call(self.name, callback, *values)

    @property
    def heard(self) -> bool:
        """Somebody is connected."""
        return bool(self._callbacks)


class MessageStream:
    """Iterator over the messages of a front end, ``(name, fields)``, from its making until the process ends.

    It holds `MAX_UNREAD` messages for a slow reader; what is beyond is counted as lost. Each wait raises
    TimeoutError after `timeout` seconds (None: it waits as long as the process lives).
    """

    def __init__(self, timeout: float | None) -> None:
        self._timeout = timeout
        self._arrived = threading.Condition()
        self._unread: deque[tuple[str, dict[str, Any]]] = deque()
        self._ended = False

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
                self._arrived.wait(remaining)
            return self._unread.popleft()

    def put(self, name: str, fields: dict[str, Any]) -> bool:
        """Hold a message for the reader; False: there is no room."""
        with self._arrived:
            if len(self._unread) >= MAX_UNREAD:
                return False
            self._unread.append((name, fields))
            self._arrived.notify()
            return True

    def end(self) -> None:
        """Let the iteration end after what is held."""
        with self._arrived:
            self._ended = True
            self._arrived.notify_all()


def _call(name: str, callback: Callable[..., object], *args: Any, **fields: Any) -> None:
    try:
        callback(*args, **fields)
    except (Exception, SystemExit):  # SystemExit would end the thread that serves, and nobody would know.
        _log.exception("a callback connected to %s failed", name)
