"""``python -m benchmarks [--quick] [family …]``: run families, print tables, write ``build/bench/*.json``."""

import argparse
import importlib
import os
import sys
import time
from pathlib import Path
from typing import cast

from rich.console import Console

from benchmarks.harness.rows import Row, write_rows
from benchmarks.harness.screen import print_rows, progress_bar
from benchmarks.harness.session import Family, Session

FAMILIES = {
    "ring": "benchmarks.ring.family",
    "ingest": "benchmarks.ingest.family",
    "start": "benchmarks.start.family",
    "wall": "benchmarks.wall.family",
    "latency": "benchmarks.latency.family",
    "scale": "benchmarks.scale.family",
    "messages": "benchmarks.messages.family",
    "native": "benchmarks.native.family",
    "present": "benchmarks.present.family",
    "compat": "benchmarks.compat.family",
}
RESULTS = Path(__file__).resolve().parents[1] / "build" / "bench"


def main(arguments: list[str]) -> int:
    """Run the families asked for; 0 unless something of ours could not be measured."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description="Measure camgraph and its peers."
    )
    parser.add_argument(
        "families", nargs="*", metavar="family", help=f"{', '.join(FAMILIES)}; all by default"
    )
    parser.add_argument(
        "--quick", action="store_true", help="fewer configurations: two minutes a family or less"
    )
    options = parser.parse_args(arguments)
    names = options.families or list(FAMILIES)
    if unknown := [name for name in names if name not in FAMILIES]:
        parser.error(f"no family is called {', '.join(unknown)}; choose from {', '.join(FAMILIES)}")
    # Else qtpy chooses, by what else is installed.
    os.environ.setdefault("QT_API", "pyside6")
    console = Console()
    rows: list[Row] = []
    for name in names:
        family = cast(Family, importlib.import_module(FAMILIES[name]))
        begin = time.monotonic()
        with progress_bar(console) as progress:
            family_rows = family.measure_rows(Session(name, quick=options.quick, progress=progress))
        path = RESULTS / f"{name}.json"
        write_rows(path, family_rows)
        print_rows(console, name, family_rows)
        took_s = time.monotonic() - begin
        console.print(f"{took_s:.0f} s; written to {path.relative_to(RESULTS.parents[1])}\n", highlight=False)
        rows += family_rows
    missed = [row.metric for row in rows if row.ok is False]
    reached = sum(row.ok is True for row in rows)
    console.print(
        f"Goals reached: {reached} of {reached + len(missed)}.", *map("Missed: {}".format, missed), sep="\n"
    )
    return 1 if any(row.ours is None for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
