"""Why the supervisor ends a back end, or does not start it again, in words."""

from collections.abc import Iterable

from camgraph.control.life import Crash
from camgraph.supervisor.stops import LOOK_EVERY_S, STUCK_LOOKS

STAYED_STOPPED = f"signal SIGKILL, since it was stopped for {STUCK_LOOKS * LOOK_EVERY_S:g} s"
_MOST_LINES = 20


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
