"""What a back end calls of its instance, and how it tells what was raised."""

import logging
import os
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from camgraph.process.story import arm, disarm

_log = logging.getLogger(__name__)
_OURS = str(Path(__file__).parent) + os.sep


@dataclass(slots=True)
class Handler:
    """A hook, a backend method with its arguments, a callback."""

    where: str
    """Its name, for who is told what it raised."""
    function: Callable[[], object]
    deadline_s: float | None = None
    token: int = 0
    """Of the call whose result it is; 0: nobody waits for any."""
    is_call: bool = False
    on_done: Callable[[], None] | None = None
    """Called after a task that it became."""

    def call(self) -> object:
        """Call it, and return what it returns; past its deadline, the process is killed."""
        if self.deadline_s is None:
            return self.function()
        arm(self.deadline_s)
        try:
            return self.function()
        finally:
            disarm()


def exit_code(error: SystemExit) -> int:
    """Return the exit code that is meant; says, as Python does, what it was given instead."""
    if isinstance(error.code, int):
        return error.code
    if error.code is not None:
        _log.error("%s", error.code)
    return 0 if error.code is None else 1


def describe(error: BaseException) -> str:
    """Return an exception in a line: its class and the first line of its text."""
    try:
        text = str(error).partition("\n")[0]
    except Exception:
        text = "(its text can't be had)"
    return f"{type(error).__qualname__}: {text}" if text else type(error).__qualname__


def traceback_of(error: BaseException) -> str:
    """Return the traceback as text, from the first line that is not of this room."""
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename.startswith(_OURS):
        trace = trace.tb_next
    return "".join(traceback.format_exception(type(error), error, trace))
