"""The bare state machine: time is a number here, and nothing runs."""

import dataclasses
import itertools
import random
from collections.abc import Callable, Iterable
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from camgraph.base.errors import InternalError
from camgraph.control.messages import HAS_PICTURES, StreamState, StreamStatus
from camgraph.control.reasons import QUICK, REASONS
from camgraph.media.events import (
    Begin,
    CloseSource,
    Event,
    Failed,
    FrameDecoded,
    Instruction,
    LossMeasured,
    Opened,
    OpenSource,
    PacketArrived,
    Report,
    Resolved,
    Stop,
    Tick,
)
from camgraph.media.session import IDLE, JITTER, OPEN, STORY_LENGTH, TABLE, WAITING, Session

S = 1_000_000_000
ADDRESS = "rtsp://10.0.0.5:554/1"


class Driver:
    """A session, its clock, and what it asked for."""

    def __init__(self, chance: Callable[[], float] = lambda: 0.0, **times: Any) -> None:
        self.session = Session("door", ADDRESS, 7, chance, **times)
        self.now_ns = 1000 * S
        self.statuses: list[StreamStatus] = []
        self.opened: list[tuple[int, int]] = []
        self.closed: list[int] = []

    def at(self, seconds: float) -> "Driver":
        self.now_ns += int(seconds * S)
        return self

    def say(self, *events: Event) -> list[Instruction]:
        out: list[Instruction] = []
        for event in events:
            out += self.session.handle(event, self.now_ns)
        for instruction in out:
            match instruction:
                case OpenSource(attempt=attempt):
                    self.opened.append((attempt, self.now_ns))
                case CloseSource(attempt=attempt):
                    self.closed.append(attempt)
                case Report(status=status):
                    self.statuses.append(status)
        return out

    @property
    def attempt(self) -> int:
        return self.session.attempts

    @property
    def last(self) -> StreamStatus:
        return self.statuses[-1]

    @property
    def state(self) -> str:
        return self.last.state

    def go_live(self) -> "Driver":
        number = self.attempt
        self.say(
            Resolved(number),
            Opened(number, "h264"),
            PacketArrived(number),
            FrameDecoded(number, 1280, 720, "h264"),
        )
        return self

    def fail(self, reason: str = "refused", sentence: str = "Nothing listens.") -> "Driver":
        self.say(Failed(self.attempt, reason, sentence))
        return self

    def wait_until_due(self) -> "Driver":
        self.now_ns = self.session.wake_ns
        self.say(Tick())
        return self


def live(**times: Any) -> Driver:
    driver = Driver(**times)
    driver.say(Begin())
    return driver.go_live()


def test_a_good_start_is_told_step_by_step() -> None:
    driver = live()
    assert [status.state for status in driver.statuses] == [
        "resolving",
        "opening",
        "waiting_for_keyframe",
        "live",
    ]
    assert all(status.sentence and status.epoch == 7 for status in driver.statuses)
    assert (driver.last.codec, driver.last.width, driver.last.height) == ("h264", 1280, 720)
    assert driver.last.reason == ""
    assert driver.last.next_attempt_ns == 0
    assert driver.opened == [(1, 1000 * S)]


def test_of_what_is_here_no_address_is_looked_up() -> None:
    session = Session("clip", "/films/clip.mkv", 7, lambda: 0.5)
    told = []
    for event in (Begin(), Resolved(1), Opened(1, "h264")):
        session.handle(event, 1)
        told.append(session.status().sentence)
    assert told == [
        "Opening /films/clip.mkv.",
        "Opening /films/clip.mkv.",
        "Opened /films/clip.mkv; waiting for a whole picture.",
    ]


