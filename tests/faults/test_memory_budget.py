"""A site in a real control group with little memory: what does not fit is refused, the rest plays on."""

import json
import subprocess
import sys
from pathlib import Path

from tests.small_cgroup import SmallCgroup

from camgraph.testing.cameras import Cameras

PROGRAM = Path(__file__).with_name("memory_program.py")
LIMIT_BYTES = 400 << 20


def test_a_ring_over_the_budget_is_refused_and_the_others_play_on() -> None:
    with Cameras(count=2, size=(640, 360)) as cameras, SmallCgroup(LIMIT_BYTES) as group:
        done = subprocess.run(
            group.command([sys.executable, str(PROGRAM), *cameras.urls]),
            capture_output=True,
            timeout=50,
        )
    assert done.returncode == 0, done.stderr.decode()
    told = json.loads(done.stdout)
    assert told["large"] >= 1
    assert "of this container's limit of 400 MiB: ask for smaller pictures" in told["refused"]
    assert told["states"] == ["live", "live"]
    assert told["starts"] == [1]
    assert told["same_processes"]
    assert all(late_ms > -1000 for late_ms in told["others_ms"])
