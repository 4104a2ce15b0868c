"""What H.264 and H.265 share: NAL units put together to access units, with their parameter sets."""

import base64
import binascii
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator

from camgraph.media.rtp.units import AccessUnit

START_CODE = b"\0\0\0\1"
MOST_UNIT_BYTES = 16 << 20
"""A sender whose access unit grows beyond this never ends it; what was held is dropped."""
_MOST_SET_BYTES = 4096
_MOST_SETS = 64
_MOST_DESCRIBED = 256
_MOST_MESSAGE_BYTES = 1 << 16
_RECOVERY_POINT = 6
_FIRST = 0x80
_MOST_STRANGE = 8


class NalDepacketizer(ABC):
    """Puts NAL units together, whichever way they came; subclasses know the payload's structure.

    A unit begins with what stands before its first slice, even if that has an earlier timestamp or a marker
    of its own, and ends at the marker bit or the next timestamp. A sender whose marker was followed by more
    slices of the same picture is not believed any more: its units end at the next timestamp.

    After a gap, a unit is whole without doubt only if it needs nothing from before: see `fresh`.
    """

    header_bytes: int
    """Of a NAL unit."""
    slices: frozenset[int]
    """Types that begin with the flag "first slice of the picture"."""
    keys: frozenset[int]
    """Those from which decoding can begin."""
    fresh: frozenset[int]
    """Those of the keys after which no picture refers to one before, even if it comes later."""
    sets: tuple[int, ...]
    """Types of parameter sets, in the order of their dependence."""
    sei: int
    """Type of the messages before a picture."""

    def __init__(self, sets: Iterable[bytes]) -> None:
        """Begin with the parameter sets that were described, whole or broken."""
        self._known: dict[int, list[bytes]] = {kind: [] for kind in self.sets}
        self._lies = False
        self._handed = -1
        """The timestamp of what was handed over at a marker."""
        self._gap = False
        self._held = -1
        """The timestamp of the unit."""
        self._timestamp = -1
        """The same while all is well; else -1, so that the next packet is looked at closely."""
        self._unit = bytearray()
        self._open_at = -1
        """Where the fragmented NAL unit begins that is not complete; -1: there is none."""
        self._strange = 0
        """Payloads one after the other that can't be of this codec, or hold no picture of it."""
        self._middle: bytes | None = None
        """How its next packet begins, unless it is the last one."""
        self._damaged = False
        """Something of this unit is missing."""
        self._after_gap = False
        """Something between the last unit and this one is missing."""
        self._sets_in_band = True
        """The newest key picture brought parameter sets along; or there was none, and they were not told."""
        self._sliced = self._key = self._is_fresh = False
        self._recovery = -1
        """How many pictures after this one all is well; -1: no recovery point."""
        self._own: set[int] = set()
        """Types of the parameter sets that the unit brought."""
        for nal in sets:
            self._note_set(nal)
        self._own.clear()
        self._sets_in_band = not all(self._known.values())

    @property
    def foreign(self) -> bool:
        """Whether what comes now is of another codec."""
        return self._strange >= _MOST_STRANGE

    @property
    def parameter_sets(self) -> bytes:
        """The newest parameter sets in Annex B; empty: none is known."""
        return b"".join(START_CODE + nal for kind in self.sets for nal in self._known[kind])

    def push(
        self, data: bytes | memoryview, start: int, end: int, timestamp: int, marker: bool
    ) -> list[AccessUnit]:
        """Take the payload `data[start:end]` of the next packet; return the units that are complete."""
        units = [] if timestamp == self._timestamp else self._turn_to(timestamp)
        after = start + self.header_bytes + 1
        if data[start:after] == self._middle and after < end:
            self._unit += data[after:end]
        elif start < end:
            self._take(data, start, end)
        if marker and not self._lies:
            self._end_fragment()
            if self._sliced:
                self._handed = timestamp
                units.append(self._finish())
        if len(self._unit) > MOST_UNIT_BYTES:
            self._drop()
        return units

    def lost(self) -> None:
        """Take note that packets before the next one are missing."""
        self._gap = True
        self._timestamp = -1
        if self._open_at >= 0:
            self._cut_fragment()

    def flush(self) -> list[AccessUnit]:
        """Return what is held, unless the end of its last NAL unit is still to come."""
        if self._open_at >= 0 or not self._sliced:
            return []
        self._damaged = self._damaged or self._gap
        return [self._finish()]

    @abstractmethod
    def _kind(self, nal: bytes) -> int:
        """Return the type of a NAL unit that is not empty."""

    @abstractmethod
    def _take(self, data: bytes | memoryview, start: int, end: int) -> None:
        """Take a payload that is not empty, other than the middle of a fragmented NAL unit."""

    def _add(self, nal: bytes) -> None:
        """Add a whole NAL unit, or several with start codes, which some cameras send as one."""
        self._end_fragment()
        if nal[:2] == b"\0\0" or (self._kind(nal) not in self.slices and b"\0\0\1" in nal):
            for part in annexb_nals(nal):
                self._add_one(part)
        else:
            self._add_one(nal)

    def _add_aggregated(
        self, data: bytes | memoryview, at: int, end: int, *, between: int = 0, after: int = 0
    ) -> None:
        """Add NAL units that follow one another, each with its size before it; the first one stands at `at`.

        Bytes of no interest stand `between` a size and its NAL unit, and `after` each NAL unit. Sizes of 0
        are padding.
        """
        while at + 2 + between < end:
            begin = at + 2 + between
            size = data[at] << 8 | data[at + 1]
            if begin + size > end:
                self._damaged = True
                return
            if size:
                self._add(bytes(data[begin : begin + size]))
            at = begin + size + after

    def _start_fragment(self, header: bytes, first: bytes | memoryview, middle: bytes) -> None:
        """Begin a fragmented NAL unit; `middle` is how the next packets of it begin, but for the last."""
        self._end_fragment()
        self._open_at, self._middle = len(self._unit), middle
        self._unit += START_CODE + header
        self._unit += first

    def _continue_fragment(self, more: bytes | memoryview, *, last: bool) -> None:
        if self._open_at < 0:
            if self._held == self._handed and not (self._damaged or self._after_gap):
                self._lies = True
            self._damaged = True
            return
        self._unit += more
        if last:
            self._end_fragment()

    def _end_fragment(self) -> None:
        """Take the fragmented NAL unit as it is: nothing of it is missing, even if its end was not told."""
        at, self._open_at, self._middle = self._open_at, -1, None
        if at < 0:
            return
        head = self._head(at)
        if self._kind(head) in self.slices:
            self._note_slice(head)
        else:
            nal = bytes(self._unit[at + len(START_CODE) :])
            del self._unit[at:]
            self._add(nal)

    def _cut_fragment(self) -> None:
        """End a fragmented NAL unit whose rest is missing: the beginning of a slice can still be shown."""
        if self._kind(self._head(self._open_at)) in self.slices:
            self._end_fragment()
        else:
            del self._unit[self._open_at :]
            self._open_at, self._middle = -1, None

    def _head(self, at: int) -> bytes:
        """Return the header of the NAL unit whose start code stands at `at`, and the byte after it."""
        begin = at + len(START_CODE)
        return bytes(self._unit[begin : begin + self.header_bytes + 1])

    def _add_one(self, nal: bytes) -> None:
        kind = self._kind(nal)
        if kind in self.slices:
            self._note_slice(nal[: self.header_bytes + 1])
        elif kind in self._known:
            self._note_set(nal)
        elif kind == self.sei:
            recovery = recovery_point(nal[self.header_bytes :], signed=self.header_bytes == 2)
            self._recovery = self._recovery if recovery is None else recovery
        self._unit += START_CODE
        self._unit += nal

    def _note_slice(self, head: bytes) -> None:
        if not self._sliced:
            self._sliced = True
            if len(head) <= self.header_bytes or not head[self.header_bytes] & _FIRST:
                if self._held == self._handed and not (self._damaged or self._after_gap):
                    self._lies = True
                self._damaged = True
        kind = self._kind(head)
        if kind in self.keys:
            self._key = True
            self._is_fresh = kind in self.fresh

    def _note_set(self, nal: bytes) -> None:
        """Keep a parameter set in place of those of its type that former units brought."""
        kind = self._kind(nal)
        known = self._known.get(kind)
        if known is None or len(nal) > _MOST_SET_BYTES:
            return
        if kind not in self._own:
            self._own.add(kind)
            known.clear()
        if nal not in known and len(known) < _MOST_SETS:
            known.append(nal)

    def _turn_to(self, timestamp: int) -> list[AccessUnit]:
        """Look closely at the timestamp of the next packet: it may begin a unit, or follow a loss."""
        units: list[AccessUnit] = []
        gap, self._gap = self._gap, False
        if gap and self._unit:
            self._damaged = True
        if timestamp != self._held:
            self._end_fragment()
            if self._sliced:
                units.append(self._finish())
            elif self._damaged:
                self._drop()
        if gap:
            self._after_gap = True
        self._held = self._timestamp = timestamp
        return units

    def _finish(self) -> AccessUnit:
        """Return the unit, and begin the next one."""
        data = bytes(self._unit)
        recovers = self._recovery >= 0 and bool(self._known[self.sets[-2]])
        keyframe = self._key or recovers
        complete = len(self._own) == len(self.sets)
        if keyframe and not complete:
            data = self.parameter_sets + data
        damaged = self._damaged or (keyframe and not all(self._known.values()))
        if self._after_gap:
            # Where the sets use to come along, those of this unit may be missing: new ones, at worst.
            sets_are_whole = complete or not (self._own or self._sets_in_band)
            damaged = damaged or not (self._is_fresh and sets_are_whole)
        if self._key and not damaged:
            self._sets_in_band = bool(self._own)
        refresh = recovers and not self._key and self._recovery > 0
        unit = AccessUnit(data, self._held, keyframe, damaged, refresh)
        self._begin()
        self._damaged = self._after_gap = False
        return unit

    def _begin(self) -> None:
        self._unit.clear()
        self._timestamp = -1
        self._sliced = self._key = self._is_fresh = False
        self._recovery = -1
        self._own.clear()

    def _drop(self) -> None:
        """Forget what is held: too little of it came, or too much."""
        self._open_at, self._middle = -1, None
        self._begin()
        self._damaged, self._after_gap = False, True


