"""Packets to NAL units, and the parameter sets that a decoder needs before the first of them."""

from camgraph.media.packets.items import Item
from camgraph.media.packets.nal import (
    START_CODE,
    SYNTAXES,
    describe,
    sorted_sets,
    split_annex_b,
    split_by_length,
)
from camgraph.media.source import Packet


class UnitSplitter:
    """Splits the packets of one H.264 or H.265 stream, and knows its newest parameter sets."""

    def __init__(self, codec: str, extradata: bytes | None) -> None:
        """Raise KeyError for another codec."""
        self.syntax = SYNTAXES[codec]
        description = describe(self.syntax, extradata or b"")
        self._length_bytes = description.length_bytes
        self.sets = sorted_sets(self.syntax, description.sets)

    @property
    def complete(self) -> bool:
        """Whether there is a parameter set of each kind."""
        return {self.syntax.kind(unit) for unit in self.sets} == {*self.syntax.sets}

    def split(self, packet: Packet) -> list[bytes]:
        """Return a packet's NAL units, without start codes."""
        data = bytes(packet.data)
        # Such a stream may yet bring Annex B: some tell one and send the other.
        if self._length_bytes and not data.startswith(START_CODE):
            units = split_by_length(data, self._length_bytes)
        else:
            units = split_annex_b(data)
        brought = sorted_sets(self.syntax, units)
        if brought:
            kinds = {self.syntax.kind(unit) for unit in brought}
            kept = [unit for unit in self.sets if self.syntax.kind(unit) not in kinds]
            self.sets = sorted_sets(self.syntax, (*kept, *dict.fromkeys(brought)))
        return units


class NalItems:
    """Makes one item of each NAL unit, with the start code 00 00 00 01; parameter sets before each key frame.

    What is neither H.264 nor H.265 stays whole.
    """

    def __init__(self, codec: str, extradata: bytes | None) -> None:
        self._splitter = UnitSplitter(codec, extradata) if codec in SYNTAXES else None
        self._repeats = False

    @property
    def sets(self) -> tuple[bytes, ...]:
        """The newest parameter sets."""
        return () if self._splitter is None else self._splitter.sets

    def items(self, packet: Packet) -> list[Item]:
        """Return what a packet gives; before the first key frame, too."""
        if self._splitter is None:
            data = bytes(packet.data)
            return [Item(data, packet.keyframe, begins=packet.keyframe)] if data else []
        units = self._splitter.split(packet)
        if packet.keyframe or self._repeats:
            self._repeats = False
            units = self._with_sets(self._splitter, units)
        items = [Item(START_CODE + unit, packet.keyframe) for unit in units]
        if packet.keyframe and items:
            items[0] = items[0]._replace(begins=True)
        return items

    def skip(self, packet: Packet) -> None:
        """Learn the parameter sets of a key frame that is left out."""
        if self._splitter is not None and packet.keyframe:
            self._splitter.split(packet)

    def repeat_header(self) -> None:
        """Have the parameter sets come once more, before the next packet."""
        self._repeats = True

    def _with_sets(self, splitter: UnitSplitter, units: list[bytes]) -> list[bytes]:
        kind = splitter.syntax.kind
        brought = {kind(unit) for unit in units}
        lacking = [unit for unit in splitter.sets if kind(unit) not in brought]
        first = int(bool(units) and kind(units[0]) == splitter.syntax.delimiter)
        return [*units[:first], *lacking, *units[first:]]
