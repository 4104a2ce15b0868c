from contextlib import closing
from functools import partial

import pytest
from tests.real.camera_on_screen import camera_shown

from benchmarks.harness.rounds import Attempt, Contender, Measured, Run
from benchmarks.harness.xserver import xserver
from benchmarks.present import family, sdl_windows
from benchmarks.present.players import FFPLAY, MPV
from benchmarks.present.runs import bare, player, program, run_reading, run_windows
from benchmarks.present.windows import Layout, windows
from camgraph.testing.cameras import Cameras
from camgraph.testing.screens import pixels_of
from camgraph.testing.waiting import wait_until

LAYOUT = Layout(2, 320, 180)


def never(window_s: float) -> Run:
    raise AssertionError


def drawn(window_ms: float, frame_ms: float) -> Run:
    parts = {"x_ms": 0.1, "client_ms": window_ms - 0.1, "cores": frame_ms / 10, "fps": 25.0}
    return Run(parts | {"window_ms": window_ms, "frame_ms": frame_ms})


def test_rows_of_windows_tell_client_and_server_by_themselves() -> None:
    runs = {
        family.OURS: drawn(0.3, 1.5),
        family.BARE: drawn(0.2, 0.2),
        family.READ: Run({"frame_ms": 1.25}),
        family.DECODED: Run({"frame_ms": 0.7}),
        family.SDL: drawn(0.28, 1.45),
        "mpv --wid": drawn(1.9, 1.9),
    }
    contenders = [
        Contender(family.OURS, "ours", never),
        *(Contender(name, "limit", never) for name in (family.BARE, family.READ, family.DECODED)),
        *(Contender(name, "peer", never) for name in (family.SDL, "mpv --wid")),
    ]
    rows = {
        row.metric.partition(", 4 windows")[0]: row
        for row in family.each_rows(Measured(contenders, [Attempt(runs)] * 3, [], 0))
    }
    goal = rows["CPU a shown frame, client and X server"]
    assert (goal.ours, goal.limit, goal.peers, goal.ok) == (0.3, 0.2, {family.SDL: 0.28}, True)
    beyond = rows["CPU a shown frame beyond reading"]
    assert (beyond.ours, beyond.limit, beyond.peers) == (0.25, None, {family.SDL: 0.2})
    whole = rows["CPU a shown frame in all"]
    assert (whole.ours, whole.limit, whole.peers["mpv --wid"]) == (1.5, 0.7, 1.9)
    quick = Measured(contenders[:1], [Attempt({family.OURS: runs[family.OURS]})] * 3, [], 0)
    assert len(family.each_rows(quick)) == len(rows) - 2


def test_one_stream_in_many_windows_is_a_share_of_many_streams() -> None:
    runs = {family.OURS: drawn(0.03, 0.6), family.EACH: drawn(0.14, 8.0), family.BARE: drawn(0.02, 0.2)}
    contenders = [
        Contender(family.OURS, "ours", never),
        Contender(family.EACH, "peer", never),
        Contender(family.BARE, "limit", never),
    ]
    share, cores, *_ = family.many_rows(Measured(contenders, [Attempt(runs)] * 3, [], 0))
    assert (share.ours, share.limit, share.peers, share.ok) == (7.5, 2.5, {}, True)
    assert (cores.ours, cores.peers) == (0.06, {family.EACH: 0.8})


@pytest.fixture(scope="module")
def cameras():
    with Cameras(count=2, size=LAYOUT.size) as cameras:
        yield cameras


@pytest.mark.parametrize(
    ("start", "there"),
    [
        (program("benchmarks.present.program"), True),
        (program("benchmarks.present.sdl_windows"), sdl_windows.available()),
        (player(MPV), MPV.available),
        (player(FFPLAY), FFPLAY.available),
    ],
    ids=["ours", "SDL2", "mpv", "ffplay"],
)
def test_each_camera_is_seen_in_its_window(cameras, start, there) -> None:
    if not there:
        pytest.skip("the peer is not installed")
    with (
        xserver(size_px=LAYOUT.screen_px) as x,
        windows(x, LAYOUT) as ids,
        closing(start(cameras.urls, ids, LAYOUT, x)) as shows,
    ):
        wait_until(lambda: min(shows.counts()) > 0, 20, "frames in every window")

        def seen() -> list[int | None]:
            pixels = pixels_of(x.display, *LAYOUT.screen_px)
            return [camera_shown(pixels[:, left : left + LAYOUT.width]) for left, _ in LAYOUT.places]

        wait_until(lambda: seen() == [1, 2], 10, "both cameras")


def test_what_is_drawn_and_read_is_measured(cameras) -> None:
    measure = partial(run_windows, layout=LAYOUT, camera_pid=cameras.pid, window_s=0.4)
    one = measure(program("benchmarks.present.program"), cameras.urls[:1]).values
    assert one["fps"] == pytest.approx(25, abs=4)
    assert 0 < one["client_ms"] < one["frame_ms"]
    assert one["window_ms"] == pytest.approx(one["client_ms"] + one["x_ms"])
    limit = measure(bare, cameras.urls).values
    assert limit["fps"] == pytest.approx(25, abs=4)
    assert 0 < limit["x_ms"] < limit["window_ms"]
    read = run_reading(cameras.urls, LAYOUT, cameras.pid, 0.4)
    assert read.values["frame_ms"] > 0
