"""What an RTP stream carries, once it is put together again."""

from __future__ import annotations

from typing import NamedTuple, Protocol


class AccessUnit(NamedTuple):
    """One encoded picture (or frame of sound), whole as far as it came.

    `data` is Annex B for H.264 and H.265 (start codes 00 00 00 01), parameter sets included where they came
    in band, and a whole JFIF file for JPEG.
    """

    data: bytes
    timestamp: int
    """The RTP timestamp as it came: 32 bits, in ticks of the stream's clock."""
    keyframe: bool
    """H.264: it has an IDR picture, or a recovery point with an SPS (`refresh` is then set too); H.265: a
    picture of types 16 to 21; JPEG and sound: always."""
    damaged: bool
    """Packets of it are missing, or of what it may need: of units between the last one and this one.

    A key picture from which decoding can begin anew, whatever is missing before it, and a frame of sound are
    damaged only if something of themselves is missing. Units that need a damaged one are not marked.
    """
    refresh: bool = False
    """A recovery point without a key picture: pictures become whole little by little (intra refresh)."""


class Depacketizer(Protocol):
    """Puts the payloads of one stream's packets together, in order."""

    def push(
        self, data: bytes | memoryview, start: int, end: int, timestamp: int, marker: bool
    ) -> list[AccessUnit]:
        """Take the payload `data[start:end]` of the next packet; return the units that are complete.

        A unit is complete at the marker bit, or when the next timestamp begins.
        """

    def lost(self) -> None:
        """Take note that packets before the next one are missing.

        What that affects is marked damaged; what lacks its beginning is dropped.
        """

    def flush(self) -> list[AccessUnit]:
        """Return what is held, as at the end of the stream or when a sender without markers is silent."""

    @property
    def parameter_sets(self) -> bytes:
        """The newest parameter sets in Annex B: the SDP's at first, then those in band; empty: none."""
