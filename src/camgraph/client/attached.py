"""The connection of a program that has joined a site that runs already, by its name."""

import logging
import socket

from camgraph.base.descriptors import connect_site
from camgraph.base.errors import BrokenError
from camgraph.client.connection import Connection, Listener
from camgraph.control.channel import GREETING, ControlChannel
from camgraph.control.messages import FromSupervisor

_log = logging.getLogger(__name__)

AGAIN_AFTER_S = 0.5


class AttachedConnection(Connection):
    """Owns nothing of the site but its own connection.

    When the supervisor dies, the connection is made anew: it waits at the site's door until the owner has
    started another. When the owner is gone, so is the site, until somebody starts one of that name.
    """

    owns_site = False

    def __init__(self, site: str, listener: Listener) -> None:
        """Connect; raises BrokenError if there is no such site."""
        super().__init__(site, listener)
        self._closing = self._gone = False
        self._begin(self._connect)

    @property
    def supervisor_pid(self) -> int:
        """Unknown here: 0."""
        return 0

    def shut_down(self) -> None:
        """Let go of the site, which runs on."""
        self._closing = True

    def abandon_after_fork(self) -> None:
        """Close what a forked child has inherited; the connection stays the parent's. Takes no lock."""
        self._channel.abandon()

    def _connect(self) -> None:
        sock = connect_site(self._site)
        try:
            # Before any thread can send on the channel.
            sock.send(GREETING, socket.MSG_NOSIGNAL)
        except OSError as error:
            sock.close()
            raise BrokenError(f"site {self._site!r} does not answer: {error.strerror}") from error
        self._channel = ControlChannel(sock, FromSupervisor)
        self._channel.attach(self.loop, self._hear, self._lost)
        self.observers.tell_all(self._channel.send)
        self.attaching.tell_all(self._channel.send)
        # The answer comes after all that a new program is told of the site.
        self._ping()

    def _on_silent(self) -> None:
        # Its owner replaces a supervisor that has stopped; all that can be done here is to ask on.
        self._pulse.start()

    def _lost(self) -> None:
        self._pulse.stop()
        if not self._closing:
            self._listener.on_lost("the connection was closed")
            self.loop.call_later(0.0, self._connect_again)

    def _connect_again(self) -> None:
        if self._closing:
            return
        try:
            self._connect()
        except (BrokenError, OSError) as error:
            # Not our own lack of descriptors: then nobody knows whether the site is there.
            if isinstance(error, BrokenError) and not self._gone:
                self._gone = True
                _log.warning("%s", error)
                self._listener.on_gone()
            self.loop.call_later(AGAIN_AFTER_S, self._connect_again)
            return
        self._gone = False
        self._pulse.start()
        self._listener.on_back()

    def _release(self) -> None:
        pass
