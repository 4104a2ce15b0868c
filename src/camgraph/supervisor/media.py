"""One media process: what it is told at each start, and what it says."""

import itertools
import logging
import os
import socket
import subprocess
import time
from collections.abc import Callable

from camgraph.base.children import start_module
from camgraph.base.errors import BrokenError
from camgraph.base.loop import Loop
from camgraph.control.attachments import Attachments
from camgraph.control.channel import ControlChannel, channel_pair
from camgraph.control.messages import (
    AddReader,
    AskStatistics,
    Attach,
    Configure,
    FromMedia,
    MediaHung,
    MediaStatus,
    MemoryAnswer,
    Secrets,
    ToMedia,
)
from camgraph.control.pulse import Pulse
from camgraph.graph.spec import GraphSpec
from camgraph.supervisor.child import Child

_log = logging.getLogger(__name__)
_numbers = itertools.count(1)

STOP_GRACE_S = 1.5
HEARTBEAT = 0
"""The token of the questions that only ask whether it is alive, and how loaded."""


class MediaProcess:
    """Keeps one media process running with its part of the graph.

    A restarted one needs that, the secrets, what is `attached` to its nodes, and its epoch, nothing else. One
    that does not answer is killed, and started again as any that died. `on_message` gets what it says,
    `on_started` is called when readers can be handed over, `on_exited` when it has ended, for good or not, or
    could not be started.
    """

    def __init__(
        self,
        loop: Loop,
        name: str,
        *,
        attached: Attachments,
        on_message: Callable[["MediaProcess", FromMedia], None],
        on_started: Callable[["MediaProcess"], None],
        on_exited: Callable[["MediaProcess"], None],
    ) -> None:
        self.name = name
        self.key = f"{name}/{next(_numbers)}"
        """Unlike the name, no other ever has it."""
        self.epoch = 0
        self.last_exit = ""
        """How it ended last, in words; empty: it never did."""
        self._loop = loop
        self._on_message, self._on_started, self._on_exited = on_message, on_started, on_exited
        self._attached = attached
        self._spec = GraphSpec()
        self._secrets: dict[str, str] = {}
        self._channel: ControlChannel[FromMedia] | None = None
        self.hung: MediaHung | None = None
        """What the last one said of the stream for which it ended; None: it ended for something else."""
        self._was_silent = False
        self._pulse = Pulse(loop, self._ask_how_it_is, self._silent)
        self._child = Child(
            loop,
            name=name,
            restart=True,
            launch=self._launch,
            on_started=self._started,
            on_exited=lambda pid, returncode: self._exited(),
            on_not_started=self._exited,
        )

    @property
    def pid(self) -> int:
        """The pid (0: none is running)."""
        return self._child.pid

    @property
    def starts(self) -> int:
        """How often it was started."""
        return self._child.life.starts

    @property
    def next_start_ns(self) -> int:
        """When it is started again, if it is to be (0: it is not)."""
        return self._child.life.next_start_ns if self._child.life.state == "backing_off" else 0

    @property
    def ended(self) -> bool:
        """It will not run again."""
        return self._child.life.state in ("new", "ended")

    def configure(self, spec: GraphSpec, secrets: dict[str, str]) -> None:
        """Make this its part of the graph; start the process with the first one."""
        before = self._spec, self._secrets
        self._spec, self._secrets = spec, dict(secrets)
        if self._child.life.state == "new":
            self._child.begin()
        elif before != (self._spec, self._secrets) and self._channel is not None:
            self._tell(self._channel)

    def attach(self, node: str) -> None:
        """Pass on what is attached to one of its nodes now."""
        self._send(Attach(node=node), self._attached.of(node))

    def add_reader(self, hello: bytes, sock: socket.socket) -> bool:
        """Pass a reader's connection on; False: there is no process to take it now."""
        return self._send(AddReader(hello=hello), (sock.fileno(),))

    def ask_statistics(self, token: int) -> bool:
        """Ask for numbers; False: there is no process to answer now."""
        return self._send(AskStatistics(token=token))

    def answer_memory(self, token: int, refused: str) -> None:
        """Answer a `ReserveMemory`."""
        self._send(MemoryAnswer(token=token, refused=refused))

    def status(self, *, running: bool, sentence: str = "") -> MediaStatus:
        """Return what clients are told of it."""
        return MediaStatus(name=self.name, pid=self.pid, running=running, epoch=self.epoch, sentence=sentence)

    def stop(self) -> None:
        """End it, within the grace."""
        self._child.stop(STOP_GRACE_S)

    def kill(self) -> None:
        """End it now."""
        self._child.kill()

    def _launch(self) -> subprocess.Popen[bytes]:
        ours, theirs = channel_pair()
        try:
            popen = start_module(
                "camgraph.media",
                [str(theirs.fileno()), str(os.getpid())],
                descriptors=[theirs.fileno()],
                ends_with_us=True,
            )
        except OSError:
            ours.close()
            raise
        finally:
            theirs.close()
        self.hung = None
        self.epoch = max(self.epoch + 1, time.time_ns())
        channel: ControlChannel[FromMedia] = ControlChannel(ours, FromMedia)
        channel.attach(self._loop, lambda message, _: self._hear(message), self._lost_channel)
        self._channel = channel
        self._tell(channel)
        return popen

    def _hear(self, message: FromMedia) -> None:
        self._pulse.answered()
        if isinstance(message, MediaHung):
            self.hung = message
        self._on_message(self, message)

    def _started(self, pid: int) -> None:
        self._pulse.start()
        self._on_started(self)

    def _exited(self) -> None:
        self._pulse.stop()
        channel, self._channel = self._channel, None
        if channel is not None:
            channel.receive_rest()
            channel.close()
        if self.hung is not None:
            self.last_exit = f"the stream {self.hung.stream!r} hung in it"
        else:
            self.last_exit = "it did not answer" if self._was_silent else self._child.ended_how
        self._was_silent = False
        self._on_exited(self)

    def _tell(self, channel: ControlChannel[FromMedia]) -> None:
        try:
            channel.send(Secrets(values=self._secrets))
            channel.send(Configure(spec=self._spec, epoch=self.epoch))
            # Again, too: with a source that was opened anew, all behind it was made anew.
            for node in self._spec.nodes:
                if descriptors := self._attached.of(node.id):
                    channel.send(Attach(node=node.id), descriptors)
        except BrokenError as error:
            # It is dying: the next one is told.
            _log.warning("%s did not take its graph: %s", self.name, error)

    def _lost_channel(self) -> None:
        self._channel = None

    def _ask_how_it_is(self) -> None:
        self.ask_statistics(HEARTBEAT)

    def _silent(self) -> None:
        _log.warning("%s (pid %d) does not answer, and is killed", self.name, self.pid)
        self._was_silent = True
        self._child.kill()

    def _send(self, message: ToMedia, descriptors: tuple[int, ...] = ()) -> bool:
        if self._channel is None:
            return False
        try:
            self._channel.send(message, descriptors)
        except BrokenError:
            return False
        return True
