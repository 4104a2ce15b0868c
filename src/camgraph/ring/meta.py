"""What is known of a frame beside its pixels, and how it is written into a slot's header."""

from fractions import Fraction
from typing import NamedTuple

from camgraph.ring.layout import (
    CORRUPT,
    INTERLACED,
    KEYFRAME,
    MATRIX_CODES,
    NO_PTS,
    QUALITY_CODES,
    RANGE_CODES,
    SLOT_FRAME,
    SLOT_FRAME_OFFSET,
    CaptureQuality,
    ColorRange,
    Colorspace,
)


class FrameMeta(NamedTuple):
    """What is known of a frame beside its pixels. `pts` counts in `time_base` seconds."""

    pts: int | None = None
    time_base: Fraction = Fraction(1, 90_000)
    capture_ns: int = 0
    """Wall clock; 0: unknown."""
    capture_quality: CaptureQuality = "none"
    arrival_ns: int = 0
    """Monotonic; when the packet came."""
    keyframe: bool = False
    corrupt: bool = False
    interlaced: bool = False
    codec_generation: int = 0
    color_range: ColorRange = "tv"
    colorspace: Colorspace = "unspecified"
    sample_aspect: Fraction = Fraction(1)
    tag: int = 0
    """A number of the program's own, 0 to 65535."""


def write_meta(memory: memoryview, slot_header_at: int, meta: FrameMeta) -> None:
    """Write the part of a slot's header that every frame has of its own; raise KeyError, struct.error."""
    time_base_num, time_base_den = meta.time_base.as_integer_ratio()
    aspect_num, aspect_den = meta.sample_aspect.as_integer_ratio()
    flags = meta.keyframe * KEYFRAME | meta.corrupt * CORRUPT | meta.interlaced * INTERLACED
    SLOT_FRAME.pack_into(
        memory,
        slot_header_at + SLOT_FRAME_OFFSET,
        meta.codec_generation,
        NO_PTS if meta.pts is None else meta.pts,
        meta.capture_ns,
        meta.arrival_ns,
        0,
        QUALITY_CODES[meta.capture_quality],
        time_base_num,
        time_base_den,
        aspect_num,
        aspect_den,
        MATRIX_CODES[meta.colorspace],
        RANGE_CODES[meta.color_range],
        flags,
        meta.tag,
    )
