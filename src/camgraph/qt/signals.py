"""The messages of a process as Qt signals."""

import weakref
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from qtpy.QtCore import QCoreApplication, QObject, QThread, Signal

from camgraph.process.front import FrontEnd
from camgraph.qt.thread import Delivery, MessageHub

_known: "weakref.WeakKeyDictionary[FrontEnd, weakref.ref[QObject]]" = weakref.WeakKeyDictionary()
_kept: set[QObject | None] = set()
"""What the program need not keep: the signals of processes whose end has not been emitted."""


def signals(front: FrontEnd) -> Any:
    """Return a QObject with a Qt signal for each message of a process; ``failed``, ``restarted``, ``exited``.

    ``signals(detector).moved.connect(slot)`` calls ``slot(stream, score)``, the fields in the order of their
    declaration, as they were sent; ``failed`` carries the `BackendRaised`, ``restarted`` how a process ended
    that is started again, ``exited`` how it ended for good, also when it had ended before. Signals are
    emitted in the thread of the GUI, one by one as its event loop runs, so connecting right after this call
    misses nothing that comes after it. The same process gives the same object; it needs no keeping.

    To be called in the thread of the GUI, once there is a QApplication (RuntimeError). Raises ValueError for
    a message whose name Qt's objects use themselves.
    """
    app = QCoreApplication.instance()
    if app is None:
        raise RuntimeError("signals() needs a QApplication: make one first")
    if app.thread() != QThread.currentThread():
        raise RuntimeError("signals() belongs to the thread of the GUI; call it there")
    known = _known.get(front, lambda: None)()
    if known is not None:
        return known
    sender: Any = _signals_class(tuple((name, port.fields) for name, port in front._ports.items()))()
    _known[front] = weakref.ref(sender)
    _kept.add(sender)
    hub = MessageHub.of(app)
    for name, port in front._ports.items():
        port.connect(_forward(hub, sender, name))
    front.failed.connect(_forward(hub, sender, "failed"))
    front.restarted.connect(_forward(hub, sender, "restarted"))
    if front.alive:
        hub.serve(front)
    front.exited.connect(_forward(hub, sender, "exited"))
    sender.exited.connect(_let_go(sender))
    return sender


def _forward(hub: MessageHub, sender: QObject, name: str) -> Callable[..., None]:
    """Return what posts a message; it must not keep `sender`, which only the GUI's thread may delete."""
    target = weakref.ref(sender)

    def forward(*values: object, **fields: object) -> None:
        hub.post(Delivery(target, name, (*values, *fields.values())))

    return forward


def _let_go(sender: Any) -> Callable[[str], None]:
    ended = weakref.ref(sender)
    return lambda how: _kept.discard(ended())


@lru_cache(maxsize=64)
def _signals_class(messages: tuple[tuple[str, tuple[str, ...]], ...]) -> type[QObject]:
    body: dict[str, Any] = {}
    for name, fields in (*messages, ("failed", ("error",)), ("restarted", ("exit",)), ("exited", ("exit",))):
        if hasattr(QObject, name):
            raise ValueError(
                f"message {name!r} can't be a Qt signal: QObject has its own {name!r}; rename it"
            )
        # Types other than object lose or change what they carry: keys that are no strings, large integers.
        body[name] = Signal(*[object] * len(fields), arguments=list(fields))
    return type("ProcessSignals", (QObject,), body)
