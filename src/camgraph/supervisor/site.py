"""The supervisor of one site: its client's wishes in, its processes' news out."""

import logging
import os
import socket

from camgraph.base.descriptors import close_all
from camgraph.base.errors import BrokenError
from camgraph.base.loop import Loop
from camgraph.control.channel import ControlChannel
from camgraph.control.messages import (
    Apply,
    AskStatistics,
    FromSupervisor,
    MediaStatistics,
    MediaStatus,
    Secrets,
    Shutdown,
    SiteStatistics,
    Spawn,
    StreamStatus,
    Terminate,
    ToSupervisor,
)
from camgraph.graph.spec import GraphSpec
from camgraph.supervisor.backends import BackEnds
from camgraph.supervisor.broker import Broker
from camgraph.supervisor.media import MediaProcess

_log = logging.getLogger(__name__)

END_WITHIN_S = 4.0


class SiteSupervisor:
    """Serves one client until it says Shutdown, closes its connection, or dies (`owner`, a pidfd)."""

    def __init__(
        self, loop: Loop, site: str, control: socket.socket, listener: socket.socket, owner: int
    ) -> None:
        self._loop = loop
        self._owner = owner
        self._spec = GraphSpec()
        self._secrets: dict[str, str] = {}
        self._ending = False
        self._client: ControlChannel[ToSupervisor] = ControlChannel(control, ToSupervisor)
        self._media = MediaProcess(loop, tell=self._on_media, on_ready=self._serve_readers)
        self._backends = BackEnds(loop, site=site, tell=self._tell)
        self._broker = Broker(loop, listener, knows=self._knows, hand_over=self._media.add_reader)
        self._client.attach(loop, self._on_client, self.shut_down)
        loop.add(owner, self._owner_died)

    def shut_down(self) -> None:
        """End all processes in order, then the loop; asking twice is asking once."""
        if self._ending:
            return
        self._ending = True
        self._broker.close()
        self._backends.stop()
        self._media.stop()
        self._loop.call_later(END_WITHIN_S, self._kill)
        self._end_when_all_have()

    def _kill(self) -> None:
        self._backends.kill()
        self._media.kill()

    def _owner_died(self) -> None:
        self._loop.remove(self._owner)
        os.close(self._owner)
        self.shut_down()
        self._kill()

    def _end_when_all_have(self) -> None:
        if self._backends.ended and self._media.ended:
            self._client.close()
            self._loop.stop()
        else:
            self._loop.call_later(0.01, self._end_when_all_have)

    def _on_client(self, message: ToSupervisor, descriptors: list[int]) -> None:
        match message:
            case Secrets(values=values):
                self._secrets = values
            case Apply(spec=spec):
                self._spec = spec
                self._media.apply(spec, self._secrets)
                self._serve_readers()
            case Spawn() if descriptors:
                # Its front end learns that the supervisor is gone, should it come too late.
                if not self._ending:
                    self._backends.spawn(message, descriptors.pop(0))
            case Terminate(process=process, grace_s=grace_s):
                self._backends.terminate(process, grace_s)
            case AskStatistics(token=token):
                if not self._media.ask_statistics(token):
                    self._tell_statistics(MediaStatistics(token=token, streams={}))
            case Shutdown():
                self.shut_down()
            case _:
                _log.error("a message was not understood: %r", message)
        close_all(descriptors)

    def _on_media(self, message: StreamStatus | MediaStatus | MediaStatistics) -> None:
        if isinstance(message, MediaStatistics):
            self._tell_statistics(message)
        else:
            self._tell(message)

    def _tell_statistics(self, media: MediaStatistics) -> None:
        self._tell(
            SiteStatistics(
                token=media.token,
                streams=media.streams,
                media_pid=self._media.pid,
                media_starts=self._media.starts,
                processes=self._backends.pids,
            )
        )

    def _tell(self, message: FromSupervisor, descriptors: tuple[int, ...] = ()) -> None:
        try:
            self._client.send(message, descriptors)
        except BrokenError as error:
            if not self._ending:
                _log.debug("the client did not take a message: %s", error)

    def _serve_readers(self) -> None:
        self._broker.serve()

    def _knows(self, stream: str) -> bool:
        return any(node.id == stream for node in self._spec.nodes)
