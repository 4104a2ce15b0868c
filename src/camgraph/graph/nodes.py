"""Filters that are fed by another stream, as data: what each passes on, and what it tells of what it saw."""

from typing import Annotated, Literal

import msgspec

from camgraph.base.pixels import PixelFormat

Observed = Literal["packets", "units", "pictures"]


class BaseNode(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", forbid_unknown_fields=True):
    """A node of a graph."""

    id: str


class Gate(BaseNode, frozen=True, kw_only=True, tag="gate"):
    """Lets the frames of another stream through while it is open."""

    source: str
    opened: bool = True


class Rate(BaseNode, frozen=True, kw_only=True, tag="rate"):
    """Thins another stream out to at most `fps` frames per second."""

    source: str
    fps: float


class Fork(BaseNode, frozen=True, kw_only=True, tag="fork"):
    """Copies another stream to branches, the streams ``id.branch``, that come and go one by one."""

    source: str
    branches: tuple[str, ...]
    detached: tuple[str, ...] = ()
    """The branches that get no frames now."""


class Interval(BaseNode, frozen=True, kw_only=True, tag="interval"):
    """Passes a frame if it is at least `shortest_ms` younger than the last one that passed.

    By the frames' own times; a jump back begins anew.
    """

    source: str
    shortest_ms: int


class Fresh(BaseNode, frozen=True, kw_only=True, tag="fresh"):
    """Passes frames whose time lies at most `oldest_ms` back."""

    source: str
    oldest_ms: int


class Stamp(BaseNode, frozen=True, kw_only=True, tag="stamp"):
    """Gives frames the time of their arrival in place of that of their capture."""

    source: str


class Movement(BaseNode, frozen=True, kw_only=True, tag="movement"):
    """Watches the brightness of pictures; passes them, one in `every_ms`, while something moves.

    Every `every_ms` a picture is compared with the one before; movement is a mean difference of brightness
    above `threshold` (0 to 1), and ends after `ends_after_ms` without. Beginning and end are told as events.
    """

    source: str
    every_ms: int
    threshold: float
    ends_after_ms: int
    resets: int = 0
    """Counted up to have it forget what it saw."""


class Observe(BaseNode, frozen=True, kw_only=True, tag="observe"):
    """Passes all, and tells of each frame as an event, of one in `every_ms` where that is given."""

    source: str
    of: Observed
    every_ms: int = 0
    data_bytes: int = 0
    """So many of a frame's first bytes are told, too."""


class Publish(BaseNode, frozen=True, kw_only=True, tag="publish"):
    """Passes all, and has every program of this user read it as the ring `ring`, by that name alone.

    Descriptors attached to the node (event file descriptors) get a 1 written for each frame.
    """

    source: str
    ring: str
    format: PixelFormat | Literal["nal", "fmp4"]
    size: Annotated[tuple[int, int], "width, height in px"] | None = None
    """Of packets: (bytes, 1), the most that an item has; longer ones are cut."""
    headers: int = 0
    """Counted up to have what a new listener needs (of fmp4: ftyp, moov) sent once more."""
    tag: int = 0
    """Told with each frame of the ring (`Frame.tag`), 0 to 65535."""


Filter = Gate | Rate | Fork | Interval | Fresh | Stamp | Movement | Observe | Publish
