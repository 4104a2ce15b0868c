from benchmarks.harness.rounds import Attempt, Contender, Measured, Run
from benchmarks.harness.windows import columns_of, places_of
from benchmarks.scale import family as scale
from benchmarks.wall import family as wall
from benchmarks.wall.gstreamer import rendered

SAID = b"""\
Setting pipeline to PLAYING ...
/GstPipeline:pipeline0/GstFPSDisplaySink:tile1: last-message = rendered: 2, dropped: 0, current: 24.9
/GstPipeline:pipeline0/GstFPSDisplaySink:tile10: last-message = rendered: 5, dropped: 0, current: 25.1
/GstPipeline:pipeline0/GstFPSDisplaySink:tile1: last-message = rendered: 31, dropped: 1, current: 25.0
"""


def never(window_s: float) -> Run:
    raise AssertionError


def test_tiles_lie_in_a_grid_without_gaps() -> None:
    assert [columns_of(tiles) for tiles in (1, 4, 5, 16, 36)] == [1, 2, 3, 4, 6]
    assert places_of(5, 320, 180) == [(0, 0), (320, 0), (640, 0), (0, 180), (320, 180)]


def test_what_gstreamer_says_last_of_each_tile_counts() -> None:
    assert rendered(SAID, 11) == [0, 31, *[0] * 8, 5]
    assert rendered(b"", 2) == [0, 0]


def test_rows_of_a_wall_tell_what_is_beyond_decoding() -> None:
    runs = {
        "camgraph": Run(
            {"frame_ms": 2.4, "x_ms": 0.2, "program_ms": 0.5, "media_ms": 1.6, "cores": 0.24, "fps": 25.0}
            | {"late_p50_ms": 0.1, "late_p99_ms": 1.5}
        ),
        "PyAV decode": Run({"frame_ms": 1.2, "cores": 0.12}),
        "read natively": Run({"media_ms": 1.4, "cores": 0.1}),
        "read converted": Run({"media_ms": 2.0, "cores": 0.2}),
        "GStreamer": Run({"frame_ms": 2.0, "x_ms": 0.2, "program_ms": 1.8, "cores": 0.2, "fps": 25.0}),
    }
    contenders = [
        Contender("camgraph", "ours", never),
        Contender("PyAV decode", "limit", never),
        Contender("read natively", "limit", never),
        Contender("read converted", "limit", never),
        Contender("GStreamer", "peer", never),
    ]
    measured = Measured(contenders, [Attempt(runs)] * 3, [], 0)
    rows = {row.metric.partition(",")[0]: row for row in wall._rows(measured, wall.GOAL_TILES)}
    beyond = rows["CPU a shown frame beyond decode"]
    assert (beyond.ours, beyond.peers, beyond.limit, beyond.ok) == (1.2, {"GStreamer": 0.8}, None, True)
    assert (rows["CPU a shown frame in all"].limit, rows["of it the X server"].ours) == (1.2, 0.2)
    media = rows["of it media processes beyond decode"]
    assert (media.ours, media.limit) == (0.4, None)
    conversion = rows["of it the conversion"]
    assert (conversion.ours, conversion.peers) == (0.6, {})
    assert rows["timer of 10 ms late p99"].peers == {}
    assert (rows["receive"].limit, rows["receive"].ok) == (0.12, None)


def test_rows_of_scale_tell_what_a_stream_adds() -> None:
    runs = {}
    contenders = []
    for count in scale.GOAL_SERIES.counts:
        held = {"rss_mb": 60.0 + 30 * count, "pss_mb": 40.0 + 20 * count, "descriptors": 9.0 + count}
        runs[f"camgraph, {count}"] = Run(
            held | {"cpu": 0.04 * count, "threads": 4.0 + 2 * count, "read": 100.0}
        )
        contenders.append(Contender(f"camgraph, {count}", "ours", never))
    measured = Measured(contenders, [Attempt(runs)] * 3, [], 0)
    rows = {row.metric: row for row in scale._rows(measured, scale.GOAL_SERIES, with_limit=False)}
    rss = rows["RSS per added stream, 720p25"]
    assert (rss.ours, rss.goal, rss.ok, rss.limit) == (30, 35, True, None)
    assert abs(rows["RSS, furthest from a line, 720p25"].ours or 0) < 1e-6
    assert rows["RSS, 16 streams of 720p25"].ours == 540
    assert rows["threads per added stream, 720p25"].ours == 2
