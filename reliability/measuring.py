"""``python -m reliability.measuring ROW``: one row, measured; prints a line of JSON."""

import os
import sys
import time
from collections import Counter
from dataclasses import replace
from itertools import pairwise

import msgspec

from camgraph.testing.watching import CLIP_FRAMES, Seen
from reliability.census import growth, holdings, users_of
from reliability.judging import Measured, recovered_within_s, tolerated
from reliability.lateness import Lateness
from reliability.names import in_own_view
from reliability.rows import Row
from reliability.scene import NEIGHBOUR, Scene, Told, wait_for
from reliability.table import ROWS

PATIENCE_S = 10.0
"""What is late is waited for so much longer than allowed, so that the table tells how late it was."""
_AHEAD_S = 0.3
"""The next attempt is at least so far away when the fault ends: none is under way that meets both."""
_SETTLED_WITHIN_S = 25.0
_GONE_WITHIN_S = 3.0
_WAITS = ("backing_off", "unauthorized", "not_found", "unsupported")
_IN_OWN_VIEW = "CAMGRAPH_FAULTS_OWN_VIEW"


def measure(row: Row) -> Measured:
    """Run a row from its beginning to its end."""
    own = holdings(os.getpid())
    with Lateness() as lateness, Scene(row) as scene:
        try:
            measured = _suffer(scene)
        except (AssertionError, RuntimeError, OSError, LookupError) as error:
            measured = Measured(error=f"{type(error).__name__}: {error}")
        site = scene.site_name

    def left() -> list[str]:
        return [*growth(own, holdings(os.getpid())), *users_of(site)]

    wait_for(lambda: not left(), _GONE_WITHIN_S)
    return _with_leaks(replace(measured, late_s=lateness.worst_s), left())


def _suffer(scene: Scene) -> Measured:
    row, before, first = scene.row, scene.holdings(), time.monotonic()
    scene.begin()
    noticed = None if tolerated(row) else _notice(scene)
    remaining_s = scene.begun + row.lasts_s - time.monotonic()
    wait_for(lambda: time.monotonic() >= scene.begun + row.lasts_s, max(0.0, remaining_s) + 1)
    now = noticed if noticed is not None and (row.overcomes or row.replaced) else _state(scene)
    pictures = scene.victim.verified_after(scene.begun)
    measured = Measured(
        noticed_s=None if noticed is None else noticed.at - scene.begun,
        state=now.status.state,
        reason=now.status.reason,
        transport=scene.transport(),
        stayed=scene.site.streams[scene.subject].status.state if row.overcomes else "",
        pictures_s=None if pictures is None else pictures.at - scene.begun,
        waits_s=_waits(scene),
    )
    if row.replaced:
        measured = _after_replacing(scene, measured)
    elif row.ends:
        row.harm.end(scene)
        measured = _after_end(scene, measured)
    measured = replace(
        measured,
        smeared=sum(not seen.ok for seen in scene.victim.since(scene.begun)),
        neighbour_lost=lost(scene.neighbour.since(first)),
        process_replaced=scene.pid_of(NEIGHBOUR) != scene.media_pid,
        neighbour_dropped=scene.dropped(NEIGHBOUR),
        process_ended=scene.process_of(NEIGHBOUR).last_exit,
    )
    return _with_leaks(measured, _leaks(scene, before))


def _notice(scene: Scene) -> Told | None:
    """Wait until the stream says what it is to say."""
    row = scene.row

    def found() -> Told | None:
        return next((told for told in scene.told() if told.is_for(row.state, row.reason)), None)

    wait_for(found, row.noticed_within_s + PATIENCE_S)
    return found()


def _state(scene: Scene) -> Told:
    """Return what the stream says while the fault lasts.

    Where it is to stay live, that is the first word that says otherwise. Where it is to wait between
    attempts, it does so when this returns, for some time yet.
    """
    row = scene.row

    def now() -> Told:
        return Told(time.monotonic(), scene.site.streams[scene.subject].status)

    if tolerated(row):
        return next((told for told in scene.told() if not told.is_for(row.state, row.reason)), now())
    wait_for(lambda: _is_settled(row, now()), _SETTLED_WITHIN_S)
    return now()


def _is_settled(row: Row, told: Told) -> bool:
    ahead_s = told.next_attempt_s - time.monotonic()
    return told.is_for(row.state, row.reason) and (row.state not in _WAITS or ahead_s >= _AHEAD_S)


def _waits(scene: Scene) -> tuple[float, ...]:
    """Return the delays that were announced, one for each attempt."""
    row = scene.row
    found = {
        told.next_attempt_s: told.next_attempt_s - told.at
        for told in reversed(scene.told())
        if told.is_for(row.state, row.reason) and told.next_attempt_s
    }
    return tuple(found[at] for at in sorted(found))[: len(row.waits_s)]


def _after_end(scene: Scene, measured: Measured) -> Measured:
    ended = time.monotonic()
    now = Told(ended, scene.site.streams[scene.subject].status)
    announced_s = max(0.0, now.next_attempt_s - ended)
    wait_for(lambda: scene.victim.verified_after(ended), recovered_within_s(announced_s) + PATIENCE_S)
    back = scene.victim.verified_after(ended)
    return replace(measured, announced_s=announced_s, recovered_s=None if back is None else back.at - ended)


def _after_replacing(scene: Scene, measured: Measured) -> Measured:
    """The neighbour is to come back from the moment on at which the media process was ended."""
    ended = next((told.at for told in scene.told(NEIGHBOUR) if told.status.state != "live"), 0.0)
    if not ended:
        return measured
    wait_for(lambda: scene.neighbour.verified_after(ended), recovered_within_s(0.0) + PATIENCE_S)
    back = scene.neighbour.verified_after(ended)
    scene.row.harm.end(scene)
    return replace(measured, recovered_s=None if back is None else back.at - ended)


def lost(frames: list[Seen]) -> int:
    """Return how many frames are missing, by the numbers in the pictures; unreadable ones are missing."""
    readable = [seen for seen in frames if seen.ok]
    return sum((two.number - one.number - 1) % CLIP_FRAMES for one, two in pairwise(readable))


def _leaks(scene: Scene, before: Counter[str]) -> list[str]:
    def left() -> list[str]:
        return growth(before, scene.holdings())

    wait_for(lambda: not left(), scene.row.settles_s)
    return left()


def _with_leaks(measured: Measured, leaked: list[str]) -> Measured:
    leaked = [*measured.leaked, *leaked]
    return replace(measured, leaks=len(leaked), leaked=tuple(leaked))


def main(arguments: list[str]) -> int:
    """Measure the row that is named, in a view of the files of its own if it needs one."""
    row = next(row for row in ROWS if row.fault == arguments[0])
    if row.named and _IN_OWN_VIEW not in os.environ:
        os.environ[_IN_OWN_VIEW] = "1"
        command = in_own_view([sys.executable, "-m", "reliability.measuring", row.fault])
        os.execvp(command[0], command)
    sys.stdout.buffer.write(msgspec.json.encode(measure(row)) + b"\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
