"""Which stream runs in which media process: a rule, and the assignments it leads to. No process, no clock.

1. A stream that asks for its own process gets one.
2. The others share as few processes as hold them: `most_streams` each at most, and no more load than
   `most_cores`, by what was measured, or `assumed_cores` for a stream that was not yet.
3. A stream goes to the shared process with the least load, and stays there: moving costs a reconnection.
4. Only a process whose load has grown beyond `most_cores` gives a stream away, its busiest; one at a time,
   as `relieve` says.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from camgraph.control.messages import PlacementRule

RULE = PlacementRule(most_streams=8, most_cores=1.0, assumed_cores=0.05)


@dataclass(frozen=True)
class Seat:
    """One media process: its streams, and whether it belongs to the only one."""

    streams: tuple[str, ...]
    own: bool = False


class Placement:
    """The assignment of streams to media processes, by the processes' names: ``media-1``, ``media-2`` …"""

    def __init__(self, rule: PlacementRule = RULE) -> None:
        self.rule = rule
        self._seats: dict[str, Seat] = {}

    @property
    def seats(self) -> Mapping[str, Seat]:
        """The processes that are needed, each with its streams."""
        return self._seats

    def process_of(self, stream: str) -> str | None:
        """Return the name of the process that runs a stream; None: it is not placed."""
        return next((name for name, seat in self._seats.items() if stream in seat.streams), None)

    def assign(self, streams: Mapping[str, bool], cores: Mapping[str, float]) -> None:
        """Place these streams and no others; the value says whether one wants its own process.

        `cores` is the measured load by stream, as far as known.
        """
        kept = {}
        for name, seat in self._seats.items():
            staying = tuple(stream for stream in seat.streams if streams.get(stream) is seat.own)
            if staying:
                kept[name] = Seat(staying, seat.own)
        self._seats = kept
        placed = {stream for seat in kept.values() for stream in seat.streams}
        for stream, own in streams.items():
            if own and stream not in placed:
                self._seats[self._new_name()] = Seat((stream,), own=True)
        sharing = [stream for stream, own in streams.items() if not own]
        for _ in range(self._needed(sharing, cores) - len(self._shared())):
            self._seats[self._new_name()] = Seat(())
        for stream in sharing:
            if stream not in placed:
                self._add(self._with_room("", self._load([stream], cores), cores), stream)
        self._seats = {name: seat for name, seat in self._seats.items() if seat.streams}

    def relieve(self, cores: Mapping[str, float]) -> str | None:
        """Move one stream out of an overloaded process, to one with room or a new one; return it, if any."""
        rule = self.rule
        for name, seat in self._shared().items():
            if len(seat.streams) < 2 or self._load(seat.streams, cores) <= rule.most_cores:
                continue
            busiest = max(seat.streams, key=lambda one: self._load([one], cores))
            target = self._with_room(name, self._load([busiest], cores), cores)
            self._seats[name] = Seat(tuple(other for other in seat.streams if other != busiest))
            self._add(target, busiest)
            return busiest
        return None

    def _needed(self, sharing: list[str], cores: Mapping[str, float]) -> int:
        by_count = math.ceil(len(sharing) / self.rule.most_streams)
        return max(by_count, math.ceil(self._load(sharing, cores) / self.rule.most_cores))

    def _with_room(self, except_for: str, load: float, cores: Mapping[str, float]) -> str:
        """Return the least loaded process that takes a stream of this load; a new one, if none does."""
        others = {name: seat for name, seat in self._shared().items() if name != except_for}
        for name in sorted(others, key=lambda name: self._load(others[name].streams, cores)):
            streams = others[name].streams
            loaded = self._load(streams, cores) + load
            if not streams or (len(streams) < self.rule.most_streams and loaded <= self.rule.most_cores):
                return name
        return self._new_name()

    def _add(self, name: str, stream: str) -> None:
        seat = self._seats.get(name, Seat(()))
        self._seats[name] = Seat((*seat.streams, stream), seat.own)

    def _shared(self) -> dict[str, Seat]:
        return {name: seat for name, seat in self._seats.items() if not seat.own}

    def _load(self, streams: Iterable[str], cores: Mapping[str, float]) -> float:
        return sum(cores.get(stream, self.rule.assumed_cores) for stream in streams)

    def _new_name(self) -> str:
        number = 1
        while f"media-{number}" in self._seats:
            number += 1
        return f"media-{number}"
