"""How a process that decodes says how many frames it has, when asked, without costing anything meanwhile."""

import json
import sys
from collections.abc import Sequence

from benchmarks.harness.asking import AskedProcess


def serve_counts(counts: Sequence[int]) -> None:
    """Answer each line on standard input with the counts as they are; return at its end."""
    for _ in sys.stdin:
        print(json.dumps(list(counts)), flush=True)


class CountingProcess(AskedProcess):
    """A child that serves its counts: ``python -m module arguments``. Owns the process."""

    patience_s = 0.0
    count_age_s = 0.0

    def __init__(self, module: str, arguments: Sequence[str], descriptors: Sequence[int] = ()) -> None:
        super().__init__([sys.executable, "-m", module, *arguments], descriptors=descriptors)
        self.pids = [self.pid]

    def counts(self) -> list[int]:
        """Return the counts; raise RunFailed with the child's last words if it has ended."""
        counts: list[int] = self.ask()
        return counts
