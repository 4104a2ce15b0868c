"""The results as a table, as JSON, and as a part of the docs."""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from reliability.judging import Measured, reasons_against, recovered_within_s
from reliability.rows import Row

_MEASURED = re.compile(r"(<!-- measured: faults -->\n).*?(<!-- end -->)", re.DOTALL)
_HEADINGS = (
    "fault",
    "noticed, s",
    "allowed",
    "state, reason",
    "back, s",
    "allowed",
    "neighbour lost",
    "leaks",
    "",
)
_TO_THE_RIGHT = frozenset({1, 2, 4, 5, 6, 7})


class Result(NamedTuple):
    """A row, and what came of it."""

    row: Row
    measured: Measured
    repeated: bool = False
    """It was not ok at first, and the machine was too busy then."""

    @property
    def against(self) -> list[str]:
        """Why it is not ok; empty: it is."""
        return reasons_against(self.row, self.measured)

    @property
    def cells(self) -> tuple[str, ...]:
        """The row of a table, as in `_HEADINGS`."""
        row, measured = self.row, self.measured
        ends = row.ends or row.replaced
        return (
            row.fault,
            _seconds(measured.noticed_s),
            "" if not measured.reason and measured.state == "live" else f"{row.noticed_within_s:g}",
            " ".join((measured.state, measured.reason)).strip(),
            _seconds(measured.recovered_s),
            f"{recovered_within_s(measured.announced_s):.1f}" if ends else "",
            str(measured.neighbour_lost) + (" (process replaced)" if measured.process_replaced else ""),
            str(measured.leaks),
            "no" if self.against else "ok",
        )

    def plain(self) -> dict[str, Any]:
        """Return all of it as plain data."""
        row, measured = self.row, self.measured
        return {
            "fault": row.fault,
            "noticed_s": measured.noticed_s,
            "state": measured.state,
            "reason": measured.reason,
            "recovered_s": measured.recovered_s,
            "neighbour_lost": measured.neighbour_lost,
            "process_replaced": measured.process_replaced,
            "leaks": measured.leaks,
            "ok": not self.against,
            "against": self.against,
            "declared": {
                "state": row.state,
                "reason": row.reason,
                "noticed_within_s": row.noticed_within_s,
                "ends": row.ends,
                "lasts_s": row.lasts_s,
                "options": dict(row.options),
                "transport": row.transport,
                "goes_on_by": row.goes_on_by,
                "process_replaced": row.replaced,
                "overcomes": row.overcomes,
                "pictures_within_s": row.pictures_within_s,
            },
            "transport": measured.transport,
            "announced_s": measured.announced_s,
            "process_ended": measured.process_ended,
            "stayed": measured.stayed,
            "pictures_s": measured.pictures_s,
            "waits_s": measured.waits_s,
            "smeared": measured.smeared,
            "neighbour_dropped": measured.neighbour_dropped,
            "late_s": measured.late_s,
            "repeated": self.repeated,
            "leaked": measured.leaked,
        }


def print_results(console: Console, results: Sequence[Result]) -> None:
    """Print all rows as a table, and what is against some below it."""
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for number, heading in enumerate(_HEADINGS):
        table.add_column(heading, justify="right" if number in _TO_THE_RIGHT else "left", overflow="fold")
    for result in results:
        *cells, ok = map(escape, result.cells)
        table.add_row(*cells, f"[red]{ok}[/red]" if result.against else f"[green]{ok}[/green]")
    console.print(table)
    for result in results:
        if result.against:
            console.print(f"{result.row.fault}: {'; '.join(result.against)}", markup=False, highlight=False)


def write_json(path: Path, results: Sequence[Result]) -> None:
    """Write all rows to a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps([result.plain() for result in results], indent=1) + "\n", encoding="utf-8")


def write_page(path: Path, results: Sequence[Result]) -> None:
    """Put the table into its place in a page of the docs."""
    lines = [_HEADINGS, ["---:" if number in _TO_THE_RIGHT else "---" for number in range(len(_HEADINGS))]]
    lines += [result.cells for result in results]
    table = "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
    page, count = _MEASURED.subn(
        lambda part: f"{part[1]}{table}\n{part[2]}", path.read_text(encoding="utf-8")
    )
    if count != 1:
        raise ValueError(f"{path} has no place for the table")
    path.write_text(page, encoding="utf-8")


def _seconds(value: float | None) -> str:
    return "" if value is None else f"{value:.1f}"
