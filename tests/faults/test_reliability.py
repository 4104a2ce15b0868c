"""Rows of the fault table, as `make faults` measures them: one that is noticed, one that nobody notices."""

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from reliability.judging import Measured, reasons_against
from reliability.table import ROWS

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("fault", ["SIGSTOP of the camera", "no marker bits"])
def test_a_row_is_measured_and_ok(fault: str) -> None:
    row = next(row for row in ROWS if row.fault == fault)
    done = subprocess.run(
        [sys.executable, "-m", "reliability.measuring", fault], cwd=ROOT, capture_output=True, timeout=50
    )
    assert done.returncode == 0, done.stderr.decode()
    assert reasons_against(row, msgspec.json.decode(done.stdout, type=Measured)) == []
