"""The media process of a site: what it is told at each start, and what it says."""

import logging
import os
import socket
import subprocess
import time
from collections.abc import Callable

from camgraph.base.children import describe_exit, start_module
from camgraph.base.errors import BrokenError
from camgraph.base.loop import Loop
from camgraph.control.channel import ControlChannel, channel_pair
from camgraph.control.messages import (
    AddReader,
    Apply,
    AskStatistics,
    FromMedia,
    MediaStatistics,
    MediaStatus,
    Secrets,
    StreamStatus,
)
from camgraph.graph.spec import GraphSpec
from camgraph.supervisor.child import Child

_log = logging.getLogger(__name__)

STOP_GRACE_S = 1.5


class MediaProcess:
    """Keeps one media process running with the desired graph.

    A restarted one needs the graph, the secrets and its epoch, nothing else. `tell` gets every
    `StreamStatus`, `MediaStatus` and `MediaStatistics`; `on_ready` is called when readers can be handed over.
    """

    def __init__(
        self,
        loop: Loop,
        *,
        tell: Callable[[StreamStatus | MediaStatus | MediaStatistics], None],
        on_ready: Callable[[], None],
    ) -> None:
        self._loop = loop
        self._tell = tell
        self._on_ready = on_ready
        self._spec = GraphSpec()
        self._secrets: dict[str, str] = {}
        self._channel: ControlChannel[FromMedia] | None = None
        self._epoch = 0
        self._child = Child(
            loop,
            name="media process",
            restart=True,
            launch=self._launch,
            on_started=self._started,
            on_exited=self._exited,
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
    def ended(self) -> bool:
        """It will not run again."""
        return self._child.life.state in ("new", "ended")

    def apply(self, spec: GraphSpec, secrets: dict[str, str]) -> None:
        """Make this the desired graph; start the process with the first one."""
        self._spec, self._secrets = spec, dict(secrets)
        if self._child.life.state == "new":
            self._child.begin()
        elif self._channel is not None:
            self._configure(self._channel)

    def add_reader(self, hello: bytes, sock: socket.socket) -> bool:
        """Pass a reader's connection on; False: there is no process to take it now."""
        return self._send(AddReader(hello=hello), (sock.fileno(),))

    def ask_statistics(self, token: int) -> bool:
        """Ask for numbers; False: there is no process to answer now."""
        return self._send(AskStatistics(token=token))

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
                "camgraph.media", [str(theirs.fileno()), str(os.getpid())], descriptors=[theirs.fileno()]
            )
        except OSError:
            ours.close()
            raise
        finally:
            theirs.close()
        self._epoch = max(self._epoch + 1, time.time_ns())
        channel: ControlChannel[FromMedia] = ControlChannel(ours, FromMedia)
        channel.attach(self._loop, lambda message, _: self._tell(message), self._lost_channel)
        self._channel = channel
        self._configure(channel)
        return popen

    def _started(self, pid: int) -> None:
        self._tell(MediaStatus(pid=pid, running=True, epoch=self._epoch))
        self._on_ready()

    def _exited(self, pid: int, returncode: int) -> None:
        if self._channel is not None:
            self._channel.close()
            self._channel = None
        how = describe_exit(returncode)
        self._tell(MediaStatus(pid=pid, running=False, epoch=self._epoch, sentence=f"It ended: {how}."))
        if self._child.life.state == "backing_off":
            now_ns = time.monotonic_ns()
            for node in self._spec.nodes:
                self._tell(
                    StreamStatus(
                        stream=node.id,
                        state="backing_off",
                        reason="media_process_died",
                        sentence=f"The media process ended ({how}); it is being started again.",
                        next_attempt_ns=self._child.life.next_start_ns,
                        epoch=self._epoch,
                        since_ns=now_ns,
                    )
                )

    def _configure(self, channel: ControlChannel[FromMedia]) -> None:
        try:
            channel.send(Secrets(values=self._secrets))
            channel.send(Apply(spec=self._spec, epoch=self._epoch))
        except BrokenError as error:
            # It is dying: the next one is told.
            _log.warning("the media process did not take its graph: %s", error)

    def _lost_channel(self) -> None:
        self._channel = None

    def _send(self, message: AddReader | AskStatistics, descriptors: tuple[int, ...] = ()) -> bool:
        if self._channel is None:
            return False
        try:
            self._channel.send(message, descriptors)
        except BrokenError:
            return False
        return True
