"""Ours without a further thread: a socket notifier of Qt a process, and `dispatch()`."""

from typing import Any

from qtpy.QtCore import QObject, QSocketNotifier, Signal

import camgraph as cg
from benchmarks.messages.echo import Echo
from benchmarks.messages.transports.base import BackEnd, Ended, Heard
from benchmarks.messages.transports.camgraph_thread import EchoFront


class _Notified(QObject):
    pong = Signal(object)
    exited = Signal()

    def __init__(self, front: Any) -> None:
        super().__init__()
        self._front = front
        front.pong.connect(lambda value: self.pong.emit(value))
        front.exited.connect(self._ended)
        self._notifier = QSocketNotifier(front.fileno(), QSocketNotifier.Type.Read, self)
        self._notifier.activated.connect(self._dispatch)

    def _dispatch(self) -> None:
        self._front.dispatch()

    def _ended(self, how: object) -> None:
        self._notifier.setEnabled(False)
        self.exited.emit()


class OpenTransport:
    """Owns a site."""

    tells_death = True

    def __init__(self) -> None:
        self._site = cg.Graph().start()
        self._notified: list[_Notified] = []

    def start(self, heard: Heard, ended: Ended) -> BackEnd:
        """Spawn, and connect the signals."""
        front = self._site.spawn(Echo)
        told = _Notified(front)
        told.pong.connect(heard)
        told.exited.connect(ended)
        self._notified.append(told)
        return EchoFront(front)

    def close(self) -> None:
        """Close the site."""
        self._site.close()
