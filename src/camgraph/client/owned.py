"""The connection of the program that a site belongs to: starts the supervisor, and replaces a dead one."""

import errno
import logging
import os
import socket
import subprocess
import threading
import time
from contextlib import ExitStack

from camgraph.base.children import start_module
from camgraph.base.descriptors import occupy_standard, site_address
from camgraph.base.errors import BrokenError
from camgraph.base.oom import OUT_OF_MEMORY, own_oom_kills
from camgraph.base.parking import close_in_children
from camgraph.base.withheld import withhold
from camgraph.client.connection import Connection, Listener
from camgraph.control.channel import ControlChannel, channel_pair
from camgraph.control.life import (
    Begin,
    Exited,
    Instruction,
    Launch,
    Launched,
    LaunchFailed,
    ProcessLife,
    Stop,
    Tick,
    WakeAt,
)
from camgraph.control.messages import Apply, FromSupervisor, GraphChanged, Secrets, Shutdown
from camgraph.graph.secrets import variables_of
from camgraph.graph.spec import GraphSpec, references_of

_log = logging.getLogger(__name__)

READERS_BACKLOG = 1024
SHUT_DOWN_WITHIN_S = 5.0
LAST_WORDS_WITHIN_S = 1.0
UNASKED = 0
"""The token of what is applied without waiting for the answer."""


