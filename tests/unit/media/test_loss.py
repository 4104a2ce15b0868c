"""The share of lost packets over the last five seconds."""

import pytest

from camgraph.media.loss import LossMeter

S = 1_000_000_000


def test_what_was_lost_lately_counts() -> None:
    meter = LossMeter()
    assert meter.measure(0, 7, 100 * S) == 0.0
    assert meter.measure(95, 12, 101 * S) == pytest.approx(0.05)
    for second in range(2, 6):
        meter.measure(95 + 100 * (second - 1), 12, (100 + second) * S)
    assert meter.loss == pytest.approx(5 / 500)
    assert meter.measure(595, 12, 106 * S) == 0.0


def test_a_single_packet_of_a_slow_stream_is_no_rate() -> None:
    meter = LossMeter()
    meter.measure(0, 0, 0)
    assert meter.measure(5, 2, S) == 0.0
    assert meter.measure(12, 3, 2 * S) == pytest.approx(0.2)


def test_without_packets_nothing_is_lost() -> None:
    meter = LossMeter()
    meter.measure(0, 0, 0)
    assert meter.measure(0, 0, S) == 0.0
