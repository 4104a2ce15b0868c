import pytest

from benchmarks.harness.figures import bend, percentile, slope


def test_a_percentile_is_one_of_the_values() -> None:
    values = [float(value) for value in range(200, 0, -1)]
    assert (percentile(values, 50), percentile(values, 99), percentile(values, 100)) == (101, 199, 200)
    assert percentile([7.0], 99) == 7
    with pytest.raises(ValueError, match="no values"):
        percentile([], 50)


def test_what_grows_in_line_has_a_slope_and_no_bend() -> None:
    points = {1.0: 55.0, 4.0: 145.0, 16.0: 505.0}
    assert slope(points) == pytest.approx(30)
    assert bend(points) == pytest.approx(0)


def test_what_does_not_grow_in_line_is_bent() -> None:
    assert bend({1.0: 1.0, 4.0: 16.0, 16.0: 256.0}) > 0.05
    assert bend({0.0: 0.0, 1.0: 3.0, 2.0: 0.0}) == pytest.approx(2 / 3)
