"""Rounds of interleaved runs, and when one is run again."""

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from benchmarks.harness.rows import NOTE_SEPARATOR, Goal, Row, make_row

Role = Literal["ours", "peer", "limit"]

ROUNDS = 3
MAX_REPEATS = 2
WINDOW_S = 5.0


class RunFailed(Exception):
    """A contender could not be measured; the text says why and, if there is one, the remedy."""


@dataclass(frozen=True)
class Run:
    """What one contender measured in one window, and how many cores were busy with other things meanwhile."""

    values: Mapping[str, float]
    other_cores: float = 0.0


@dataclass(frozen=True)
class Contender:
    """Somebody who does the measured work. `run(window_s)` warms up, measures for `window_s` at least, ends
    all it has started, and raises RunFailed if it can't.
    """

    name: str
    role: Role
    run: Callable[[float], Run]


@dataclass(frozen=True)
class Attempt:
    """One pass over all contenders. `failures` says why some have no run."""

    runs: Mapping[str, Run]
    failures: Mapping[str, str] = field(default_factory=dict)

    @property
    def other_cores(self) -> float:
        """The most that any run saw of the machine's other load."""
        return max((run.other_cores for run in self.runs.values()), default=0.0)


@dataclass(frozen=True)
class Calm:
    """What a calm machine looks like. `limit` names the limit's run and the value of it that is watched."""

    other_cores: float = 0.2
    limit: tuple[str, str] | None = None
    limit_ratio: float = 1.2

    def disturbance(self, attempt: Attempt, all_attempts: Sequence[Attempt]) -> str:
        """Return what shows that an attempt was disturbed, or an empty string; a failed run does.

        The limit is compared with its best value of all attempts, so that a slow first round is found out
        once a better one is there.
        """
        if attempt.other_cores > self.other_cores:
            return f"{attempt.other_cores:.2f} cores busy with other things"
        if attempt.failures:
            return f"no value of {', '.join(attempt.failures)}"
        own, best = self._limit(attempt), min(map(self._limit, all_attempts))
        if own > best * self.limit_ratio:
            return f"the limit was {own / best:.2f} times its best"
        return ""

    def _limit(self, attempt: Attempt) -> float:
        if self.limit is None or self.limit[0] not in attempt.runs:
            return float("inf")
        return attempt.runs[self.limit[0]].values[self.limit[1]]


class Schedule:
    """Which round comes next: a disturbed one is repeated, `MAX_REPEATS` times at most, and none is dropped.

    Knows no clock: `may_repeat` says whether there is time for a repetition.
    """

    def __init__(self, rounds: int, calm: Calm, may_repeat: Callable[[], bool] = lambda: True) -> None:
        self._attempts: list[list[Attempt]] = [[] for _ in range(rounds)]
        self._calm = calm
        self._may_repeat = may_repeat
        self.out_of_time = False
        """Whether a disturbed round was not repeated because there was no time."""

    def next_round(self) -> int | None:
        """Return the round to run now, None when all are done."""
        for index, attempts in enumerate(self._attempts):
            if not attempts:
                return index
            if len(attempts) <= MAX_REPEATS and self._disturbance(attempts[-1]):
                if self._may_repeat():
                    return index
                self.out_of_time = True
        return None

    def record(self, index: int, attempt: Attempt) -> None:
        """Keep what a round gave."""
        self._attempts[index].append(attempt)

    def chosen(self) -> list[Attempt]:
        """Return one attempt per round: the calm one, or the most complete with the least other load."""
        return [
            min(attempts, key=lambda a: (bool(self._disturbance(a)), len(a.failures), a.other_cores))
            for attempts in self._attempts
        ]

    def all_attempts(self) -> list[Attempt]:
        """Return what every run gave, repetitions included."""
        return [attempt for attempts in self._attempts for attempt in attempts]

    @property
    def repeated(self) -> int:
        """How many times a round was run again."""
        return sum(len(attempts) - 1 for attempts in self._attempts)

    def still_disturbed(self) -> list[str]:
        """Return what disturbed the chosen attempts that were not calm."""
        return [reason for attempt in self.chosen() if (reason := self._disturbance(attempt))]

    def _disturbance(self, attempt: Attempt) -> str:
        return self._calm.disturbance(attempt, self.all_attempts())