def test_nothing_listens() -> None:
    driver = Driver()
    driver.say(Begin(), Resolved(1))
    driver.fail(sentence="Nothing listens at 10.0.0.5:554 (connection refused): is the camera on?")
    assert driver.state == "backing_off"
    assert driver.last.reason == "refused"
    assert driver.last.sentence == (
        "Nothing listens at 10.0.0.5:554 (connection refused): is the camera on? Next attempt in 0.2 s."
    )
    assert driver.last.next_attempt_ns == driver.now_ns + S // 5
    assert driver.closed == [1]


def test_the_last_failure_stays_in_sight_until_the_stream_is_live() -> None:
    driver = Driver()
    driver.say(Begin(), Resolved(1))
    driver.fail().wait_until_due()
    assert driver.state == "resolving"
    assert driver.last.reason == "refused"
    assert driver.last.sentence == "Nothing listens. Trying again now."
    driver.go_live()
    assert driver.last.reason == ""
    assert driver.last.sentence == "Live."
    assert driver.last.attempt == 0


def test_the_announced_attempt_begins_when_it_was_announced_and_not_before() -> None:
    driver = Driver(random.Random(1).random)
    driver.say(Begin())
    for _ in range(20):
        driver.fail()
        announced_ns = driver.last.next_attempt_ns
        assert announced_ns == driver.session.wake_ns > driver.now_ns
        driver.now_ns = announced_ns - 1
        driver.say(Tick())
        assert driver.state == "backing_off"
        driver.now_ns = announced_ns
        driver.say(Tick())
        assert driver.opened[-1] == (driver.attempt, announced_ns)


def attempt_times_s(jitters: Iterable[float]) -> list[float]:
    """Return when a camera that dies at 0 and refuses is tried, counted from its death."""
    values = iter(jitters)
    driver = Driver(lambda: next(values))
    driver.say(Begin())
    driver.go_live().at(60)
    died_ns = driver.now_ns
    driver.fail("camera_closed")
    times: list[float] = []
    while len(times) < 12:
        driver.wait_until_due()
        times.append((driver.now_ns - died_ns) / S)
        driver.fail("refused")
    return times


@given(st.lists(st.floats(0, 1, exclude_max=True), min_size=13, max_size=13))
def test_a_camera_back_within_two_seconds_is_tried_within_half_a_second(jitters: list[float]) -> None:
    # A camera restarted within 1 s of its death may need almost 1 s more until it listens. From there, half
    # a second to the next attempt, up to a second to the next key frame (GOP 25) and 0.4 s for ten frames
    # make 1.9 s: with its own second of start-up, within 3 s of its restart.
    times = [0.0, *attempt_times_s(jitters)]
    for earlier, later in itertools.pairwise(times):
        if earlier < 1.9:
            assert later - earlier <= 0.5 + 1e-6
        assert later - earlier <= 10.0 + 1e-6


def test_jitter_only_shortens() -> None:
    slow, quick = attempt_times_s([0.0] * 13), attempt_times_s([0.999] * 13)
    assert slow[:9] == pytest.approx([0.2, 0.7, 1.2, 1.7, 2.2, 3.2, 5.2, 10.2, 20.2])
    assert quick == pytest.approx([time * (1 - JITTER * 0.999) for time in slow])


@pytest.mark.parametrize("failures", [len(QUICK.waits_s), 3000])
def test_ten_seconds_of_pictures_make_up_for_all_failures(failures: int) -> None:
    driver = Driver()
    driver.say(Begin())
    for _ in range(failures):
        driver.fail().wait_until_due()
    driver.fail()
    assert driver.last.next_attempt_ns - driver.now_ns == 10 * S
    driver.wait_until_due().go_live().at(10)
    driver.fail("camera_closed")
    assert driver.last.next_attempt_ns - driver.now_ns == S // 5


def test_a_camera_that_dies_right_after_each_first_picture_is_not_hammered() -> None:
    driver = Driver()
    driver.say(Begin())
    for _ in range(len(QUICK.waits_s)):
        driver.go_live().at(0.5)
        driver.fail("camera_closed").wait_until_due()
    driver.go_live().fail("camera_closed")
    assert driver.last.next_attempt_ns - driver.now_ns == 10 * S


