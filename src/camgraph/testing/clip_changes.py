"""Cameras that go on with another clip within a session: another size, codec or rate."""

import asyncio
import threading
from dataclasses import dataclass, replace

from camgraph.media.rtsp.sdp import describe_video
from camgraph.testing.clips import FFMPEG_NAMES, ClipRequest, ClipStore
from camgraph.testing.faults import ClipFault, OtherCodec, OtherRate, OtherSize
from camgraph.testing.player import Player


@dataclass(frozen=True)
class Playing:
    """A camera's player, and the clip it plays when it has no fault."""

    player: Player
    request: ClipRequest
    units: list[bytes]


class ClipChanges:
    """Changes what cameras play. Clips that are not in the cache are encoded, in a thread, meanwhile."""

    def __init__(self, cameras: dict[int, Playing]) -> None:
        self._cameras = cameras
        self._plays = {number: camera.request for number, camera in cameras.items()}
        self._store = ClipStore()
        self._ends = threading.Event()

    def close(self) -> None:
        """Let no encoding hold up the end of the process."""
        self._ends.set()

    async def change(self, number: int, fault: ClipFault | None) -> None:
        """Have a camera play what a fault says, its own clip without one; ValueError if there is none."""
        camera = self._cameras[number]
        wanted = _changed(camera.request, fault)
        if wanted == self._plays[number]:
            return
        if wanted == camera.request:
            units = camera.units
        else:
            units = await asyncio.to_thread(self._units, wanted)
        codec, before = FFMPEG_NAMES[wanted.codec], self._plays[number]
        media, kept = describe_video(codec, units[0]), camera.player.broadcast.media.payload_type
        if isinstance(fault, OtherCodec):
            media = replace(media, payload_type=fault.payload_type or kept)
        # A packetizer takes the size of JPEG pictures from its first.
        resized = wanted.codec == "mjpeg" and (wanted.width, wanted.height) != (before.width, before.height)
        new_source = wanted.codec != before.codec or media.payload_type != kept or resized
        camera.player.switch(codec, media, units, rate=wanted.fps, gop=wanted.gop, new_source=new_source)
        self._plays[number] = wanted

    def _units(self, request: ClipRequest) -> list[bytes]:
        found = self._store.find(request)
        return found if found is not None else self._store.make(request, self._ends.is_set)


def _changed(request: ClipRequest, fault: ClipFault | None) -> ClipRequest:
    match fault:
        case OtherSize(width=width, height=height):
            return replace(request, width=width, height=height)
        case OtherCodec(codec=codec):
            return replace(request, codec=codec)
        case OtherRate(fps=fps):
            if not 1 <= fps <= 100:
                raise ValueError(f"{fps} frames per second: choose 1 to 100")
            return replace(request, fps=fps)
    return request
