"""Arguments that can't be: what was given, and what would do."""

from collections.abc import Iterable
from math import isfinite, isnan
from numbers import Real

from camgraph.base.redact import redact
from camgraph.client.streams import LiveStream
from camgraph.graph.stream import Stream

_LONGEST = 80


def shown(value: object) -> str:
    """Return what was given, as it may be shown: short, and without a camera's login."""
    text = redact(repr(value))
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def live(value: object) -> LiveStream:
    """Return a live stream; raise TypeError for anything else."""
    if isinstance(value, LiveStream):
        return value
    if isinstance(value, Stream):
        raise TypeError(
            f"{value.name!r} is declared, and not live: give site.streams[{value.name!r}] of the site that "
            "graph.start() returns"
        )
    raise TypeError(f"a stream is one of site.streams, site.streams['door'] say, not {shown(value)}")


def number(name: str, value: object) -> float:
    """Return a number; raise TypeError for anything else, ValueError for NaN."""
    if not isinstance(value, Real):  # numpy's numbers are.
        raise TypeError(f"{name} is a number, not {shown(value)}")
    if isnan(value):
        raise ValueError(f"{name} is a number, not {value}")
    return float(value)


def text(name: str, value: object) -> str:
    """Return a text; raise TypeError for anything else."""
    if not isinstance(value, str):
        raise TypeError(f"{name} is a text, not {shown(value)}: write str({shown(value)})")
    return value


def points(what: str, value: Iterable[tuple[float, float]]) -> tuple[tuple[float, float], ...]:
    """Return points as pairs of finite numbers; raise ValueError, TypeError for anything else."""
    try:
        found = tuple((float(x), float(y)) for x, y in value)
    except (TypeError, ValueError):
        raise ValueError(
            f"the points of {what} are pairs (x, y), not {shown(value)}; for a contour of OpenCV's write "
            "contour.reshape(-1, 2)"
        ) from None
    if not all(isfinite(side) for point in found for side in point):
        raise ValueError(f"{what} is at finite places, not at {found}")
    return found


def several(what: str, one: type | tuple[type, ...], values: Iterable[object] | None) -> tuple[object, ...]:
    """Return what was given one after another; raise TypeError if it is a single one."""
    if isinstance(values, one):
        raise TypeError(f"{what} are several: write [{type(values).__name__}(…)]")
    return tuple(values or ())
