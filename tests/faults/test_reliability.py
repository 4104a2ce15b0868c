"""Rows of the fault table, as `make faults` measures them: one that is noticed, one that nobody notices."""

from rich.console import Console

from reliability.__main__ import measure_rows
from reliability.table import ROWS


def test_rows_are_measured_side_by_side_and_ok() -> None:
    rows = [row for row in ROWS if row.fault in ("SIGSTOP of the camera", "no marker bits")]
    results = measure_rows(rows, 2, Console(quiet=True))
    assert [(result.row.fault, result.against) for result in results] == [(row.fault, []) for row in rows]
