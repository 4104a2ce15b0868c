"""Which exit code each reason has, and what is called wrong with a stream that plays."""

from camgraph.cli.probe_report import report_of
from camgraph.control.messages import StreamStatistics, StreamStatus
from camgraph.control.reasons import REASONS


def test_every_failure_of_a_camera_has_an_exit_code_of_its_kind() -> None:
    codes = {
        reason: report_of(
            StreamStatus(stream="camera", state=known.retry.state, reason=reason), "rtsp://h/1"
        ).exit_code
        for reason, known in REASONS.items()
        if known.retry is not None
    }
    here = {reason for reason, code in codes.items() if code == 1}
    assert here == {"no_thread", "no_socket", "attempts_hang", "internal", "unreadable"}
    assert codes["ended"] == 0  # There was a picture.
    assert set(codes.values()) == {0, 1, 10, 11, 12, 13, 14, 15}


def test_what_is_wrong_with_a_stream_that_plays_is_told() -> None:
    status = StreamStatus(
        stream="camera", state="live", sentence="Live.", codec="h264", width=640, height=360
    )
    numbers = StreamStatistics(
        received=100,
        decoded=90,
        dropped=10,
        conversions=90,
        attempts=1,
        fps=25.0,
        bit_rate=2e6,
        lost=3,
        decoder_errors=2,
        transport="udp",
        keyframe_interval_ns=10_000_000_000,
        clock_offset_ns=-7_200_000_000_000,
    )
    report = report_of(status, "rtsp://h/1", numbers=numbers, quality="arrival", first_picture_s=0.5)
    assert (report.plays, report.exit_code) == (True, 0)
    lost, undecoded, rare, clock = report.problems
    assert lost == "3 packets were lost on the way."
    assert undecoded == "2 packets could not be decoded."
    assert "every 10 s only" in rare
    assert "7200.0 s behind this machine's" in clock
    told = [line.plain for line in report.lines()]
    assert told[0] == "rtsp://h/1 plays"
    assert told[-4:] == report.problems


def test_nothing_of_further_attempts_is_told_where_there_are_none() -> None:
    status = StreamStatus(
        stream="camera",
        state="backing_off",
        reason="refused",
        sentence="Nothing listens at h:554 (connection refused). Next attempt in 0.2 s.",
    )
    report = report_of(status, "rtsp://h/1")
    assert report.sentence == "Nothing listens at h:554 (connection refused)."
    assert [line.plain for line in report.lines()] == ["rtsp://h/1 does not play (refused)", report.sentence]


def test_a_missing_login_is_asked_for_as_the_command_takes_it() -> None:
    status = StreamStatus(
        stream="camera",
        state="unauthorized",
        reason="unauthorized",
        sentence='The camera at h:554 asks for a login: give one as login="env:NAME". Next attempt in 29 s.',
    )
    report = report_of(status, "rtsp://h/1")
    assert report.sentence == "The camera at h:554 asks for a login: give one as --login env:NAME."


def numbers_of(fps: float, bit_rate: float, keyframe_interval_ns: int) -> StreamStatistics:
    return StreamStatistics(
        received=100,
        decoded=100,
        dropped=0,
        conversions=100,
        attempts=1,
        fps=fps,
        bit_rate=bit_rate,
        keyframe_interval_ns=keyframe_interval_ns,
    )


def test_where_each_picture_is_a_key_frame_that_is_told() -> None:
    status = StreamStatus(stream="camera", state="live", codec="mjpeg", width=640, height=360)
    report = report_of(status, "http://h/1", numbers=numbers_of(25.0, 2e6, 40_000_000))
    assert "  key frames        every picture" in [line.plain for line in report.lines()]


def test_of_what_sent_nothing_no_rate_is_told() -> None:
    status = StreamStatus(stream="camera", state="opening", reason="no_answer", sentence="No picture came.")
    report = report_of(status, "http://h/1", numbers=numbers_of(0.0, 0.0, 0))
    assert [line.plain for line in report.lines()] == [
        "http://h/1 does not play (no_answer)",
        "No picture came.",
    ]
