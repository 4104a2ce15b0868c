"""The kernel kills a child for memory, in a real control group: that is said, and it is not tried at once."""

import json
import signal
import subprocess
import sys
from pathlib import Path

from tests.small_cgroup import SmallCgroup

from camgraph.base.oom import OUT_OF_MEMORY
from camgraph.control.life import OUT_OF_MEMORY_BACK_OFF_S

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


def fill_rings(how: str) -> subprocess.CompletedProcess[bytes]:
    with SmallCgroup(2 * LIMIT_BYTES) as group:
        return subprocess.run(
            group.command([sys.executable, "-m", "tests.faults.ring_memory_program", how]),
            cwd=ROOT,
            stdout=subprocess.PIPE,
            timeout=40,
        )


def test_a_ring_that_does_not_fit_is_refused_and_the_others_play_on() -> None:
    done = fill_rings("asking")
    assert done.returncode == 0
    rings, refused = json.loads(done.stdout)
    # A ring takes 29 MB; the program itself 40, and 32 are kept for what nobody can foresee.
    assert 2 <= rings <= 5
    assert "of this container's limit of 192 MiB: ask for smaller pictures" in refused
    # And that was not too careful by far: whoever doesn't ask is killed.
    assert fill_rings("rashly").returncode == -signal.SIGKILL
