"""Which names and numbers can be given, whatever has them."""

import re

from camgraph.base.errors import GraphError
from camgraph.base.geometry import MAX_SIDE_PX

MAX_FPS = 1000
_ID = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}")


def check_name(name: str, what: str) -> None:
    """Raise GraphError if `name` can't be that of a stream, or of a site, as `what` says."""
    if not _ID.fullmatch(name):
        raise GraphError(
            f"{name!r} can't be the name of a {what}: use 1 to 64 letters, digits, dots, dashes, underscores"
        )


def is_size(value: object) -> bool:
    """Tell whether these are width and height of a picture, in px."""
    return (
        isinstance(value, tuple)
        and len(value) == 2
        and all(isinstance(side, int) and 1 <= side <= MAX_SIDE_PX for side in value)
    )
