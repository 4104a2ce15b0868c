"""What each kind of filter does with the frames that reach it, with packets and pictures apart."""

import time
from typing import Protocol

from camgraph.graph.nodes import Filter, Fresh, Interval, Rate
from camgraph.media.decode import Picture
from camgraph.media.pace import Pace
from camgraph.media.source import Packet

_MS = 1_000_000
_REORDERED_MS = 1000
"""Packets of a codec that looks ahead come by so much at most in another order than that of their times."""


class Step(Protocol):
    """One filter's part in a stream; belongs to the stream's thread. `node` may be another for each frame."""

    def picture(self, picture: Picture) -> Picture | None:
        """Return the picture as it goes on; None: it does not pass."""
        ...

    def packet(self, packet: Packet, codec: str) -> Packet | None:
        """Return the packet as it goes on; None: it does not pass."""
        ...

    def follow(self, node: Filter) -> None:
        """Do from the next frame on as the node says; the loop's thread says so."""
        ...


def wall_ns(monotonic_ns: int) -> int:
    """Return what the wall clock showed at a time of the monotonic clock, as it goes now."""
    return time.time_ns() - time.monotonic_ns() + monotonic_ns


def time_ns(packet: Packet) -> int:
    """Return a frame's time, of capture or else of arrival, to compare with others of its camera."""
    return packet.capture_ns or packet.arrival_ns


class Spacing:
    """Chooses frames that lie at least so many ms apart, by their own times; the first always."""

    def __init__(self, reordered_ms: int = 0) -> None:
        """A frame that is older than the last chosen one, and by more than `reordered_ms`, begins anew."""
        self._reordered_ms = reordered_ms
        self._last_ms: int | None = None

    def forget(self) -> None:
        """Choose the next frame, whatever its time."""
        self._last_ms = None

    def accept(self, frame_ns: int, shortest_ms: int) -> bool:
        """Tell whether a frame is chosen."""
        frame_ms, last_ms = frame_ns // _MS, self._last_ms
        if last_ms is not None and last_ms - self._reordered_ms <= frame_ms < last_ms + shortest_ms:
            return False
        self._last_ms = frame_ms
        return True


class PassAll:
    """Lets all frames pass: what a gate, or a branch, does while it is open."""

    def picture(self, picture: Picture) -> Picture | None:
        """Return the picture."""
        return picture

    def packet(self, packet: Packet, codec: str) -> Packet | None:
        """Return the packet."""
        return packet

    def follow(self, node: Filter) -> None:
        """Do nothing: there is nothing to choose."""


class Thin:
    """Keeps to a rate."""

    def __init__(self, node: Rate) -> None:
        self._fps = node.fps
        self._pictures, self._packets = Pace(node.fps), Pace(node.fps)

    def picture(self, picture: Picture) -> Picture | None:
        """Return the picture if the rate allows."""
        packet = picture.packet
        passes = self._pictures.accept(picture.frame.pts, packet.time_base, packet.arrival_ns)
        return picture if passes else None

    def packet(self, packet: Packet, codec: str) -> Packet | None:
        """Return the packet if the rate allows."""
        return packet if self._packets.accept(packet.pts, packet.time_base, packet.arrival_ns) else None

    def follow(self, node: Filter) -> None:
        """Go over to another rate."""
        assert isinstance(node, Rate)
        if node.fps != self._fps:
            self._fps = node.fps
            self._pictures, self._packets = Pace(node.fps), Pace(node.fps)


class Space:
    """Passes frames that are so much younger than the last that passed."""

    def __init__(self, node: Interval) -> None:
        self._shortest_ms = node.shortest_ms
        self._pictures, self._packets = Spacing(), Spacing(_REORDERED_MS)

    def picture(self, picture: Picture) -> Picture | None:
        """Return the picture if it is young enough."""
        return picture if self._pictures.accept(time_ns(picture.packet), self._shortest_ms) else None

    def packet(self, packet: Packet, codec: str) -> Packet | None:
        """Return the packet if it is young enough."""
        return packet if self._packets.accept(time_ns(packet), self._shortest_ms) else None

    def follow(self, node: Filter) -> None:
        """Go over to another interval."""
        assert isinstance(node, Interval)
        self._shortest_ms = node.shortest_ms


class KeepFresh:
    """Holds back what is too old by now."""

    def __init__(self, node: Fresh) -> None:
        self._oldest_ms = node.oldest_ms

    def picture(self, picture: Picture) -> Picture | None:
        """Return the picture if it is not too old."""
        return picture if self._is_fresh(picture.packet) else None

    def packet(self, packet: Packet, codec: str) -> Packet | None:
        """Return the packet if it is not too old."""
        return packet if self._is_fresh(packet) else None

    def follow(self, node: Filter) -> None:
        """Go over to another age."""
        assert isinstance(node, Fresh)
        self._oldest_ms = node.oldest_ms

    def _is_fresh(self, packet: Packet) -> bool:
        if packet.capture_ns:
            age_ns = time.time_ns() - packet.capture_ns
        else:
            age_ns = time.monotonic_ns() - packet.arrival_ns
        return age_ns <= self._oldest_ms * _MS


class StampArrival:
    """Gives frames the time of their arrival, for all that comes after."""

    def picture(self, picture: Picture) -> Picture | None:
        """Return the picture with another time."""
        return picture._replace(packet=_stamped(picture.packet))

    def packet(self, packet: Packet, codec: str) -> Packet | None:
        """Return the packet with another time."""
        return _stamped(packet)

    def follow(self, node: Filter) -> None:
        """Do nothing: there is nothing to choose."""


def _stamped(packet: Packet) -> Packet:
    return packet._replace(capture_ns=wall_ns(packet.arrival_ns), capture_quality="arrival")
