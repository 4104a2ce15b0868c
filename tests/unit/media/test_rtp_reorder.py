"""Packets come out in order, once each and in bounded time, whatever the network did to them."""

from hypothesis import given
from hypothesis import strategies as st

from camgraph.media.rtp.reorder import WAIT_NS, ReorderBuffer

MS = 1_000_000
LATEST_MS = 30
sequences = st.integers(0, 0xFFFF) | st.integers(0xFF00, 0xFFFF)


def data_of(number: int) -> bytes:
    return b"%d" % number


@given(
    first=sequences,
    fates=st.lists(
        st.tuples(st.booleans() | st.just(True), st.integers(0, LATEST_MS), st.booleans()), max_size=200
    ),
)
def test_any_loss_order_and_duplication_within_the_window(first, fates):
    # A packet each millisecond; each may be late, lost, or come twice.
    arrivals = [(0, 0)]
    for number, (arrives, late_ms, twice) in enumerate(fates, 1):
        if arrives:
            arrivals.append((number + late_ms, number))
            if twice:
                arrivals.append((number + LATEST_MS - late_ms, number))
    buffer = ReorderBuffer(most=128)
    buffer.begin(first)
    released = []
    for at_ms, number in sorted(arrivals):
        for due in buffer.expire(at_ms * MS):
            released.append(due)
            assert at_ms * MS - due.arrival_ns <= WAIT_NS + LATEST_MS * MS
        released += buffer.push((first + number) & 0xFFFF, data_of(number), at_ms * MS)
    released += buffer.expire(buffer.due_ns + WAIT_NS)

    came = sorted({number for _, number in arrivals})
    assert [packet.data for packet in released] == [data_of(number) for number in came]
    gaps = [number - 1 not in came for number in came]
    assert [packet.gap for packet in released][1:] == gaps[1:]
    assert buffer.lost == came[-1] + 1 - len(came)
    assert buffer.sent == came[-1] + 1
    assert not buffer.held
    assert buffer.due_ns == 0


@given(first=sequences, numbers=st.lists(st.integers(0, 0xFFFF), max_size=100), most=st.sampled_from([0, 3]))
def test_any_numbers_at_all_leave_little_held_and_repeat_nothing(first, numbers, most):
    buffer = ReorderBuffer(most)
    buffer.begin(first)
    released = []
    for at, number in enumerate(numbers):
        released += buffer.push(number, data_of(at), at)
        assert len(buffer.held) <= most
        assert buffer.expected not in buffer.held
    released += buffer.expire(len(numbers) + WAIT_NS)
    assert not buffer.held
    assert len({packet.data for packet in released}) == len(released)


def test_without_waiting_a_gap_is_told_at_once_and_late_packets_are_dropped():
    buffer = ReorderBuffer(most=0)
    buffer.begin(0xFFFE)
    assert [packet.gap for packet in buffer.push(0xFFFE, b"a", 1)] == [False]
    assert buffer.push(2, b"c", 2) == [(b"c", 2, True)]
    assert buffer.lost == 3
    assert buffer.push(1, b"b", 3) == []
    assert buffer.push(3, b"d", 4) == [(b"d", 4, False)]
    assert buffer.highest == 0x10003


def test_more_than_may_be_held_is_given_up_before_its_time():
    buffer = ReorderBuffer(most=3)
    buffer.begin(10)
    assert [buffer.push(number, data_of(number), 0) for number in (11, 12, 14)] == [[], [], []]
    assert buffer.push(15, b"15", 0) == [(b"11", 0, True), (b"12", 0, False)]
    assert buffer.expire(WAIT_NS - 1) == []
    assert buffer.expire(WAIT_NS) == [(b"14", 0, True), (b"15", 0, False)]
    assert buffer.lost == 2


def test_a_sender_that_counts_anew_is_followed_after_two_packets_in_a_row():
    buffer = ReorderBuffer(most=8)
    buffer.begin(40_000)
    assert len(buffer.push(40_000, b"a", 0)) == 1
    assert buffer.push(40_002, b"c", 0) == []
    assert buffer.push(5, b"stray", 1) == []
    assert [packet.data for packet in buffer.push(40_001, b"b", 2)] == [b"b", b"c"]
    assert buffer.push(6, b"x", 3) == [], "the packet before it was denied"
    assert buffer.push(7, b"y", 4) == [(b"x", 3, True), (b"y", 4, False)]
    assert buffer.push(8, b"z", 5) == [(b"z", 5, False)]
    assert buffer.lost == 0
    assert buffer.sent == 6
    assert buffer.highest == 8


def test_where_none_stray_one_packet_is_enough_to_begin_anew():
    buffer = ReorderBuffer(most=0)
    buffer.begin(40_000)
    assert buffer.push(5, b"x", 0) == [(b"x", 0, True)]
    assert buffer.push(6, b"y", 0) == [(b"y", 0, False)]


def test_another_beginning_forgets_what_came_before():
    buffer = ReorderBuffer(most=8)
    buffer.begin(40_000)
    assert buffer.push(40_001, b"a", 0) == []
    buffer.begin(40_000)
    assert buffer.push(5, b"x", 0) == []
    buffer.begin(40_000)
    assert buffer.push(6, b"y", 0) == []
    assert buffer.push(40_000, b"b", 0) == [(b"b", 0, False)]
