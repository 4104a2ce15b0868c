"""What is to be done when Qt ends an object."""

import weakref
from collections.abc import Callable

from qtpy.QtCore import QObject

_waiting: set[Callable[..., None]] = set()


def when_destroyed(ending: QObject, callback: Callable[[], object]) -> None:
    """Call back when an object is destroyed, by whomever; `callback` is not to refer to it."""

    def call(*_: object) -> None:
        if call in _waiting:
            _waiting.discard(call)
            finalizer.detach()
            callback()

    # While Qt destroys a tree of objects nothing but each other refers to their Python sides: with PyQt6 the
    # garbage collector, if it comes then, takes a function that only a signal knows to pieces, and the signal
    # calls what is left of it.
    _waiting.add(call)
    ending.destroyed.connect(call)
    # If it comes before Qt does, as between `deleteLater` and the deletion, the signal calls nothing at all.
    finalizer = weakref.finalize(ending, call)
    finalizer.atexit = False
