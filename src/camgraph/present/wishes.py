"""What a program wants in its windows, and what it is told of them; as data that travels."""

from dataclasses import dataclass

from camgraph.present.placing import Box, Fit, Size

NO_SIGNAL_AFTER_S = 2.0


@dataclass(frozen=True, slots=True)
class Wish:
    """What a window is to show."""

    stream: str | None
    fit: Fit = "contain"
    delay_ms: int | None = None
    boxes: tuple[Box, ...] = ()
    no_signal_picture: str | None = None
    no_signal_after_s: float = NO_SIGNAL_AFTER_S


@dataclass(frozen=True, slots=True)
class WindowStatistics:
    """What became of the frames of a window since the presenter began to draw into it."""

    stream: str | None
    size: Size
    """Of the window, in px."""
    picture: Size
    """Of the pictures that are drawn; (0, 0): there was none yet."""
    shown: int
    late: int
    """Were due together with a newer one that was shown instead."""
    too_early: int
    """Dropped: captured too far in the future."""
    skipped: int
    """Passed over for a newer one, overwritten in the ring, or never told of: the presenter was slow."""
    delay_ms: int | None
    """The delay after capture that is kept; None: each frame is shown as it comes."""
    age_ms: float | None
    """From capture until the last frame was drawn; None: not known."""
    sharing: int
    """How many windows, this one too, show the same pictures, which are converted once."""
    shared_memory: bool
    """The server reads pictures from the ring itself; False: their pixels are sent."""
    signal: bool
    """Frames come; False: the picture for no signal is there."""
