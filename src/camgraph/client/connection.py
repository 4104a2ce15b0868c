"""The connection to a site's supervisor: starts it, hears it in a thread of its own, replaces a dead one."""

import logging
import os
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Sequence

import msgspec

from camgraph.base.children import describe_exit, start_module
from camgraph.base.descriptors import site_address
from camgraph.base.errors import BrokenError
from camgraph.base.loop import Loop
from camgraph.control.channel import ControlChannel, channel_pair
from camgraph.control.messages import Apply, FromSupervisor, Secrets, Shutdown
from camgraph.graph.spec import GraphSpec

_log = logging.getLogger(__name__)

READERS_BACKLOG = 1024
SHUT_DOWN_WITHIN_S = 5.0
SHORT_LIFE_S = 1.0
SHORT_LIVES = 3


class Connection:
    """Owns the supervisor process, the control channel and the thread that serves it.

    The listening socket at which readers ask for their rings is made here, before the supervisor runs, and
    outlives it: readers can connect at any time and wait. `on_message(message, descriptors)`,
    `on_replaced(how)` and `on_given_up(how)` are called in the thread, whose loop is `loop`.
    """

    def __init__(
        self,
        site: str,
        spec: GraphSpec,
        secrets: dict[str, str],
        *,
        on_message: Callable[[FromSupervisor, list[int]], None],
        on_replaced: Callable[[str], None],
        on_given_up: Callable[[str], None],
    ) -> None:
        self._site = site
        self._spec = spec
        self._secrets = secrets
        self._on_message = on_message
        self._on_replaced = on_replaced
        self._on_given_up = on_given_up
        self._closing = False
        self._short_lives = 0
        self._heard_all = threading.Event()
        self._listener = _listen(site)
        self._owner = os.pidfd_open(os.getpid())
        self.loop = Loop()
        try:
            self._popen, self._channel = self._start()
        except BaseException:
            self._release()
            raise
        self._thread = threading.Thread(target=self.loop.run, name=f"camgraph-{site}", daemon=True)
        self._thread.start()

    @property
    def supervisor_pid(self) -> int:
        """The supervisor's pid."""
        return self._popen.pid

    def send(self, message: msgspec.Struct, descriptors: Sequence[int] = ()) -> None:
        """Send to the supervisor; the caller keeps its descriptors. Raises BrokenError."""
        self._channel.send(message, descriptors)

    def in_thread(self) -> bool:
        """Tell whether the caller runs in the connection's own thread."""
        return threading.current_thread() is self._thread

    def shut_down(self) -> None:
        """End the supervisor and all it started, and hear its last words; at most some seconds."""
        self._closing = True
        try:
            self._channel.send(Shutdown())
        except BrokenError as error:
            _log.debug("the supervisor could not be told to end: %s", error)
        _wait_or_kill(self._popen, SHUT_DOWN_WITHIN_S)
        if not self._heard_all.wait(1.0):
            _log.warning("the supervisor's last words were not read within 1 s: a callback is busy")

    def close(self) -> None:
        """End the thread and release everything; after `shut_down`."""
        self.loop.stop()
        self._thread.join()
        self._channel.close()
        self._release()

    def abandon_after_fork(self) -> None:
        """Close what a forked child has inherited; the connection stays the parent's. Takes no lock."""
        self._closing = True
        self._channel.abandon()
        self._listener.close()
        os.close(self._owner)

    def _release(self) -> None:
        self.loop.close()
        self._listener.close()
        os.close(self._owner)

    def _start(self) -> tuple[subprocess.Popen[bytes], ControlChannel[FromSupervisor]]:
        self._started_ns = time.monotonic_ns()
        ours, theirs = channel_pair()
        inherited = [theirs.fileno(), self._listener.fileno(), self._owner]
        try:
            popen = start_module(
                "camgraph.supervisor",
                [self._site, *map(str, inherited)],
                descriptors=inherited,
                hold_signals=True,
            )
        except OSError:
            ours.close()
            raise
        finally:
            theirs.close()
        channel: ControlChannel[FromSupervisor] = ControlChannel(ours, FromSupervisor)
        channel.attach(self.loop, self._on_message, self._lost)
        channel.send(Secrets(values=self._secrets))
        channel.send(Apply(spec=self._spec))
        return popen, channel

    def _lost(self) -> None:
        if self._closing:
            self._heard_all.set()
            return
        _wait_or_kill(self._popen, 1.0)
        how = describe_exit(self._popen.returncode)
        lived_s = (time.monotonic_ns() - self._started_ns) / 1e9
        self._short_lives = self._short_lives + 1 if lived_s < SHORT_LIFE_S else 0
        if self._short_lives >= SHORT_LIVES:
            _log.error("the supervisor ends whenever it is started (%s); giving up", how)
            self._on_given_up(how)
            return
        _log.warning("the supervisor ended (%s); starting another", how)
        self._popen, self._channel = self._start()
        self._on_replaced(how)


def _listen(site: str) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_CLOEXEC)
    try:
        listener.bind(site_address(site))
        listener.listen(READERS_BACKLOG)
    except OSError as error:
        listener.close()
        raise BrokenError(f"a site named {site!r} runs already; close it, or choose another name") from error
    return listener


def _wait_or_kill(popen: subprocess.Popen[bytes], timeout_s: float) -> None:
    try:
        popen.wait(timeout_s)
    except subprocess.TimeoutExpired:
        _log.warning("the supervisor did not end within %.0f s and is killed", timeout_s)
        popen.kill()
        popen.wait()
