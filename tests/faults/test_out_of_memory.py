"""The kernel kills a child for memory, in a real control group: that is said, and it is not tried at once."""

import json
import subprocess
import sys
from pathlib import Path

from tests.small_cgroup import SmallCgroup

from camgraph.supervisor.life import OUT_OF_MEMORY_BACK_OFF_S
from camgraph.supervisor.oom import OUT_OF_MEMORY

ROOT = Path(__file__).parents[2]
LIMIT_BYTES = 96 << 20


def how_they_end(*ends: str) -> list[tuple[str, float]]:
    with SmallCgroup(LIMIT_BYTES) as group:
        told = subprocess.run(
            group.command([sys.executable, "-m", "tests.faults.oom_program", *ends]),
            cwd=ROOT,
            check=True,
            stdout=subprocess.PIPE,
            timeout=40,
        ).stdout
    return [tuple(json.loads(line)) for line in told.splitlines()]


def test_one_that_the_kernel_killed_is_told_from_one_that_somebody_killed() -> None:
    ends = how_they_end("killed", "eats", "killed", "eats", "eats", "killed")
    assert [how for how, _ in ends] == [
        "signal SIGKILL",
        OUT_OF_MEMORY,
        "signal SIGKILL",
        OUT_OF_MEMORY,
        OUT_OF_MEMORY,
        "signal SIGKILL",
    ]
    for how, delay_s in ends:
        assert how != OUT_OF_MEMORY or delay_s > OUT_OF_MEMORY_BACK_OFF_S - 0.1
