"""Whether the values that filters are declared with can be followed."""

from typing import get_args

from camgraph.base.errors import GraphError
from camgraph.base.geometry import MAX_SIDE_PX
from camgraph.base.pixels import PIXEL_FORMATS, is_item_format
from camgraph.graph.nodes import Filter, Fork, Fresh, Interval, Movement, Observe, Observed, Publish, Rate
from camgraph.graph.values import MAX_FPS, check_name

MAX_MS = 86_400_000
"""A day."""
MAX_DATA_BYTES = 1024
MAX_TAG = 65535
_MAX_ITEM_BYTES = 1 << 28
_PUBLISHED = (*PIXEL_FORMATS, "nal", "fmp4")


def check_filter(node: Filter) -> None:
    """Raise GraphError if the filter can't do as it is declared; the text names it and the remedy."""
    match node:
        case Rate(fps=fps) if not 0 < fps <= MAX_FPS:
            raise GraphError(f"rate {node.id!r}: fps {fps!r} must be above 0 and at most {MAX_FPS}")
        case Interval():
            _check_range(node, "shortest_ms", 0, MAX_MS)
        case Fresh():
            _check_range(node, "oldest_ms", 0, MAX_MS)
        case Movement():
            _check_movement(node)
        case Observe():
            _check_range(node, "every_ms", 0, MAX_MS)
            _check_range(node, "data_bytes", 0, MAX_DATA_BYTES)
            if node.of not in get_args(Observed):
                known = " or ".join(map(repr, get_args(Observed)))
                raise GraphError(f"observe {node.id!r}: of {node.of!r} is unknown; choose {known}")
        case Publish():
            _check_published(node)
        case Fork():
            _check_fork(node)


def check_branch(node: Fork, branch: str) -> None:
    """Raise GraphError if the fork has no such branch."""
    if branch not in node.branches:
        raise GraphError(f"fork {node.id!r} has no branch {branch!r}; it has: {', '.join(node.branches)}")


def _check_fork(node: Fork) -> None:
    if not node.branches:
        raise GraphError(f"fork {node.id!r} has no branches; name at least one")
    for branch in node.branches:
        check_name(f"{node.id}.{branch}", "stream")
    if len(set(node.branches)) < len(node.branches):
        raise GraphError(f"fork {node.id!r}: two branches have the same name; give each its own")
    for branch in node.detached:
        check_branch(node, branch)


def _check_movement(node: Movement) -> None:
    _check_range(node, "every_ms", 1, MAX_MS)
    _check_range(node, "ends_after_ms", 0, MAX_MS)
    _check_range(node, "resets", 0, None)
    if not 0 <= node.threshold <= 1:
        raise GraphError(
            f"movement {node.id!r}: threshold {node.threshold!r} must be 0 to 1, "
            "a share of the way from black to white"
        )


def _check_published(node: Publish) -> None:
    where = f"publish {node.id!r}"
    if not node.ring or "\0" in node.ring:
        raise GraphError(f"{where}: {node.ring!r} can't be the name of a ring; give it a letter at least")
    if node.format not in _PUBLISHED:
        raise GraphError(
            f"{where}: format {node.format!r} is unknown; choose one of {', '.join(map(str, _PUBLISHED))}"
        )
    _check_range(node, "headers", 0, None)
    _check_range(node, "tag", 0, MAX_TAG)
    if node.size is None:
        return
    if is_item_format(node.format):
        if node.size[1] != 1 or not 1 <= node.size[0] <= _MAX_ITEM_BYTES:
            raise GraphError(
                f"{where}: size {node.size!r} of packets must be (bytes, 1), 1 to {_MAX_ITEM_BYTES} bytes"
            )
    elif not all(1 <= side <= MAX_SIDE_PX for side in node.size):
        raise GraphError(f"{where}: size {node.size!r} must be (width, height), each 1 to {MAX_SIDE_PX} px")


def _check_range(node: Filter, option: str, least: int, most: int | None) -> None:
    value = getattr(node, option)
    if value < least or (most is not None and value > most):
        allowed = f"{least} or more" if most is None else f"{least} to {most}"
        kind = type(node).__name__.lower()
        raise GraphError(f"{kind} {node.id!r}: {option} {value!r} must be {allowed}")
