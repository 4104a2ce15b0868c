"""Ours: `camgraph.qt.signals`."""

from typing import Any

import camgraph as cg
from benchmarks.messages.echo import Echo
from benchmarks.messages.transports.base import BackEnd, Ended, Heard
from camgraph.qt import signals


class EchoFront:
    """A front end of ours."""

    def __init__(self, front: Any) -> None:
        self._front = front
        self.ping = front.ping
        self.say = front.say

    def pid(self) -> int:
        """Return the process id."""
        pid: int = self._front.pid
        return pid


class SignalsTransport:
    """Owns a site."""

    tells_death = True

    def __init__(self, *, notifier: bool) -> None:
        self._notifier = notifier
        self._site = cg.Graph().start()

    def start(self, heard: Heard, ended: Ended) -> BackEnd:
        """Spawn, and connect the signals."""
        front = self._site.spawn(Echo)
        told = signals(front, notifier=self._notifier)
        told.pong.connect(heard)
        told.exited.connect(ended)
        return EchoFront(front)

    def close(self) -> None:
        """Close the site."""
        self._site.close()
