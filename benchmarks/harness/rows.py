"""One figure of a benchmark: ours, the peers', the limit and the goal, as it is written to the JSON file."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

import msgspec

Relation = Literal["<=", "<", ">="]

NOTE_SEPARATOR = "; "
"""What stands between the parts of a note."""
_DIGITS = 5


class Goal(NamedTuple):
    """What an issue says must be reached: `relation` stands between the measured value and `value`."""

    value: float
    relation: Relation = "<="

    def met(self, measured: float) -> bool:
        """Return whether a measured value reaches the goal."""
        if self.relation == "<=":
            return measured <= self.value
        return measured < self.value if self.relation == "<" else measured >= self.value


class Row(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A figure, medians over `rounds` rounds. A peer that could not be measured is named in `note` instead.

    `goal` and `ok` are both null, with the reason in `note`, or both given. `ours` is null if it could not be
    measured; a goal is then missed. `repeated` is how many rounds were run again because the machine was
    disturbed.
    """

    metric: str
    unit: str
    ours: float | None
    peers: dict[str, float]
    limit: float | None
    goal: float | None
    ok: bool | None
    note: str
    rounds: int
    repeated: int

    def __post_init__(self) -> None:
        if (self.goal is None) != (self.ok is None):
            raise ValueError(f"{self.metric}: goal and ok are given together or not at all")
        if self.goal is None and not self.note:
            raise ValueError(f"{self.metric}: a row without a goal says why in its note")


def make_row(
    metric: str,
    unit: str,
    *,
    ours: float | None,
    peers: Mapping[str, float] | None = None,
    limit: float | None = None,
    goal: Goal | None = None,
    note: str = "",
    rounds: int,
    repeated: int = 0,
) -> Row:
    """Return a row; `ok` is computed here, from the value as it is printed, and nowhere else."""
    ours = None if ours is None else _rounded(ours)
    notes = [note] if note else []
    if goal is not None and goal.relation != "<=":
        notes.insert(0, f"the goal is {'below' if goal.relation == '<' else 'at least'} {goal.value:g}")
    return Row(
        metric=metric,
        unit=unit,
        ours=ours,
        peers={name: _rounded(value) for name, value in (peers or {}).items()},
        limit=None if limit is None else _rounded(limit),
        goal=None if goal is None else goal.value,
        ok=None if goal is None else ours is not None and goal.met(ours),
        note=NOTE_SEPARATOR.join(notes),
        rounds=rounds,
        repeated=repeated,
    )


def write_rows(path: Path, rows: Sequence[Row]) -> None:
    """Write rows as a JSON list; the directory is made if there is none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(msgspec.json.format(msgspec.json.encode(rows), indent=2) + b"\n")


def read_rows(path: Path) -> list[Row]:
    """Read what `write_rows` wrote; raise msgspec.ValidationError, with its path, for anything else."""
    return msgspec.json.decode(path.read_bytes(), type=list[Row])


def _rounded(value: float) -> float:
    return float(f"{value:.{_DIGITS}g}")
