"""What a backend method returns, as a Qt signal."""

import logging
import weakref
from concurrent.futures import CancelledError, Future
from typing import Any

from qtpy.QtCore import QObject, Signal

from camgraph.qt.messages.signals import gui_of, mailbox_of
from camgraph.qt.messages.thread import MessageHub

_log = logging.getLogger(__name__)
_kept: set["Reply"] = set()
"""What the program need not keep: those that are not emitted yet."""


class Reply(QObject):
    """Emits one of its signals, once, in the thread of the GUI."""

    finished = Signal(object)
    """What the method returned."""
    failed = Signal(object)
    """The exception that the method, or the way to it, ended with; CancelledError for a cancelled call."""

    def _tell(self, call: Future[Any]) -> None:
        _kept.discard(self)
        # Asked for, not raised here: a traceback would keep the call, and so the front end.
        error = CancelledError() if call.cancelled() else call.exception()
        if error is None:
            self.finished.emit(call.result())
            return
        if not self._is_heard():
            _log.error("a call failed, and nobody is connected to its failed: %s", error)
        self.failed.emit(error)

    def _is_heard(self) -> bool:
        # The bindings have no other way in common: each writes the signature of the signal as it likes.
        meta = self.metaObject()
        methods = (meta.method(index) for index in range(meta.methodOffset(), meta.methodCount()))
        return any(method.name() == b"failed" and self.isSignalConnected(method) for method in methods)


def reply(call: Future[Any]) -> Reply:
    """Return a QObject for a call that has a result, with the signals ``finished(value)``, ``failed(error)``.

    ``reply(detector.count("door")).finished.connect(label.setNum)``: one of the two is emitted, once, in the
    thread of the GUI, as its event loop runs; so connecting right after this call misses nothing, also when
    the result was there before. It comes after the messages which the back end sent before it returned, where
    `signals` were asked for. It needs no keeping. A failure that nobody is connected to is logged.

    To be called in the thread of the GUI, once there is a QApplication (RuntimeError).
    """
    if not isinstance(call, Future):
        raise TypeError(
            f"reply() takes the call of a method that is annotated to return something, not {call!r}"
        )
    emitter = MessageHub.of(gui_of("reply()")).emitter
    made = Reply()
    _kept.add(made)
    box, waiting = mailbox_of(getattr(call, "_front", None)), weakref.ref(made)

    def tell(done: Future[Any]) -> None:
        found = waiting()
        if found is not None:
            found._tell(done)

    # It must not keep the object: only the GUI's thread may be the last to.
    call.add_done_callback(lambda done: emitter.post(box, tell, (done,)))
    return made
