"""What all filters are: a name, what comes behind, and their part in the plan of what runs."""

import itertools
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from valkka.core.arguments import a_or_none, text

if TYPE_CHECKING:
    from valkka.core.plan import Planner, Way

__all__ = ["FrameFilter"]

_serials = itertools.count(1)
_LONGEST_NAME = 24


class FrameFilter:
    """A filter. It keeps what comes behind it alive; nothing runs here: filters run where the frames are."""

    def __init__(self, name: str, *nexts: "FrameFilter | None") -> None:
        where = type(self).__name__
        self.name = text(where, "name", name)
        self._label = f"{plain(name)}-{next(_serials)}"
        self._nexts: tuple[FrameFilter, ...] = tuple(
            it for it in (a_or_none(where, "next", it, FrameFilter) for it in nexts) if it is not None
        )

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r}>"

    @property
    def label(self) -> str:
        """What nodes of the graph that runs are called by; no other filter of this process has it."""
        return self._label

    def nexts(self) -> Iterable["FrameFilter"]:
        """Return what gets the frames that pass."""
        return self._nexts

    def pass_on(self, way: "Way", planner: "Planner") -> "Way | None":
        """Tell the planner what is to run here, and return how the frames go on from here (None: not)."""
        return way


def plain(name: str) -> str:
    """Return a name with nothing but letters, digits and underscores in it."""
    return re.sub(r"[^A-Za-z0-9_]+", "_", name)[:_LONGEST_NAME] or "unnamed"


def new_label(name: str) -> str:
    """Return a label for something that is no filter."""
    return f"{plain(name)}-{next(_serials)}"
