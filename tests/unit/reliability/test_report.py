"""What is written of the rows: the names that are promised, and the page, which tells of every row."""

import json
from pathlib import Path

import pytest

from reliability.judging import Measured
from reliability.report import Result, write_json, write_page
from reliability.table import ROWS

PAGE = Path(__file__).parents[3] / "docs" / "reliability.md"
KEYS = [
    "fault",
    "noticed_s",
    "state",
    "reason",
    "recovered_s",
    "neighbour_lost",
    "process_replaced",
    "leaks",
    "ok",
]


def test_the_file_has_the_promised_names_and_a_computed_ok(tmp_path: Path) -> None:
    stalled = next(row for row in ROWS if row.fault == "silent mid-stream")
    good = Measured(noticed_s=2.0, state="stalled", reason="stalled", recovered_s=1.0)
    write_json(tmp_path / "faults.json", [Result(stalled, good), Result(stalled, Measured())])
    first, second = json.loads((tmp_path / "faults.json").read_text())
    assert list(first)[: len(KEYS)] == KEYS
    assert (first["ok"], second["ok"]) == (True, False)


def test_the_table_takes_the_place_of_the_one_before(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("a\n<!-- measured: faults -->\nold\n<!-- end -->\nz\n")
    write_page(page, [Result(ROWS[0], Measured())])
    text = page.read_text()
    assert "old" not in text
    assert f"| {ROWS[0].fault} |" in text
    assert text.endswith("<!-- end -->\nz\n")
    page.write_text("nothing")
    with pytest.raises(ValueError, match="no place"):
        write_page(page, [])


def test_no_two_rows_have_one_name() -> None:
    assert len({row.fault for row in ROWS}) == len(ROWS)


def test_the_page_tells_of_every_row() -> None:
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    assert [row.fault for row in ROWS if not any(line.startswith(f"| {row.fault} |") for line in lines)] == []