@pytest.mark.parametrize(
    ("reason", "state", "waits_s"),
    [
        ("unauthorized", "unauthorized", [30, 60, 120, 300, 300]),
        ("not_found", "not_found", [30, 30, 30]),
        ("no_video", "unsupported", [30, 30]),
        ("server_error", "backing_off", [5, 10, 30, 30]),
        ("busy", "backing_off", [5, 10, 30, 30]),
        ("no_device", "not_found", [1, 1, 1]),
        ("not_media", "unsupported", [30, 30]),
        ("transport_refused", "unsupported", [30, 30]),
        ("broken_sdp", "unsupported", [30, 30]),
        ("codec_changed", "backing_off", [0.2, 0.5]),
        ("never_heard_of", "backing_off", [0.2, 0.5]),
    ],
)
def test_each_kind_of_failure_has_its_state_and_its_patience(
    reason: str, state: StreamState, waits_s: list[float]
) -> None:
    driver = Driver()
    driver.say(Begin())
    for wait_s in waits_s:
        driver.fail(reason, "No.")
        assert driver.state == state
        assert driver.last.reason == reason
        assert driver.last.next_attempt_ns - driver.now_ns == int(wait_s * S)
        assert driver.last.sentence == f"No. Next attempt in {wait_s if wait_s >= 10 else f'{wait_s:.1f}'} s."
        driver.wait_until_due()


def test_what_was_played_to_its_end_is_stopped_until_it_is_begun_again() -> None:
    driver = live().fail("ended", "It was played to its end.")
    assert (driver.state, driver.last.reason) == ("stopped", "ended")
    assert driver.last.sentence == "It was played to its end."
    assert driver.closed == [1]
    assert driver.last.next_attempt_ns == driver.session.wake_ns == 0
    driver.say(Tick(), Begin())
    assert (driver.state, driver.last.reason) == ("resolving", "")


def test_another_kind_of_failure_begins_its_own_row() -> None:
    driver = Driver()
    driver.say(Begin())
    for _ in range(8):
        driver.fail().wait_until_due()
    driver.fail("unauthorized")
    assert driver.last.next_attempt_ns - driver.now_ns == 30 * S
    driver.wait_until_due().fail("refused")
    assert driver.last.next_attempt_ns - driver.now_ns == S // 5


