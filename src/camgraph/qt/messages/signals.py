"""The messages of a process as Qt signals."""

import weakref
from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

from qtpy.QtCore import QCoreApplication, QObject, QThread, Signal

from camgraph.process.front import FrontEnd
from camgraph.process.ports import EventPort
from camgraph.qt.messages.emitter import MAX_UNEMITTED, Emitter, Mailbox, signal_of
from camgraph.qt.messages.thread import MessageHub

_known: "weakref.WeakKeyDictionary[FrontEnd, _Known]" = weakref.WeakKeyDictionary()
_kept: set[QObject | None] = set()
"""What the program need not keep: the signals of processes whose end has not been emitted."""


class _Known(NamedTuple):
    sender: "weakref.ref[QObject]"
    notifier: bool
    box: Mailbox


def signals(front: FrontEnd, *, notifier: bool | None = None) -> Any:
    """Return a QObject with a Qt signal for each message of a process, the built-in ones too.

    ``signals(detector).moved.connect(slot)`` calls ``slot(stream, score)``, the fields in the order of their
    declaration, as they were sent; ``failed`` carries the `BackendRaised`, ``restarted`` how a process ended
    that is started again, ``exited`` how it ended for good, also when it had ended before. Signals are
    emitted in the thread of the GUI, one by one as its event loop runs, so connecting right after this call
    misses nothing that comes after it. The same process gives the same object; it needs no keeping.

    One QThread hears all processes. With ``notifier=True`` in the first call for a process, the event loop of
    the GUI hears it instead: no thread and a shorter way, but nothing is read while the GUI is busy. Later
    calls need not say it again; RuntimeError if they say otherwise.

    A process that sends more than the slots can take delays nobody but itself. Of what the thread has read,
    4,096 messages of each process wait for the event loop; what is beyond is counted in
    ``front.statistics().lost``. With a notifier no more is read until what was read is emitted; what its back
    end then has no room for is counted likewise.

    To be called in the thread of the GUI, once there is a QApplication (RuntimeError). Raises ValueError for
    a message whose name Qt's objects use themselves; TimeoutError, with a notifier, if a callback keeps the
    thread busy that has served the process.
    """
    if not isinstance(front, FrontEnd):
        raise TypeError(f"signals() takes what site.spawn() returned, not {front!r}")
    hub = MessageHub.of(gui_of("signals()"))
    known = _known.get(front)
    sender: Any = known.sender() if known is not None else None
    if known is not None and sender is not None:
        if notifier not in (None, known.notifier):
            how = "a notifier" if known.notifier else "the thread"
            raise RuntimeError(f"{front.name} is heard by {how}: say so in the first call of signals()")
        return sender
    events = {name: port for name, port in vars(front).items() if isinstance(port, EventPort)}
    ports = front._ports | events
    sender = _signals_class(tuple((name, port.fields) for name, port in ports.items()))()
    box = Mailbox()
    if notifier and front.alive:
        hub.serve_here(front, box)
    _known[front] = _Known(weakref.ref(sender), bool(notifier), box)
    _kept.add(sender)
    for name, port in front._ports.items():
        port.connect(_forward_if_room(hub.emitter, box, signal_of(sender, name), front))
    for name, port in events.items():
        if port is not front.exited:
            port.connect(_forward(hub.emitter, box, signal_of(sender, name)))
    if not notifier and front.alive:
        hub.serve(front)
    front.exited.connect(_forward(hub.emitter, box, signal_of(sender, "exited")))
    sender.exited.connect(_let_go(sender))
    return sender


def mailbox_of(front: object) -> Mailbox:
    """Return the mailbox of a front end's signals; a new one if nobody has asked for those."""
    known = _known.get(front) if isinstance(front, FrontEnd) else None
    return Mailbox() if known is None else known.box


def gui_of(caller: str) -> QCoreApplication:
    """Return the application; raise RuntimeError where there is none, or in a thread that isn't the GUI's."""
    app = QCoreApplication.instance()
    if app is None:
        raise RuntimeError(f"{caller} needs a QApplication: make one first")
    if app.thread() != QThread.currentThread():
        raise RuntimeError(f"{caller} belongs to the thread of the GUI; call it there")
    return app


def _forward(emitter: Emitter, box: Mailbox, emit: Callable[..., None]) -> Callable[..., None]:
    return lambda *values: emitter.post(box, emit, values)


def _forward_if_room(
    emitter: Emitter, box: Mailbox, emit: Callable[..., None], front: FrontEnd
) -> Callable[..., None]:
    tally = front._tally

    def forward(**fields: object) -> None:
        if len(box.letters) < MAX_UNEMITTED:
            emitter.post(box, emit, tuple(fields.values()))
        else:
            tally.unread_lost += 1

    return forward


def _let_go(sender: Any) -> Callable[[str], None]:
    ended = weakref.ref(sender)
    return lambda how: _kept.discard(ended())


@lru_cache(maxsize=64)
def _signals_class(messages: tuple[tuple[str, tuple[str, ...]], ...]) -> type[QObject]:
    body: dict[str, Any] = {}
    for name, fields in messages:
        if hasattr(QObject, name):
            raise ValueError(
                f"message {name!r} can't be a Qt signal: QObject has its own {name!r}; rename it"
            )
        # Types other than object lose or change what they carry: keys that are no strings, large integers.
        body[name] = Signal(*[object] * len(fields), arguments=list(fields))
    return type("ProcessSignals", (QObject,), body)
