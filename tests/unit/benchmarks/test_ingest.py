from collections.abc import Callable
from contextlib import ExitStack

import pytest

from benchmarks.ingest.counting import CountingProcess
from benchmarks.ingest.family import QUICK_WORKS, WORKS
from benchmarks.ingest.works import Work
from camgraph.testing.cameras import Cameras
from camgraph.testing.waiting import wait_until


@pytest.mark.parametrize(
    ("work", "label", "fps"),
    [
        (Work(16), "16 × 720p25", 25),
        (Work(4, size=(1920, 1080)), "4 × 1080p25", 25),
        (Work(8, codec="h265"), "8 × 720p25 H.265", 25),
        (Work(8, transport="udp"), "8 × 720p25 by UDP", 25),
        (Work(16, "keyframes"), "16 × 720p25 keyframes only", 1),
        (Work(64, "receive"), "64 × 720p25 received only", 25),
    ],
)
def test_rows_tell_what_was_received_and_how_much_is_expected(work: Work, label: str, fps: float) -> None:
    assert (work.label, work.fps) == (label, fps)


def test_rows_have_names_of_their_own_and_the_quick_set_is_a_part() -> None:
    assert len({work.label for work in WORKS}) == len(WORKS)
    assert set(QUICK_WORKS) < set(WORKS)


def test_the_limit_decodes_keyframes_alone() -> None:
    with Cameras(count=1, size=(320, 180)) as cameras, ExitStack() as running:

        def counts(kind: str) -> Callable[[], int]:
            arguments = [f"--kind={kind}", *cameras.urls]
            process = CountingProcess("benchmarks.ingest.pyav_threads", arguments)
            running.callback(process.close)
            return lambda: process.counts()[0]

        received, keyframes = counts("receive"), counts("keyframes")
        wait_until(lambda: keyframes() > 0 and received() > 0, what="a picture of both")
        before, alone_before = received(), keyframes()
        wait_until(lambda: received() >= before + 30, what="30 pictures more")
        alone, came = keyframes() - alone_before, received() - before
        assert 1 <= alone < came / 5
