"""How a back end ended, in words: for its front end, and for the log."""

from collections.abc import Iterable

from camgraph.control.life import Crash
from camgraph.process.story import place_of, ran_past_deadline
from camgraph.supervisor.stops import LOOK_EVERY_S, STUCK_LOOKS

STAYED_STOPPED = f"signal SIGKILL, since it was stopped for {STUCK_LOOKS * LOOK_EVERY_S:g} s"
_MOST_LINES = 20


def told_end(how: str, returncode: int, trace: str) -> str:
    """Return how one life ended, with the place where: ``signal SIGSEGV in on_frame (analyzer.py:31)``."""
    place = place_of(trace)
    where = f" in {place}" if place else ""
    return f"past its deadline{where}" if ran_past_deadline(returncode, trace) else how + where


def told_crashes(crashes: Iterable[Crash]) -> str:
    """Return the story of too many crashes: how many in how long, then a line for each of the last ones."""
    crashes = tuple(crashes)
    many = f"{len(crashes)} crashes" if len(crashes) > 1 else "1 crash"
    first, last = crashes[0], crashes[-1]
    since_ns = first.at_ns - first.lived_ns
    lines = [f"{many} in {(last.at_ns - since_ns) / 1e9:.1f} s, so it is not started again:"]
    if len(crashes) > _MOST_LINES:
        lines.append("…")
    lines += [f"{crash.how}, after {crash.lived_ns / 1e9:.1f} s" for crash in crashes[-_MOST_LINES:]]
    return "\n".join(lines)
