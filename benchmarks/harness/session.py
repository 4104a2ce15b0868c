"""One call of ``python -m benchmarks``: what a family is given to run in."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from rich.progress import Progress, TaskID

from benchmarks.harness.rounds import ROUNDS, Calm, Contender, Measured, measure
from benchmarks.harness.rows import Row

QUICK_S, LONGEST_S = 75.0, 900.0
"""A disturbed round is repeated only if the family is done by then: with ``--quick``, and else."""
_RESERVE_S = 4.0


class Family(Protocol):
    """A module of benchmarks that belong together; its name is that of the JSON file."""

    def measure_rows(self, session: "Session") -> list[Row]:
        """Run all configurations, fewer with `session.quick`, and return the rows."""
        ...


class Session:
    """Runs the contenders of one family, shows how far it is, and keeps ``--quick`` short."""

    def __init__(
        self, family: str, *, quick: bool, progress: Progress, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.quick = quick
        self._clock = clock
        self._progress = progress
        self._task: TaskID = progress.add_task("getting ready", family=family, total=1)
        self._begin = clock()
        self._planned = 0
        self._started = 0
        self._repeated = 0

    def plan(self, contenders: int, configurations: int = 1) -> None:
        """Say how many contenders the family will measure in how many configurations."""
        self._planned = contenders * configurations * ROUNDS
        self._progress.update(self._task, total=self._planned)

    def say(self, text: str) -> None:
        """Show what is going on between runs."""
        self._progress.update(self._task, description=text)

    def measure(
        self,
        contenders: Sequence[Contender],
        *,
        calm: Calm,
        what: str,
        missing: Mapping[str, str] | None = None,
    ) -> Measured:
        """Measure contenders in rounds; see `benchmarks.harness.rounds.measure`."""

        def on_run(text: str, again: bool) -> None:
            self._progress.update(
                self._task,
                description=f"{what}, {text}{' again' if again else ''}",
                completed=self._started,
                total=self._planned + self._repeated + again,
            )
            self._started += 1
            self._repeated += again

        return measure(
            contenders,
            calm=calm,
            missing=missing,
            may_repeat=lambda: self._may_repeat(len(contenders)),
            on_run=on_run,
        )

    def _may_repeat(self, runs: int) -> bool:
        """Return whether that many runs more fit into the time, with all that is planned."""
        elapsed_s = self._clock() - self._begin
        run_s = elapsed_s / max(1, self._started)
        to_come = self._planned - (self._started - self._repeated)
        return elapsed_s + run_s * (to_come + runs) <= (QUICK_S if self.quick else LONGEST_S) - _RESERVE_S