class OwnedConnection(Connection):
    """Owns the supervisor process.

    The listening socket at which readers ask for their rings is made here, before the supervisor runs, and
    outlives it: readers can connect at any time and wait. A supervisor that ends, or stops answering, is
    replaced, for as long as it takes; the next one is told the graph as it was last.

    It is started in the connection's thread, whose end, with the program's at the latest, is the
    supervisor's: the kernel sees to that, also where the supervisor has been stopped.
    """

    owns_site = True

    def __init__(self, site: str, spec: GraphSpec, secrets: dict[str, str], listener: Listener) -> None:
        super().__init__(site, listener)
        self._spec = spec
        self._secrets = secrets
        self._life = ProcessLife(restart=True)
        # The life goes on in two threads: the connection's, and the one that closes.
        self._living = threading.Lock()
        self._heard_all = threading.Event()
        self._popen: subprocess.Popen[bytes]
        occupy_standard()
        with ExitStack() as undo:
            undo.callback(self.loop.close)
            self._listening = undo.enter_context(_listen(site))
            close_in_children(self._listening)
            self._life.handle(Begin(), time.monotonic_ns())
            self._begin(self._start)
            undo.pop_all()

    @property
    def supervisor_pid(self) -> int:
        """The supervisor's pid; while there is none, the last one's."""
        return self._popen.pid

    def shut_down(self) -> None:
        """End the supervisor and all it started, and hear its last words; at most some seconds."""
        with self._living:
            # Its wait is waited here: a callback may keep the connection's thread busy.
            self._life.handle(Stop(SHUT_DOWN_WITHIN_S), time.monotonic_ns())
        try:
            self._channel.send(Shutdown())
        except BrokenError as error:
            _log.debug("the supervisor could not be told to end: %s", error)
        _wait_or_kill(self._popen, SHUT_DOWN_WITHIN_S)
        if not self._heard_all.wait(LAST_WORDS_WITHIN_S):
            _log.warning(
                "the supervisor's last words were not read within %g s: a callback is busy",
                LAST_WORDS_WITHIN_S,
            )

    def abandon_after_fork(self) -> None:
        """Close what a forked child has inherited; the connection stays the parent's. Takes no lock."""
        self._channel.abandon()
        self._release()

    def _hear(self, message: FromSupervisor, descriptors: list[int]) -> None:
        match message:
            case Secrets(values=values):
                self._secrets |= values
            case GraphChanged(spec=spec):
                self._spec = spec
                # Only now: without this message, the next supervisor is told the graph that was before.
                wanted = references_of(spec)
                self._secrets = {ref: value for ref, value in self._secrets.items() if ref in wanted}
        super()._hear(message, descriptors)

    def _release(self) -> None:
        self._listening.close()

    def _on_silent(self) -> None:
        self._was_silent = True
        _log.warning("the supervisor (pid %d) does not answer, and is killed", self._popen.pid)
        self._popen.kill()

    def _start(self) -> None:
        """Start a supervisor, and tell it all; raises OSError, BrokenError."""
        self._was_silent = False
        self._oom_kills_before = own_oom_kills().count()
        ours, theirs = channel_pair()
        channel: ControlChannel[FromSupervisor] = ControlChannel(ours, FromSupervisor)
        inherited = [theirs.fileno(), self._listening.fileno()]
        popen: subprocess.Popen[bytes] | None = None
        # Another program may have applied a graph that names variables of this one's environment.
        withhold(variables_of(references_of(self._spec)))
        try:
            # It finds the graph when it starts: whatever holds us up then, no reader is turned away.
            channel.send(Apply(token=UNASKED, spec=self._spec, secrets=self._secrets))
            popen = start_module(
                "camgraph.supervisor",
                [self._site, *map(str, inherited), str(os.getpid())],
                descriptors=inherited,
                hold_signals=True,
            )
            theirs.close()
            channel.attach(self.loop, self._hear, self._lost)
        except BaseException:
            theirs.close()
            channel.close()
            if popen is not None:
                popen.kill()
                popen.wait()
            raise
        self._popen, self._channel = popen, channel
        self.observers.tell_all(channel.send)
        self.attaching.tell_all(channel.send)
        self._life.handle(Launched(popen.pid), time.monotonic_ns())

    def _lost(self) -> None:
        self._pulse.stop()
        self._heard_all.set()
        with self._living:
            if self._life.state == "ending":
                self._life.handle(Exited(), time.monotonic_ns())
                return
        _wait_or_kill(self._popen, 1.0)
        how = own_oom_kills().describe_exit(self._popen.returncode, self._oom_kills_before)
        with self._living:
            again = self._life.handle(Exited(out_of_memory=how == OUT_OF_MEMORY), time.monotonic_ns())
        self._replace("it did not answer" if self._was_silent else how, again)

    def _replace(self, how: str, again: list[Instruction]) -> None:
        """Start another one when its life says so; nothing: it is wanted no longer."""
        for instruction in again:
            assert isinstance(instruction, WakeAt)
            delay_s = max(0.0, (instruction.due_ns - time.monotonic_ns()) / 1e9)
            _log.warning("the supervisor ended (%s); starting another in %.1f s", how, delay_s)
            self.loop.call_at(instruction.due_ns, self._start_again)
            self._listener.on_lost(how)

    def _start_again(self) -> None:
        with self._living:
            if self._life.handle(Tick(), time.monotonic_ns()) != [Launch()]:
                return
            try:
                self._start()
            except (OSError, BrokenError) as error:
                how = f"it could not be started: {error}"
                again = self._life.handle(LaunchFailed(), time.monotonic_ns())
            else:
                self._heard_all.clear()
                self._pulse.start()
                again = []
        if again:
            self._replace(how, again)
        else:
            self._listener.on_back()


def _listen(site: str) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_CLOEXEC)
    try:
        listener.bind(site_address(site))
        listener.listen(READERS_BACKLOG)
    except OSError as error:
        listener.close()
        if error.errno != errno.EADDRINUSE:
            raise
        raise BrokenError(f"a site named {site!r} runs already; close it, or choose another name") from error
    return listener


def _wait_or_kill(popen: subprocess.Popen[bytes], timeout_s: float) -> None:
    try:
        popen.wait(timeout_s)
    except subprocess.TimeoutExpired:
        _log.warning("the supervisor did not end within %.0f s and is killed", timeout_s)
        popen.kill()
        popen.wait()
