"""A program's connection to the supervisor of a site, heard in a thread of its own."""

import logging
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass

import msgspec

from camgraph.base.errors import BrokenError
from camgraph.base.loop import Loop
from camgraph.base.parking import no_fork
from camgraph.client.attaching import Attaching
from camgraph.client.observers import Observer, Observers
from camgraph.control.channel import ControlChannel
from camgraph.control.messages import FromSupervisor, Ping
from camgraph.control.pulse import Pulse

_log = logging.getLogger(__name__)

THREAD_ENDS_WITHIN_S = 2.0


@dataclass(frozen=True)
class Listener:
    """Who hears of what happens; all is called in the connection's thread."""

    on_message: Callable[[FromSupervisor, list[int]], None]
    """Owns the descriptors."""
    on_lost: Callable[[str], None]
    """The supervisor is gone, as the text says; another one is looked for."""
    on_gone: Callable[[], None]
    """There is no site of this name any more; it is looked for still."""
    on_back: Callable[[], None]
    """There is another supervisor."""
    on_closed: Callable[[], None]
    """The end of all."""


class Connection(ABC):
    """Owns the control channel and the thread that serves it, whose loop is `loop`."""

    owns_site: bool
    """The site ends with this connection."""

    def __init__(self, site: str, listener: Listener) -> None:
        self._site = site
        self._listener = listener
        self._channel: ControlChannel[FromSupervisor]
        self._thread: threading.Thread | None = None
        self.loop = Loop()
        self.attaching = Attaching()
        self.observers = Observers()
        self._pulse = Pulse(self.loop, self._ping, self._on_silent)

    @property
    @abstractmethod
    def supervisor_pid(self) -> int:
        """The supervisor's pid; while there is none, the last one's."""

    @abstractmethod
    def shut_down(self) -> None:
        """Let go of the site; end it, if it is this program's. Takes some seconds at most."""

    @abstractmethod
    def abandon_after_fork(self) -> None:
        """Close what a forked child has inherited; the connection stays the parent's. Takes no lock."""

    @abstractmethod
    def _on_silent(self) -> None:
        """The supervisor has stopped answering."""

    @abstractmethod
    def _release(self) -> None:
        """Close what the connection owns besides channel and loop; in its thread, at its end."""

    def send(self, message: msgspec.Struct, descriptors: Sequence[int] = ()) -> None:
        """Send to the supervisor; the caller keeps its descriptors. Raises BrokenError."""
        try:
            self._channel.send(message, descriptors)
        except BrokenError as error:
            raise BrokenError(f"the supervisor of site {self._site!r} is not there now: {error}") from error

    def attach(self, node: str, descriptors: Sequence[int]) -> None:
        """Keep copies of descriptors for the node, and tell this supervisor and those to come.

        Raises OSError if they can't be copied.
        """
        self.attaching.attach(node, descriptors, self.send)

    def observe(self, node: str, callback: Observer) -> Callable[[], None]:
        """Have this supervisor and those to come tell `callback` the node's events; return what ends that."""
        return self.observers.observe(node, callback, self.send)

    def in_thread(self) -> bool:
        """Tell whether the caller runs in the connection's own thread."""
        return threading.current_thread() is self._thread

    def close(self) -> None:
        """End the thread, which releases everything; after `shut_down`.

        A callback that does not return is not waited for: the thread ends when it does.
        """
        self.loop.stop()
        assert self._thread is not None
        self._thread.join(THREAD_ENDS_WITHIN_S)
        if self._thread.is_alive():
            _log.warning("the thread of site %r has not ended: a callback is busy", self._site)

    def _begin(self, connect: Callable[[], None]) -> None:
        """Have the thread connect, then serve; raises what `connect` raises: the thread has ended then."""
        begun: Future[None] = Future()
        self._thread = threading.Thread(
            target=self._serve, args=(connect, begun), name=f"camgraph-{self._site}", daemon=True
        )
        self._thread.start()
        try:
            begun.result()
        except BaseException as error:
            if not begun.done() or begun.exception() is not error:
                # Ctrl-C: it has begun, or is about to.
                self.loop.stop()
            self._thread.join(THREAD_ENDS_WITHIN_S)
            raise

    def _serve(self, connect: Callable[[], None], begun: "Future[None]") -> None:
        try:
            # Not yet in a turn of the loop, for which forks wait.
            with no_fork():
                connect()
        except BaseException as error:
            self.loop.close()
            self.attaching.close()
            self._release()
            begun.set_exception(error)
            return
        self._pulse.start()
        begun.set_result(None)
        self.loop.run()
        try:
            self._channel.close()
            self._listener.on_closed()
        finally:
            self.loop.close()
            self.attaching.close()
            self._release()

    def _hear(self, message: FromSupervisor, descriptors: list[int]) -> None:
        self._pulse.answered()
        self._listener.on_message(message, descriptors)

    def _ping(self) -> None:
        try:
            self._channel.send(Ping())
        except BrokenError as error:
            _log.debug("the supervisor could not be asked whether it lives: %s", error)
