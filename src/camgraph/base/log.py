"""The log of our own processes, on the standard error that they were started with."""

import logging
import select

_STANDARD_ERROR = 2
_HEAD, _TAIL = 300, 600
"""Characters kept of a long text. A pipe that takes anything takes 4096 bytes at once."""


class _PatientHandler(logging.StreamHandler):  # type: ignore[type-arg]
    """Writes while somebody reads; drops what nobody does, and tells later how much that was."""

    def __init__(self) -> None:
        super().__init__()
        self._poll = select.poll()
        self._poll.register(_STANDARD_ERROR, select.POLLOUT)
        self._dropped = 0

    def format(self, record: logging.LogRecord) -> str:
        text = super().format(record)
        return text if len(text) <= _HEAD + _TAIL else f"{text[:_HEAD]} … {text[-_TAIL:]}"

    def emit(self, record: logging.LogRecord) -> None:
        if self._poll.poll(0) != [(_STANDARD_ERROR, select.POLLOUT)]:
            self._dropped += 1
            return
        if self._dropped:
            super().emit(
                logging.makeLogRecord({"msg": f"{self._dropped} messages were not read, and are lost"})
            )
            self._dropped = 0
        super().emit(record)


def log_to_standard_error(who: str) -> None:
    """Have warnings and worse written there, as of `who`. It never waits.

    A pipe that nobody empties, or a terminal stopped with Ctrl-S, would stop the process, which would be
    taken for hung, and killed: a message is dropped instead.
    """
    logging.basicConfig(
        format=f"camgraph {who}: %(message)s", level=logging.WARNING, handlers=[_PatientHandler()]
    )
