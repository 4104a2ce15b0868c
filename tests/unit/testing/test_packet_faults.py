"""What faults make of packets: for any packets, any faults one after the other, and any times."""

import struct
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from camgraph.media.rtsp.packetize import is_rtcp
from camgraph.testing.faults import (
    Bye,
    Drift,
    Duplicate,
    FirstKeyframeAfter,
    Jitter,
    Jump,
    Loss,
    MarkerAlways,
    NoMarker,
    PacketFault,
    Reorder,
    Silent,
    WrongClock,
)
from camgraph.testing.packet_faults import PacketFaults

CLOCK = 90000
STEP_S = 0.04

percents = st.floats(0, 100)
seeds = st.integers(0, 9)
seconds = st.floats(-1e6, 1e6)
faults = st.one_of(
    st.sampled_from([None, Silent(), Bye(), NoMarker(), MarkerAlways()]),
    st.builds(FirstKeyframeAfter, st.floats(0, 60)),
    st.builds(Loss, percents, seeds),
    st.builds(Reorder, percents, st.integers(1, 9), seeds),
    st.builds(Duplicate, percents, seeds),
    st.builds(Jitter, st.floats(0, 100), seeds),
    st.builds(Jump, seconds),
    st.builds(Drift, st.floats(-1e5, 1e5)),
    st.builds(WrongClock, seconds),
)


def rtp(sequence: int, timestamp: int, *, marker: bool) -> bytes:
    head = struct.pack("!BBHII", 0x80, 96 | marker << 7, sequence % 65536, timestamp % 2**32, 7)
    return head + sequence.to_bytes(4)


def sender_report(second: float) -> bytes:
    ntp, timestamp = round((4e9 + second) * 2**32), round(second * CLOCK) % 2**32
    return struct.pack("!BBHIQIII", 0x80, 200, 6, 7, ntp, timestamp, 1, 1) + b"\x81\xca\0\1\0\0\0\7"


def pictures(count: int) -> list[list[bytes]]:
    """Return the packets of pictures, three each, a sender report before some."""
    return [
        ([sender_report(at * STEP_S)] if at % 5 == 0 else [])
        + [rtp(3 * at + part, round(at * STEP_S * CLOCK), marker=part == 2) for part in range(3)]
        for at in range(count)
    ]


def sequence(packet: bytes) -> int:
    return int.from_bytes(packet[2:4])


def timestamp(packet: bytes) -> int:
    return int.from_bytes(packet[16:20] if is_rtcp(packet) else packet[4:8])


def ntp_s(report: bytes) -> float:
    return int.from_bytes(report[8:16]) / 2**32 - 4e9


def apart(first: int, second: int) -> float:
    """Return how many seconds the second timestamp is after the first, or before it."""
    return ((second - first + 2**31) % 2**32 - 2**31) / CLOCK


def sent(fault: PacketFault | None, count: int = 200) -> list[list[bytes]]:
    """Return what becomes of pictures under a fault from the first on."""
    meddler = PacketFaults(CLOCK)
    meddler.begin(fault, 0)
    return [meddler.apply(packets, at * STEP_S) for at, packets in enumerate(pictures(count))]


def flat(packets: list[list[bytes]]) -> list[bytes]:
    return [packet for picture in packets for packet in picture]


@given(st.lists(st.tuples(faults, st.integers(1, 30)), max_size=8))
def test_any_faults_change_times_and_markers_only_and_what_is_late_comes_in_the_end(
    phases: list[tuple[PacketFault | None, int]],
) -> None:
    meddler, at = PacketFaults(CLOCK), 0
    came: Counter[int] = Counter()
    given_away = set()
    whole = pictures(sum(count for _, count in phases) + 1)
    for fault, count in [*phases, (None, 1)]:
        meddler.begin(fault, at * STEP_S)
        for _ in range(count):
            for packet in meddler.apply(whole[at], at * STEP_S):
                if not is_rtcp(packet):
                    came[sequence(packet)] += 1
                    assert packet[12:] == sequence(packet).to_bytes(4)
                    assert (packet[0], packet[1] & 0x7F, packet[8:12]) == (0x80, 96, b"\0\0\0\7")
                else:
                    assert len(packet) == len(whole[0][0])
                    assert packet[20:] == whole[0][0][20:]
            # Also what a camera fell silent about, packets that were late among them.
            if isinstance(fault, Silent | Loss):
                given_away |= {number for number in range(3 * at + 3) if number not in came}
            at += 1
    assert set(came) | given_away == set(range(3 * at))
    assert max(came.values()) <= 2


