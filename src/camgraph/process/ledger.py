"""What the parties of a barrier agree on: a memfd whose size says how often all have come.

The kernel decides, in one call each: growing it by a byte says that a round is complete, sealing it against
growth says that it is broken, and whatever comes second fails. So no process is in charge, there is no lock
that a killed or stopped process could keep, and all see the same outcome of every round. The content is for
people: who has which place, and why it is broken.
"""

import fcntl
import os
import struct
from typing import NamedTuple

from camgraph.process.descriptor import Descriptor

_REASON_BYTES = 256
_SEAT = struct.Struct("<III")
_NUMBER = struct.Struct("<I")
_KEPT_AT, _PID_AT, _LEFT_AT = 0, 4, 8


class Seat(NamedTuple):
    """Who has a place."""

    kept: int
    """The number of the descriptor by which its maker sees its end; 0: nobody was given it."""
    pid: int
    """0: nobody has taken it yet."""
    left: int
    """1: it was given up, and not by dying."""


class Ledger:
    """The ledger of a barrier for so many parties; owns its descriptor."""

    def __init__(self, parties: int, memory: Descriptor) -> None:
        self.memory = memory
        self._parties = parties
        self._base = _REASON_BYTES + parties * _SEAT.size

    @classmethod
    def new(cls, parties: int) -> "Ledger":
        """Return the ledger of a new barrier."""
        flags = os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING
        made = cls(parties, Descriptor.owning(os.memfd_create("camgraph-barrier", flags)))
        os.ftruncate(made.memory.fileno(), made._base)
        # A late "complete" for a round long past must not take back what came after it.
        fcntl.fcntl(made.memory, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK)
        return made

    def complete(self, round_: int) -> bool:
        """Say that all have come to the round, counted from 0; False: it was broken before."""
        try:
            os.ftruncate(self.memory.fileno(), self._base + round_ + 1)
        except PermissionError:
            return self._completed() > round_
        return True

    def break_off(self, round_: int, why: str) -> bool:
        """Say that the round is broken, and all that follow; False: it was complete before."""
        if not self.is_broken():
            # Before it shows. Of several that break it at once, the last one's reason stands.
            text = why.encode()[:_REASON_BYTES].ljust(_REASON_BYTES, b"\0")
            os.pwrite(self.memory.fileno(), text, 0)
            fcntl.fcntl(self.memory, fcntl.F_ADD_SEALS, fcntl.F_SEAL_GROW)
        return self._completed() <= round_

    def is_broken(self) -> bool:
        """Tell whether the round under way will never be complete."""
        return bool(fcntl.fcntl(self.memory, fcntl.F_GET_SEALS) & fcntl.F_SEAL_GROW)

    def reason(self) -> str:
        """Return why it is broken."""
        text = os.pread(self.memory.fileno(), _REASON_BYTES, 0)
        return text.rstrip(b"\0").decode(errors="replace")

    def give(self, number: int, kept: int) -> None:
        """Note by which descriptor the maker sees the end of a place."""
        self._note(number, _KEPT_AT, kept)

    def take(self, number: int) -> None:
        """Note that this process has the place."""
        self._note(number, _PID_AT, os.getpid())

    def leave(self, number: int) -> None:
        """Note that this process gives the place up."""
        self._note(number, _LEFT_AT, 1)

    def seat_of(self, kept: int) -> Seat:
        """Return the place whose end the maker sees by that descriptor."""
        table = os.pread(self.memory.fileno(), self._parties * _SEAT.size, _REASON_BYTES)
        seats = (Seat(*fields) for fields in _SEAT.iter_unpack(table))
        return next((seat for seat in seats if seat.kept == kept), Seat(kept, 0, 0))

    def _note(self, number: int, at: int, value: int) -> None:
        place = _REASON_BYTES + number * _SEAT.size + at
        os.pwrite(self.memory.fileno(), _NUMBER.pack(value), place)

    def _completed(self) -> int:
        return os.fstat(self.memory.fileno()).st_size - self._base
