"""Where messages are heard: a QObject in the thread of the GUI, and its event loop."""

from collections.abc import Callable
from typing import Any

from qtpy.QtCore import QEventLoop, QObject, QTimer, Slot

_PATIENCE_S = 30.0


class Hall(QObject):
    """Its slots are what all transports connect to; what they call changes from phase to phase."""

    def __init__(self) -> None:
        super().__init__()
        self._on_heard: Callable[[int], None] = lambda value: None
        self._on_ended: Callable[[], None] = lambda: None
        self._loop: QEventLoop | None = None

    # A slot of Qt that a plain call reaches, too; typed, so that no transport has to convert.
    @Slot(object)
    def heard(self, value: int) -> None:
        """Take a message."""
        self._on_heard(value)

    @Slot()
    def ended(self, *how: Any) -> None:
        """Take the end of a process."""
        self._on_ended()

    def stay(
        self,
        begin: Callable[[], object],
        *,
        heard: Callable[[int], None] = lambda value: None,
        ended: Callable[[], None] = lambda: None,
        seconds: float = 0.0,
    ) -> None:
        """Call `begin` in the event loop, which runs until `leave`.

        Raises TimeoutError half a minute after `seconds`.
        """
        self._on_heard, self._on_ended = heard, ended
        loop = self._loop = QEventLoop()
        QTimer.singleShot(0, begin)
        patience = QTimer(loop)
        patience.setSingleShot(True)
        patience.timeout.connect(lambda: loop.exit(1))
        patience.start(int((seconds + _PATIENCE_S) * 1000))
        code = loop.exec()
        patience.stop()
        self._on_heard, self._on_ended = lambda value: None, lambda: None
        if code:
            raise TimeoutError("a message did not come")

    def leave(self) -> None:
        """Have `stay` return."""
        if self._loop is not None:
            self._loop.exit(0)
