"""One stream to many viewers, none of whom waits for another."""

import asyncio
from collections.abc import Callable, Sequence

from camgraph.media.rtsp.meddling import Meddler
from camgraph.media.rtsp.packetize import is_rtcp
from camgraph.media.rtsp.routes import Route
from camgraph.media.rtsp.sdp import MediaDescription

MAX_BACKLOG_BYTES = 512 * 1024
"""More than this unsent: the viewer loses the frames up to a keyframe."""
RESUME_BACKLOG_BYTES = 64 * 1024
MAX_STUCK_S = 30.0
"""A viewer who takes nothing for so long is gone."""


class Viewer:
    """A client (or a group of them) that plays: gets whole frames, beginning with a keyframe, or none."""

    def __init__(self, route: Route) -> None:
        self._route = route
        self._waits_for_keyframe = True
        self._stuck_since: float | None = None

    def deliver(self, packets: Sequence[bytes], report: bytes | None, *, keyframe: bool, now: float) -> None:
        """Send the packets of a frame, or drop them; `report` is the last sender report so far.

        `now` is in seconds of the loop's clock.
        """
        backlog = self._route.backlog_bytes
        if self._waits_for_keyframe:
            if not keyframe or backlog > RESUME_BACKLOG_BYTES:
                self._note_drop(backlog, now)
                return
            self._waits_for_keyframe = False
            if report is not None and not any(map(is_rtcp, packets)):
                packets = [report, *packets]
        elif backlog > MAX_BACKLOG_BYTES:
            self._waits_for_keyframe = True
            self._note_drop(backlog, now)
            return
        self._stuck_since = None
        self._route.send(packets)

    def end(self, farewell: Sequence[bytes]) -> None:
        """Send the last packets of the stream."""
        if not self._waits_for_keyframe:
            self._route.send(farewell)

    def _note_drop(self, backlog: int, now: float) -> None:
        """Cut off a viewer that has taken nothing for `MAX_STUCK_S`."""
        if backlog <= RESUME_BACKLOG_BYTES:
            self._stuck_since = None
        elif self._stuck_since is None:
            self._stuck_since = now
        elif now - self._stuck_since > MAX_STUCK_S:
            self._route.abort()


class Broadcast:
    """A stream that clients can ask for. All methods belong to the thread of the server's loop.

    `on_audience` is called with True when the first viewer comes, with False when the last has gone: a
    source that can wait needs to work only in between.
    """

    def __init__(self, media: MediaDescription, on_audience: Callable[[bool], None]) -> None:
        self.media = media
        self.meddler: Meddler | None = None
        self._on_audience = on_audience
        self._viewers: set[Viewer] = set()
        self._report: bytes | None = None

    def join(self, viewer: Viewer) -> None:
        """Send the stream to a viewer from the next keyframe on."""
        self._viewers.add(viewer)
        if len(self._viewers) == 1:
            self._on_audience(True)

    def leave(self, viewer: Viewer) -> None:
        """Send the viewer nothing more; one who is not there may leave, too."""
        if viewer in self._viewers:
            self._viewers.remove(viewer)
            if not self._viewers:
                self._report = None
                self._on_audience(False)

    def send(self, packets: Sequence[bytes], *, keyframe: bool) -> None:
        """Send the packets of one frame to every viewer."""
        now = asyncio.get_running_loop().time()
        for viewer in list(self._viewers):
            viewer.deliver(packets, self._report, keyframe=keyframe, now=now)
        for packet in packets:
            if is_rtcp(packet):
                self._report = packet

    def end(self, farewell: Sequence[bytes]) -> None:
        """Send the last packets of the stream to every viewer."""
        for viewer in self._viewers:
            viewer.end(farewell)

    def dismiss(self, farewell: Sequence[bytes]) -> None:
        """Send the last packets to every viewer, and nothing more; their sessions and connections stay."""
        self.end(farewell)
        for viewer in list(self._viewers):
            self.leave(viewer)
