import sys

import pytest

from benchmarks.harness.rounds import Attempt, Contender, Measured, Run, RunFailed
from benchmarks.native import family
from benchmarks.native.runs import figures_of, run_analysis
from camgraph.testing.cameras import Cameras

TOLD = """\
camera-1: received 20, lost 0, epoch 5, change 1.00, CPU 0.001 s
camera-2: received 10, lost 1, epoch 5, change 1.00, CPU 0.001 s
camera-1: received 45, lost 0, epoch 5, change 1.00, CPU 0.002 s
camera-2: received 34, lost 1, epoch 5, change 1.00, CPU 0.002 s
camera-2: received 58, lost 1, epoch 5, change 1.00, CPU 0.003 s
camera-1: received 70, lost 0, epoch 5, change 1.00, CPU 0.003 s
camera-1: received 75, lost 1, epoch 5, change 1.00, CPU 0.003 s
camera-2: received 61, lost 3, epoch 5, change 1.00, CPU 0.003 s
CPU of all: 0.006 s
"""


def never(window_s: float) -> Run:
    raise AssertionError


def test_frames_are_counted_by_the_lines_of_a_program() -> None:
    assert figures_of(TOLD, ["camera-1", "camera-2"]) == {"fps": 24.5, "lost": 4}
    with pytest.raises(RunFailed, match="too little"):
        figures_of(TOLD, ["camera-1", "camera-2", "camera-3"])


def test_frames_lost_in_any_run_are_told() -> None:
    attempts = [
        Attempt({name: Run({"lost": lost, "cpu_percent": 1.0, "fps": 25.0}) for name in ("C++", "Python")})
        for lost in (0.0, 2.0, 0.0)
    ]
    contenders = [Contender("C++", "ours", never), Contender("Python", "peer", never)]
    lost, cpu, fps = family.make_rows(Measured(contenders, attempts, attempts, 0))
    assert (lost.ours, lost.peers, lost.ok) == (2, {"Python": 2}, False)
    assert (cpu.ours, fps.peers) == (1, {"Python": 25})


def test_a_program_that_joins_a_site_has_all_its_frames() -> None:
    with Cameras(count=1, size=(320, 180)) as cameras:
        run = run_analysis(
            [sys.executable, "-m", "benchmarks.native.analyse"], cameras.urls, cameras.pid, 1.0
        )
    assert run.values["lost"] == 0
    assert run.values["fps"] == pytest.approx(25, abs=2)
    assert 0 < run.values["cpu_percent"] < 100


def test_a_program_that_fails_is_told_by_its_last_words() -> None:
    command = [sys.executable, "-c", "raise SystemExit('no such thing')"]
    with Cameras(count=1, size=(320, 180)) as cameras:
        urls, pid = cameras.urls, cameras.pid
        with pytest.raises(RunFailed, match="no such thing"):
            run_analysis(command, urls, pid, 1.0)
