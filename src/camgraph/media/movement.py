"""Watching pictures for movement: how much their brightness changes from one sample to the next."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from camgraph.control.messages import NodeEvent
from camgraph.graph.nodes import Filter, Movement
from camgraph.media.decode import Picture
from camgraph.media.planes import luma_of
from camgraph.media.source import Packet
from camgraph.media.taps import Spacing, time_ns

MOST_SAMPLED = 320
"""Of larger pictures about so many columns, and rows alike, are compared: more tell no more."""
_NS_PER_MS = 1_000_000
_FIRST_NOT_COUNTED = 2

Luma = NDArray[np.uint8]


class WatchMovement:
    """Samples pictures, tells when movement begins and ends, and passes the samples between the two.

    Packets all pass: what moves can't be seen in them.
    """

    def __init__(self, node: Movement, stream: str, tell: Callable[[NodeEvent], None]) -> None:
        self._node, self._stream, self._tell = node, stream, tell
        self._resets = node.resets
        self._spacing = Spacing()
        self._before: Luma | None = None
        self._samples = 0
        self._moved_ns: int | None = None
        """When it was last seen to move; None: nothing moves."""

    def picture(self, picture: Picture) -> Picture | None:
        """Return the picture if it is a sample, and something moves."""
        node, now_ns = self._node, time_ns(picture.packet)
        if node.resets != self._resets:
            self._forget(node.resets)
        if not self._spacing.accept(now_ns, node.every_ms):
            return None
        self._samples += 1
        moves = self._moves(picture, node.threshold)
        if moves:
            began, self._moved_ns = self._moved_ns is None, now_ns
            if began:
                self._say("movement_began", picture)
        elif self._moved_ns is not None:
            # The camera's clock may have been set back meanwhile.
            self._moved_ns = min(self._moved_ns, now_ns)
            if now_ns - self._moved_ns >= node.ends_after_ms * _NS_PER_MS:
                self._moved_ns = None
                self._say("movement_ended", picture)
        return picture if self._moved_ns is not None else None

    def packet(self, packet: Packet, codec: str) -> Packet | None:
        """Return the packet."""
        return packet

    def follow(self, node: Filter) -> None:
        """Watch as the node says from the next picture on."""
        assert isinstance(node, Movement)
        self._node = node

    def _forget(self, resets: int) -> None:
        self._resets = resets
        self._spacing.forget()
        self._before, self._samples, self._moved_ns = None, 0, None

    def _moves(self, picture: Picture, threshold: float) -> bool:
        before, self._before = self._before, _sample_of(picture)
        if before is None or before.shape != self._before.shape or self._samples <= _FIRST_NOT_COUNTED:
            return False
        return difference(before, self._before) > threshold

    def _say(self, kind: str, picture: Picture) -> None:
        frame, packet = picture.frame, picture.packet
        self._tell(
            NodeEvent(
                node=self._node.id,
                kind="movement_began" if kind == "movement_began" else "movement_ended",
                stream=self._stream,
                capture_ns=packet.capture_ns,
                arrival_ns=packet.arrival_ns,
                format=frame.format.name,
                width=frame.width,
                height=frame.height,
                keyframe=bool(frame.key_frame),
                count=self._samples,
            )
        )


def difference(one: Luma, other: Luma) -> float:
    """Return by how much the brightness of two pictures of one size differs in the mean, from 0 to 1."""
    apart = np.maximum(one, other) - np.minimum(one, other)
    return float(apart.mean()) / 255.0


def _sample_of(picture: Picture) -> Luma:
    luma = luma_of(picture.frame)
    step_y, step_x = (max(1, side // MOST_SAMPLED) for side in luma.shape)
    return luma[::step_y, ::step_x].copy()