def annexb_nals(data: bytes) -> Iterator[bytes]:
    """Give the NAL units of a text in Annex B; what stands before the first start code is one, too."""
    for part in data.split(b"\0\0\1"):
        if nal := part.rstrip(b"\0"):
            yield nal


def described_sets(*texts: str) -> Iterator[bytes]:
    """Give the NAL units of parameters like ``sprop-parameter-sets``: in base64, with commas between them.

    Broken ones are left out, and what comes after the first `_MOST_DESCRIBED`.
    """
    for part in ",".join(texts).split(",", _MOST_DESCRIBED)[:_MOST_DESCRIBED]:
        text = part.strip().strip("\"'")
        try:
            data = base64.b64decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4))
        except (binascii.Error, ValueError):
            continue
        yield from annexb_nals(data)


def recovery_point(messages: bytes, *, signed: bool) -> int | None:
    """Return how many pictures after a recovery point all is well; None: these messages (SEI) tell of none.

    `signed`: the count is written so (H.265).
    """
    data = messages[:_MOST_MESSAGE_BYTES].replace(b"\0\0\3", b"\0\0")
    at = 0
    while at + 2 < len(data):
        kind = size = 0
        while data[at] == 0xFF and at + 2 < len(data):
            kind, at = kind + 255, at + 1
        kind, at = kind + data[at], at + 1
        while data[at] == 0xFF and at + 1 < len(data):
            size, at = size + 255, at + 1
        size, at = size + data[at], at + 1
        if kind == _RECOVERY_POINT:
            number = _exp_golomb(data[at : at + min(size, 8)])
            return (number + 1) // 2 if signed else number
        at += size
    return None


def _exp_golomb(data: bytes) -> int:
    """Return the number that a text of bits begins with; 0 if there is none."""
    bits = int.from_bytes(data, "big")
    zeros = 8 * len(data) - bits.bit_length()
    if not bits or 2 * zeros + 1 > 8 * len(data):
        return 0
    return (bits >> (8 * len(data) - 2 * zeros - 1)) - 1
