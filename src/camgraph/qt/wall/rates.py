"""How many pictures a second a tile of a size is worth."""

from collections.abc import Mapping

Rates = Mapping[int, float]
"""Tiles narrower than so many device pixels show so many pictures a second at most."""

DEFAULT_RATES: Rates = {128: 10.0}


def checked(rates: Rates) -> dict[int, float]:
    """Return a copy; raise ValueError for a width or a rate that is not above 0."""
    if not isinstance(rates, Mapping):
        raise TypeError(f"rates are pictures a second by width in px, {{160: 5}} say, not {rates!r}")
    for width, fps in rates.items():
        if not width > 0 or not fps > 0:
            raise ValueError(f"rates are pictures a second by width in px, both above 0, not {width}: {fps}")
    return dict(rates)


def fps_of(width: int, rates: Rates) -> float | None:
    """Return the rate for a tile so many device pixels wide; None: all that come."""
    return min((fps for limit, fps in rates.items() if width < limit), default=None)