def test_live_wakes_only_when_packets_are_two_seconds_old() -> None:
    driver = live()
    for _ in range(5):
        assert driver.session.wake_ns == driver.now_ns + 2 * S or driver.now_ns < driver.session.wake_ns
        driver.now_ns = driver.session.wake_ns
        before = len(driver.statuses)
        driver.say(Tick(last_packet_ns=driver.now_ns - S // 25))
        assert driver.session.wake_ns == driver.now_ns - S // 25 + 2 * S
        assert len(driver.statuses) == before


def stalled() -> Driver:
    driver = live()
    driver.at(2).say(Tick(last_packet_ns=driver.now_ns - 2 * S))
    assert driver.state == "stalled"
    return driver


def test_silence_of_two_seconds_is_told_and_of_five_ends_the_attempt() -> None:
    driver = stalled()
    assert driver.last.reason == "stalled"
    driver.at(3).say(Tick(last_packet_ns=driver.now_ns - 5 * S))
    assert driver.state == "backing_off"
    assert driver.last.reason == "stalled"
    assert driver.closed == [1]
    assert driver.last.next_attempt_ns == driver.now_ns + S // 5


def test_packets_again_end_a_stall() -> None:
    driver = stalled()
    driver.at(1).say(PacketArrived(1))
    assert driver.state == "stalled"
    driver.at(0.04).say(PacketArrived(1))
    assert driver.state == "live"
    assert driver.last.reason == ""
    driver.say(PacketArrived(1))  # told before the news came that nobody wants to know any more
    assert driver.state == "live"


def test_the_stale_packet_that_ffmpeg_hands_out_at_its_timeout_ends_no_stall() -> None:
    driver = stalled()
    driver.at(0.5).say(PacketArrived(1))
    driver.at(2.5).say(Tick(last_packet_ns=driver.now_ns - int(2.5 * S)))
    assert driver.state == "backing_off"
    assert [status.state for status in driver.statuses].count("live") == 1


def test_a_slow_camera_may_be_silent_for_longer() -> None:
    driver = Driver(stalled_after_s=10.0)
    driver.say(Begin(), Resolved(1), Opened(1, "mjpeg"), PacketArrived(1))
    driver.at(12.9).say(Tick())
    assert driver.state == "waiting_for_keyframe"
    driver.say(FrameDecoded(1, 1280, 720, "h264"))
    driver.at(9.9).say(Tick())
    assert driver.state == "live"
    driver.at(0.1).say(Tick())
    assert driver.state == "stalled"
    assert driver.last.sentence == f"{ADDRESS} has sent nothing for 10 s; after 13 s it is opened anew."
    driver.at(2.9).say(Tick())
    assert driver.state == "stalled"
    driver.at(0.1).say(Tick())
    assert driver.state == "backing_off"
    assert driver.last.sentence.startswith(f"{ADDRESS} has sent nothing for 13 s: ")


def test_a_stall_told_early_is_given_up_no_earlier() -> None:
    driver = live(stalled_after_s=0.5)
    driver.at(0.5).say(Tick())
    assert driver.state == "stalled"
    driver.at(4.4).say(Tick())
    assert driver.state == "stalled"
    driver.at(0.1).say(Tick())
    assert driver.state == "backing_off"


@pytest.mark.parametrize("reason", ["unauthorized", "not_found", "server_error", "refused"])
def test_the_longest_wait_can_be_declared(reason: str) -> None:
    driver = Driver(longest_retry_s=0.4)
    driver.say(Begin())
    for number in range(12):
        driver.fail(reason, "No.")
        longest_s = 0.2 if reason == "refused" and not number else 0.4
        assert driver.last.next_attempt_ns - driver.now_ns == int(longest_s * S)
        driver.wait_until_due()


def test_a_stream_that_loses_packets_is_degraded_until_it_hardly_does() -> None:
    driver = live()
    driver.say(LossMeasured(1, 0.02))
    assert driver.state == "live"
    driver.say(LossMeasured(1, 0.054))
    assert (driver.state, driver.last.reason, driver.last.loss) == ("degraded", "packet_loss", 0.05)
    assert driver.last.sentence.startswith("5% of the packets are lost, ")
    told = len(driver.statuses)
    driver.say(LossMeasured(1, 0.051))
    assert len(driver.statuses) == told
    driver.say(LossMeasured(1, 0.011))
    assert (driver.state, driver.last.loss) == ("degraded", 0.01)
    driver.say(LossMeasured(1, 0.01))
    assert (driver.state, driver.last.reason, driver.last.loss) == ("live", "", 0.0)
    assert driver.last.sentence == "Live."


@pytest.mark.parametrize("ends", ["stalled", "failed", "stopped"])
def test_a_degraded_stream_fares_on_as_a_live_one(ends: str) -> None:
    driver = live()
    driver.say(LossMeasured(1, 0.2), FrameDecoded(1, 640, 360, "h264"), PacketArrived(1))
    assert (driver.state, driver.last.width) == ("degraded", 640)
    match ends:
        case "stalled":
            driver.at(2).say(Tick(last_packet_ns=driver.now_ns - 2 * S))
            assert driver.state == "stalled"
            driver.at(0.1).say(PacketArrived(1), PacketArrived(1))
            assert driver.state == "live"
        case "failed":
            driver.at(20).fail("camera_closed")
            assert driver.last.next_attempt_ns - driver.now_ns == S // 5
        case "stopped":
            driver.say(Stop())
    assert driver.last.loss == 0.0


def test_the_time_in_each_state_and_the_connections_are_counted() -> None:
    driver = Driver()
    assert driver.session.state_s(driver.now_ns) == {}
    driver.say(Begin())
    driver.at(1).say(Resolved(1))
    driver.at(2).say(Opened(1, "h264"), PacketArrived(1))
    driver.at(3).say(FrameDecoded(1, 8, 8, "h264"))
    driver.at(4)
    told = {"resolving": 1.0, "opening": 2.0, "waiting_for_keyframe": 3.0, "live": 4.0}
    assert driver.session.state_s(driver.now_ns) == told
    assert driver.session.reconnects == 0
    driver.fail("camera_closed").wait_until_due()
    assert driver.session.state_s(driver.now_ns) == {**told, "backing_off": 0.2, "resolving": 1.0}
    driver.go_live()
    assert driver.session.reconnects == 1


def test_another_size_is_told_once() -> None:
    driver = live()
    driver.say(FrameDecoded(1, 640, 360, "h264"))
    assert (driver.last.state, driver.last.width, driver.last.height) == ("live", 640, 360)
    before = len(driver.statuses)
    driver.say(FrameDecoded(1, 640, 360, "h264"))
    assert len(driver.statuses) == before


@pytest.mark.parametrize(
    ("events", "bound_s", "reason"),
    [
        ([], 5, "name_no_answer"),
        ([Resolved(1)], 10, "no_answer"),
        ([Resolved(1), Opened(1, "h264")], 5, "no_media"),
        ([Resolved(1), Opened(1, "h264"), PacketArrived(1)], 5, "stalled"),
    ],
)
def test_every_wait_is_bounded(events: list[Event], bound_s: float, reason: str) -> None:
    driver = Driver()
    driver.say(Begin(), *events)
    driver.at(bound_s - 0.001).say(Tick())
    assert driver.session.state in OPEN
    driver.at(0.001).say(Tick())
    assert driver.state == "backing_off"
    assert driver.last.reason == reason
    assert ADDRESS in driver.last.sentence
    assert driver.closed == [1]


def test_a_late_key_frame_is_told_and_waited_for() -> None:
    driver = Driver()
    driver.say(Begin(), Resolved(1), Opened(1, "h264"))
    for _ in range(5):
        assert driver.last.reason == ""
        driver.at(1).say(PacketArrived(1), Tick())
    assert (driver.state, driver.last.reason) == ("waiting_for_keyframe", "no_keyframe")
    assert "no whole picture came for 5 s" in driver.last.sentence
    for _ in range(54):
        driver.at(1).say(PacketArrived(1), Tick())
    assert driver.state == "waiting_for_keyframe"
    driver.at(1).say(PacketArrived(1), Tick())
    assert (driver.state, driver.last.reason) == ("backing_off", "no_keyframe")


def test_silence_ends_the_wait_for_a_late_key_frame() -> None:
    driver = Driver()
    driver.say(Begin(), Resolved(1), Opened(1, "h264"))
    driver.at(4).say(PacketArrived(1))
    driver.at(1).say(Tick())
    assert (driver.state, driver.last.reason) == ("waiting_for_keyframe", "no_keyframe")
    driver.at(4).say(Tick())
    assert (driver.state, driver.last.reason) == ("backing_off", "stalled")


def test_what_a_former_attempt_says_is_ignored() -> None:
    driver = Driver()
    driver.say(Begin())
    driver.fail()
    assert (
        driver.say(Resolved(1), Opened(1, "h264"), FrameDecoded(1, 8, 8, "h264"), Failed(1, "refused", ""))
        == []
    )
    driver.wait_until_due()
    assert driver.say(Failed(1, "refused", "")) == []
    assert driver.session.state == "resolving"


def test_stop_and_begin_again() -> None:
    driver = live()
    driver.say(Stop())
    assert driver.state == "stopped"
    assert driver.closed == [1]
    assert driver.session.wake_ns == 0
    assert driver.say(Stop(), Tick(), Failed(1, "refused", "")) == []
    driver.say(Begin())
    assert driver.state == "resolving"
    assert driver.attempt == 2


def test_an_impossible_event_raises_with_the_story() -> None:
    driver = live()
    with pytest.raises(InternalError, match=r"Begin\(\) in state live(.|\n)*resolving \+ Resolved"):
        driver.session.handle(Begin(), driver.now_ns)


def test_the_table_names_states_and_only_those() -> None:
    states = set(get_args(StreamState))
    assert states == IDLE | OPEN | WAITING
    assert {state for state, _ in TABLE} == states
    for state in states:
        assert (state, Stop) in TABLE
        assert (state, Tick) in TABLE
    for retry in {reason.retry for reason in REASONS.values() if reason.retry}:
        assert retry.state in (WAITING if retry.waits_s else IDLE)
    for state in HAS_PICTURES:
        assert {event for at, event in TABLE if at == state} == {event for at, event in TABLE if at == "live"}


EVENTS = st.one_of(
    st.just(Tick()),
    st.just(Stop()),
    st.just(Begin()),
    st.builds(Tick, st.sampled_from([-3, -2, -1, 0])),
    st.builds(Resolved, st.sampled_from([0, -1])),
    st.builds(Opened, st.sampled_from([0, -1]), st.just("h264")),
    st.builds(PacketArrived, st.sampled_from([0, -1])),
    st.builds(FrameDecoded, st.sampled_from([0, -1]), st.sampled_from([640, 1280]), st.just(360)),
    st.builds(LossMeasured, st.sampled_from([0, -1]), st.sampled_from([0.0, 0.015, 0.2])),
    st.builds(Failed, st.sampled_from([0, -1]), st.sampled_from(list(REASONS)), st.just("So it is.")),
)


@given(
    st.lists(st.tuples(EVENTS, st.floats(0, 30)), max_size=120),
    st.lists(st.floats(0, 1, exclude_max=True), min_size=150, max_size=150),
)
def test_any_order_of_events_keeps_the_rules(steps: list[tuple[Event, float]], jitters: list[float]) -> None:
    values = iter(jitters)
    driver = Driver(lambda: next(values))
    open_attempt: int | None = None
    for event, wait_s in steps:
        driver.at(wait_s)
        if isinstance(event, Tick):
            event = Tick(driver.now_ns + event.last_packet_ns * S if event.last_packet_ns else 0)
        elif not isinstance(event, Begin | Stop):
            event = dataclasses.replace(event, attempt=driver.attempt + event.attempt)
        before = driver.session.state
        announced_ns = driver.session.wake_ns
        of_this_attempt = getattr(event, "attempt", driver.attempt) == driver.attempt and before in OPEN
        if (before, type(event)) not in TABLE and (of_this_attempt or isinstance(event, Begin)):
            # What no attempt can say, and Begin twice; nothing is changed by it.
            with pytest.raises(InternalError):
                driver.say(event)
            assert driver.session.state == before
            continue
        out = driver.say(event)
        for instruction in out:
            match instruction:
                case OpenSource(attempt=attempt):
                    assert open_attempt is None
                    assert before in IDLE or (before in WAITING and driver.now_ns >= announced_ns)
                    open_attempt = attempt
                case CloseSource(attempt=attempt):
                    assert open_attempt == attempt
                    open_attempt = None
                case Report(status=status):
                    assert status.sentence
                    assert status.loss == 0.0 or status.state == "degraded"
                    assert (status.next_attempt_ns > driver.now_ns) == (status.state in WAITING)
                    assert status.state == driver.session.state
        assert (open_attempt is not None) == (driver.session.state in OPEN)
        assert len(driver.session.story) <= STORY_LENGTH
        assert not [one for one, two in itertools.pairwise(out) if isinstance(one, Report) and one == two]