@dataclass(frozen=True)
class Measured:
    """What the rounds gave, and the way to rows."""

    contenders: Sequence[Contender]
    attempts: Sequence[Attempt]
    """One of each round."""
    all_attempts: Sequence[Attempt]
    repeated: int
    remarks: Sequence[str] = ()

    def median(self, name: str, value: "Value") -> float | None:
        """Return the median of a value over the rounds; None if the contender failed in one of them."""
        values = [value(attempt.runs, name) if name in attempt.runs else None for attempt in self.attempts]
        return None if None in values else statistics.median(v for v in values if v is not None)

    def row(self, metric: str, unit: str, value: "Value", *, goal: Goal | None = None, note: str = "") -> Row:
        """Return the row of a value: a function of a round's runs and a contender's name, None where the
        contender has no such value.
        """
        medians = {c.name: self.median(c.name, value) for c in self.contenders}
        by_role: dict[Role, dict[str, float]] = {"ours": {}, "peer": {}, "limit": {}}
        for contender in self.contenders:
            if (median := medians[contender.name]) is not None:
                by_role[contender.role][contender.name] = median
        return make_row(
            metric,
            unit,
            ours=next(iter(by_role["ours"].values()), None),
            peers=by_role["peer"],
            limit=next(iter(by_role["limit"].values()), None),
            goal=goal,
            note=NOTE_SEPARATOR.join(filter(None, [note, *self.remarks])),
            rounds=len(self.attempts),
            repeated=self.repeated,
        )


Value = Callable[[Mapping[str, Run], str], float | None]


def key(name: str) -> Value:
    """Return the value of that name; contenders that don't measure it have none."""
    return lambda runs, contender: runs[contender].values.get(name)


def ratio(name: str, base: str) -> Value:
    """Return the value of that name divided by the one of the contender `base` in the same round."""

    def value(runs: Mapping[str, Run], contender: str) -> float | None:
        if base not in runs or name not in runs[contender].values:
            return None
        return runs[contender].values[name] / runs[base].values[name]

    return value


def measure(
    contenders: Sequence[Contender],
    *,
    calm: Calm,
    missing: Mapping[str, str] | None = None,
    rounds: int = ROUNDS,
    window_s: float = WINDOW_S,
    may_repeat: Callable[[], bool] = lambda: True,
    on_run: Callable[[str, bool], None] = lambda text, again: None,
) -> Measured:
    """Run all contenders in interleaved rounds, each round in another order, and return what they gave.

    A contender that fails in every attempt of a round has no values, and is not run any more. `missing`
    names peers that can't run at all, with the remedy. `on_run(text, again)` is told what is about to run,
    and whether it is a repetition.
    """
    schedule = Schedule(rounds, calm, may_repeat)
    failed: dict[str, list[str]] = {contender.name: [] for contender in contenders}
    seen: set[int] = set()
    while (index := schedule.next_round()) is not None:
        runs: dict[str, Run] = {}
        failures: dict[str, str] = {}
        shift = index % len(contenders)
        for contender in [*contenders[shift:], *contenders[:shift]]:
            if len(failed[contender.name]) > MAX_REPEATS:
                continue
            on_run(f"round {index + 1}: {contender.name}", index in seen)
            try:
                runs[contender.name] = contender.run(window_s)
                failed[contender.name].clear()
            except RunFailed as error:
                failures[contender.name] = str(error)
                failed[contender.name].append(str(error))
        schedule.record(index, Attempt(runs, failures))
        seen.add(index)
    remarks = [f"{name} is missing: {text}" for name, text in (missing or {}).items()]
    chosen = schedule.chosen()
    reasons = {name: text for attempt in schedule.all_attempts() for name, text in attempt.failures.items()}
    remarks += [
        f"{name} failed: {t}" for name, t in reasons.items() if any(name not in a.runs for a in chosen)
    ]
    if disturbed := schedule.still_disturbed():
        why = " and there was no time to repeat them again" if schedule.out_of_time else ""
        remarks.append(f"{len(disturbed)} of {rounds} rounds were disturbed ({', '.join(disturbed)}){why}")
    return Measured(contenders, chosen, schedule.all_attempts(), schedule.repeated, remarks)
