"""Figures of many figures."""

import statistics
from collections.abc import Mapping, Sequence


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the value that `percent` of the values do not exceed; raise ValueError if there are none."""
    if not values:
        raise ValueError("no values")
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


def slope(points: Mapping[float, float]) -> float:
    """Return by how much the values grow per unit of their keys: least squares over two points or more."""
    return statistics.linear_regression(list(points), list(points.values())).slope


def bend(points: Mapping[float, float]) -> float:
    """Return how far the values are from a straight line: the largest distance as a share of the largest
    value; 0 is a line.
    """
    line = statistics.linear_regression(list(points), list(points.values()))
    distances = (abs(value - line.intercept - line.slope * at) for at, value in points.items())
    return max(distances) / max(map(abs, points.values()))
