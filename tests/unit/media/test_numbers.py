"""Rates from growing counts, by a clock set by hand."""

from camgraph.media.demand import Counts
from camgraph.media.numbers import StreamNumbers
from camgraph.media.source import NetworkCounts

S = 1_000_000_000


class Attempt:
    def __init__(self) -> None:
        self.counts, self.network, self.last_packet_ns = Counts(), NetworkCounts(), 0


class Stream:
    """One attempt that counts 25 packets of 1000 bytes a second, decoded in 2 ms each."""

    def __init__(self) -> None:
        self.numbers = StreamNumbers(0)
        self.attempt = Attempt()
        self.running = [self.attempt]

    def receive(self, packets: int) -> None:
        counts = self.attempt.counts
        counts.received += packets
        counts.decoded += packets
        counts.decode_ns += 2_000_000 * packets
        self.attempt.network.received_bytes += 1000 * packets


def test_rates_are_those_of_the_last_five_seconds() -> None:
    stream = Stream()
    for second in range(1, 11):
        stream.receive(25)
        assert stream.numbers.rates(stream.running, second * S) == (200_000, 25.0, 2_000_000)
    for second in range(11, 15):
        stream.receive(10)
        stream.numbers.rates(stream.running, second * S)
    stream.receive(10)
    assert stream.numbers.rates(stream.running, 15 * S) == (80_000, 10.0, 2_000_000)
    for second in range(16, 21):
        rates = stream.numbers.rates(stream.running, second * S)
    assert rates == (0, 0.0, 2_000_000)


def test_packets_that_wait_have_come() -> None:
    stream = Stream()
    for second in range(1, 5):
        stream.receive(20 if second == 1 else 25)
        stream.attempt.network.queued = 5
        assert stream.numbers.rates(stream.running, second * S).fps == 25.0


def test_who_asks_often_does_not_shorten_the_time() -> None:
    stream = Stream()
    stream.receive(25)
    rates = stream.numbers.rates(stream.running, S)
    stream.receive(25)
    assert stream.numbers.rates(stream.running, S + 1000) is rates


def test_time_without_a_connection_is_not_counted_in() -> None:
    stream = Stream()
    stream.numbers.rates(stream.running, 4 * S)
    stream.receive(3)
    stream.numbers.begin_rates(stream.running, 5 * S)
    stream.receive(50)
    assert stream.numbers.rates(stream.running, 7 * S).fps == 25.0


def test_a_source_that_counts_another_connection_has_no_negative_rate() -> None:
    stream = Stream()
    stream.receive(100)
    stream.numbers.rates(stream.running, S)
    stream.attempt.network.received_bytes = 1000
    stream.numbers.begin_rates([], 2 * S)
    assert stream.numbers.rates([], 3 * S).bit_rate == 0
    stream.numbers.begin_rates(stream.running, 4 * S)
    stream.attempt.network.received_bytes = 10
    assert stream.numbers.rates(stream.running, 5 * S).bit_rate == 0
