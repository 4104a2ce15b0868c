"""What can be done to a process in the storm, and how each is to be told."""

from typing import NamedTuple

from camgraph.supervisor.ends import STAYED_STOPPED

CLOSED = "exit code 0"
UNREADABLE = "sent what can't be read"
ORPHANED = ("its supervisor ended", "unknown: its supervisor is gone")


class Cause(NamedTuple):
    """What is done to a process, and how that is to be told."""

    way: str
    exit: str
    """How the text of its end begins."""
    failed: str = ""
    """What is in the text of the one failure that it brings; empty: it brings none."""
    tells: bool = False
    """The back end still reports, so that nothing is lost uncounted."""


ORPHAN = Cause("kill supervisor", "")
KILL = Cause("kill", "signal SIGKILL")
STAY_STOPPED = Cause("stop for good", STAYED_STOPPED)
CLOSE = Cause("close", CLOSED, tells=True)
ENDS = (
    Cause("segfault", "signal SIGSEGV in end (", "was killed by SIG"),
    Cause("raise", "exit code 1", ".end raised Trouble: raise", tells=True),
    Cause("raise later", "exit code 1", ".raise_later raised Trouble: raise later", tells=True),
    Cause("leave", "exit code 4", tells=True),
    Cause("exit", "exit code 3"),
    Cause("garbage", "signal SIGKILL", UNREADABLE),
)
HANG = Cause("hang", "past its deadline in hang (", "ran past its deadline in hang (")
HANG_TASK = Cause("hang", "exit code 1", ".hang raised TimeoutError: it ran past its deadline", tells=True)
