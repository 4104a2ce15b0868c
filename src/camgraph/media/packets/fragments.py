"""Packets to the boxes of a fragmented MP4 file, one fragment a packet, at once."""

import contextlib

from camgraph.media.packets import boxes
from camgraph.media.packets.boxes import TIMESCALE
from camgraph.media.packets.items import Item
from camgraph.media.packets.nal import SYNTAXES
from camgraph.media.packets.units import UnitSplitter
from camgraph.media.source import Packet

_LONGEST_REORDER, _LONGEST_GAP = TIMESCALE, 86_400 * TIMESCALE
"""Times that lie back further, or ahead, are a jump: not the order of sending, nor a gate that was closed."""
_MOST_BETWEEN = 16
"""So many pictures may be sent after one that all of them are shown before."""
_USUAL_STEP = TIMESCALE // 25


class FragmentItems:
    """Makes the boxes ``ftyp``, ``moov``, then ``moof`` and ``mdat`` for each packet, an item each.

    FFmpeg's muxer would hold each packet back until the next one has come. Begins with a key frame, once the
    parameter sets are known; they lie in ``moov`` alone, and where they change, it comes anew. Times begin at
    0; those of decoding grow always, presentation is where the packets' pts have it.
    """

    def __init__(self, codec: str, extradata: bytes | None, timeline: "Timeline | None" = None) -> None:
        """Go on with the `timeline` of fragments before, if there were any.

        Raises ValueError, with a sentence, for a codec other than H.264 and H.265.
        """
        if codec not in SYNTAXES:
            raise ValueError(f"fragmented MP4 is made of H.264 and H.265, and this is {codec}")
        self._splitter = UnitSplitter(codec, extradata)
        self._header: list[bytes] = []
        self._described: tuple[bytes, ...] = ()
        self._waits = self._repeats = True
        self._timeline = timeline or Timeline()
        self._timeline.interrupt()

    @property
    def sets(self) -> tuple[bytes, ...]:
        """The newest parameter sets."""
        return self._splitter.sets

    def items(self, packet: Packet) -> list[Item]:
        """Return a packet's boxes, before them those that a new listener needs, where that is due."""
        units = self._splitter.split(packet)
        if self._splitter.sets != self._described:
            self._describe()
        if not self._header or (self._waits and not packet.keyframe):
            return []
        kind, sets = self._splitter.syntax.kind, self._splitter.syntax.sets
        sample = [unit for unit in units if kind(unit) not in sets]
        if not sample:
            return []
        out = []
        if self._repeats:
            out = [Item(box, keyframe=False) for box in self._header]
            out[0] = out[0]._replace(begins=packet.keyframe)
        self._waits = self._repeats = False
        data = boxes.data(sample)
        time, offset = self._timeline.place(packet)
        step, key = self._timeline.step, packet.keyframe
        moof = boxes.fragment(self._timeline.placed, time, step, offset, key, len(data) - 8)
        return [*out, Item(moof, key), Item(data, key)]

    def skip(self, packet: Packet) -> None:
        """Go on with a key frame, the header before it."""
        if packet.keyframe:
            self._splitter.split(packet)
        self._waits = self._repeats = True

    def repeat_header(self) -> None:
        """Have ``ftyp`` and ``moov`` come once more before the next fragment."""
        self._repeats = True

    def _describe(self) -> None:
        """Make the header of the parameter sets of now; what went before can't go on with them."""
        self._described = self._splitter.sets
        self._header = []
        self._waits = self._repeats = True
        if self._splitter.complete:
            # Those that were damaged on the way come again.
            with contextlib.suppress(ValueError):
                self._header = [boxes.file_type(), boxes.movie(self._splitter.syntax, self._described)]


class Timeline:
    """Places packets on the time of a file."""

    def __init__(self) -> None:
        self.step = _USUAL_STEP
        """How long a picture lasts, in ticks, as those before have."""
        self.placed = 0
        """How many packets."""
        self._shift: int | None = None
        self._last = self._highest = -1
        self._lead = 0

    def interrupt(self) -> None:
        """Have the next packet follow on the last one, whatever its pts."""
        self._shift = None

    def place(self, packet: Packet) -> tuple[int, int]:
        """Return when a packet is decoded, and how much later it is shown, in ticks."""
        self.placed += 1
        numerator, denominator = packet.time_base.numerator, packet.time_base.denominator
        next_one = self._highest + self.step if self._highest >= 0 else 0
        if packet.pts is None:
            shown = next_one
        else:
            told = packet.pts * numerator * TIMESCALE // denominator
            if self._shift is None or not self._fits(told + self._shift):
                self._shift = next_one - told
            shown = told + self._shift
        if self._highest >= 0 and 0 < shown - self._highest < TIMESCALE:
            self.step = shown - self._highest
        if shown < self._highest:
            # Sent after one that it is shown before: decoding has to be so much ahead from now on.
            self._lead = max(self._lead, self._highest - shown + _MOST_BETWEEN)
        self._highest = max(self._highest, shown)
        self._last = max(self._last + 1, shown - self._lead)
        return self._last, shown - self._last

    def _fits(self, shown: int) -> bool:
        return self._last - _LONGEST_REORDER <= shown <= self._highest + _LONGEST_GAP
