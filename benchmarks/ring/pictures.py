"""The frames a writer publishes, and what a reader must find in them."""

import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

import av
import numpy as np
from av.video.plane import VideoPlane

from benchmarks.ring.setup import Setup
from benchmarks.ring.transports.base import Picture, tight
from camgraph.testing.clips import GOP, ClipRequest, ClipStore

_COUNT = 12
_SHADE = 20
_CLIP_GOPS = 4
_CLIPS = Path(__file__).resolve().parents[2] / "build" / "bench" / "clips"


def checksum(payload: Picture, step: int) -> int:
    """Return a checksum of each `step`-th byte of a payload."""
    return zlib.crc32(np.ascontiguousarray(payload[::step]).data)


class Pictures(Protocol):
    """Frames without end; frame n has the checksum n modulo their number."""

    checksums: Sequence[int]

    def frames(self) -> Iterator[Sequence[Picture]]:
        """Yield the planes of one frame after another."""
        ...


def open_pictures(setup: Setup) -> Pictures:
    """Return the frames of a configuration."""
    return Decoded(setup) if setup.source == "decoded" else Still(setup)


class Still:
    """Pictures made beforehand: noise in so many shades that no byte is the same in two of them."""

    def __init__(self, setup: Setup) -> None:
        noise = np.random.default_rng(3).integers(0, 256, setup.frame_bytes, np.uint8)
        whole = [noise + np.uint8(_SHADE * index) for index in range(_COUNT)]
        self.checksums: Sequence[int] = [checksum(picture, setup.check_step) for picture in whole]
        self._planes = [_planes(setup, picture) for picture in whole]

    def frames(self) -> Iterator[Sequence[Picture]]:
        """Yield the pictures in turn."""
        while True:
            yield from self._planes


def _planes(setup: Setup, picture: Picture) -> Sequence[Picture]:
    height, width = setup.height, setup.width
    luma, chroma = setup.luma_bytes, setup.luma_bytes // 4
    return (
        picture[:luma].reshape(height, width),
        picture[luma : luma + chroma].reshape(height // 2, width // 2),
        picture[luma + chroma :].reshape(height // 2, width // 2),
    )


class Decoded:
    """A clip of the built-in cameras, decoded when the next frame is asked for."""

    def __init__(self, setup: Setup) -> None:
        self._units = _clip(setup)
        frames = self.frames()
        payload = np.empty(setup.frame_bytes, np.uint8)
        checksums = []
        for _ in self._units:
            tight(next(frames), payload)
            checksums.append(checksum(payload, setup.check_step))
        self.checksums: Sequence[int] = checksums

    def frames(self) -> Iterator[Sequence[Picture]]:
        """Decode the clip again and again; the planes are the decoder's own memory."""
        decoder = av.VideoCodecContext.create("h264", "r")
        decoder.thread_type = "NONE"
        while True:
            for unit in self._units:
                for frame in decoder.decode(av.Packet(unit)):
                    yield [_visible(plane) for plane in frame.planes]


def prepare(setup: Setup) -> None:
    """Have the clip of a configuration at hand, so that no run has to encode it."""
    if setup.source == "decoded":
        _clip(setup)


def _clip(setup: Setup) -> list[bytes]:
    store = ClipStore(_CLIPS)
    request = ClipRequest(camera=1, width=setup.width, height=setup.height, fps=round(setup.fps))
    units = store.find(request) or store.make(request, lambda: False)
    return units[: _CLIP_GOPS * GOP]


def _visible(plane: VideoPlane) -> Picture:
    rows: Picture = np.frombuffer(memoryview(plane), np.uint8).reshape(plane.height, plane.line_size)
    return rows[:, : plane.width]