@given(percents, seeds)
def test_loss_takes_its_share_of_packets_and_no_reports(percent: float, seed: int) -> None:
    before, after = flat(pictures(200)), flat(sent(Loss(percent, seed)))
    kept = set(after)
    assert after == [packet for packet in before if packet in kept]
    assert [p for p in after if is_rtcp(p)] == [p for p in before if is_rtcp(p)]
    lost = (len(before) - len(after)) / 600
    assert abs(lost - percent / 100) < 0.1
    assert (lost == 0) <= (percent < 2)
    assert after == flat(sent(Loss(percent, seed)))


@given(st.builds(Reorder, percents, st.integers(1, 9), seeds))
def test_late_packets_come_after_as_many_as_said(fault: Reorder) -> None:
    numbers = [sequence(packet) for packet in flat(sent(fault)) if not is_rtcp(packet)]
    highest = -1
    for place, number in enumerate(numbers):
        if number < highest:
            # What comes before a late packet and was sent after it are those on time.
            on_time = [
                n for at, n in enumerate(numbers[:place]) if n > number and n > max(numbers[:at], default=-1)
            ]
            assert len(on_time) == fault.by
        highest = max(highest, number)
    assert len(set(numbers)) == len(numbers)


@pytest.mark.parametrize(("fault", "marked"), [(NoMarker(), False), (MarkerAlways(), True)])
def test_markers_lie_and_reports_have_none(fault: PacketFault, *, marked: bool) -> None:
    for before, after in zip(flat(pictures(10)), flat(sent(fault, 10)), strict=True):
        if is_rtcp(before):
            assert after == before
        else:
            assert (after[1] >= 128, after[1] % 128, after[2:]) == (marked, 96, before[2:])


@given(st.builds(Duplicate, percents, seeds))
def test_duplicates_follow_at_once(fault: Duplicate) -> None:
    before, after = flat(pictures(50)), flat(sent(fault, 50))
    assert sum(map(is_rtcp, after)) == sum(map(is_rtcp, before))
    assert list(dict.fromkeys(after)) == before
    assert all(after[at - 1] == packet for at, packet in enumerate(after) if packet in after[:at])


@given(seconds)
def test_a_jump_moves_all_timestamps_alike_and_no_wall_clock(jump: float) -> None:
    for before, after in zip(flat(pictures(10)), flat(sent(Jump(jump), 10)), strict=True):
        assert (timestamp(after) - timestamp(before) - round(jump * CLOCK)) % 2**32 == 0
        if is_rtcp(before):
            assert ntp_s(after) == ntp_s(before)


@given(st.floats(-1000, 1000))
def test_a_drifting_clock_goes_too_fast_or_slow_everywhere(ppm: float) -> None:
    meddler = PacketFaults(CLOCK)
    meddler.begin(Drift(ppm), 0)
    for at, packets in enumerate(pictures(50)):
        now = at * 60.0
        drifted = now * ppm * 1e-6
        for before, after in zip(packets, meddler.apply(packets, now), strict=True):
            assert abs(apart(timestamp(before), timestamp(after)) - drifted) < 2 / CLOCK
            if is_rtcp(before):
                assert abs(ntp_s(after) - ntp_s(before) - drifted) < 1e-5
    # Healed it keeps the time that it has.
    meddler.begin(None, 3000.0)
    [*_, last] = meddler.apply(packets, 9000.0)
    assert abs(apart(timestamp(packets[-1]), timestamp(last)) - 3000 * ppm * 1e-6) < 2 / CLOCK


@given(seconds)
def test_a_wrong_wall_clock_is_in_sender_reports_only(error: float) -> None:
    for before, after in zip(flat(pictures(10)), flat(sent(WrongClock(error), 10)), strict=True):
        assert timestamp(after) == timestamp(before)
        if is_rtcp(before):
            assert abs(ntp_s(after) - ntp_s(before) - error) < 1e-5
        else:
            assert after == before


@given(st.floats(0, 100), st.floats(0, 100), st.floats(0, 60))
def test_keyframes_are_withheld_since_the_later_of_command_and_viewer(
    commanded: float, came: float, wait: float
) -> None:
    meddler = PacketFaults(CLOCK)
    assert not meddler.withholds_keyframes(came, came)
    meddler.begin(FirstKeyframeAfter(wait), commanded)
    end = max(commanded, came) + wait
    assert meddler.withholds_keyframes(came, end - 0.01)
    assert not meddler.withholds_keyframes(came, end)


def test_jitter_delays_pictures_by_up_to_so_much_and_changes_none() -> None:
    faults = PacketFaults(CLOCK)
    faults.begin(Jitter(40), 0)
    delays = [faults.delay_s() for _ in range(500)]
    assert 0 <= min(delays) < 0.002
    assert 0.038 < max(delays) <= 0.04
    for packets in pictures(3):
        assert faults.apply(packets, 0) == packets
    faults.begin(None, 0)
    assert faults.delay_s() == 0
