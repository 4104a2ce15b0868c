"""The clips the built-in cameras play: encoded once, kept in the user's cache, looped without a jump."""

import hashlib
import logging
import os
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path

import av
import msgspec
import numpy as np

from camgraph.testing import codeword, glyphs, picture

_log = logging.getLogger(__name__)

FRAMES = picture.PERIOD
GOP = 25
_MAGIC = b"camgraph clip 1\n"
_DIGEST_BYTES = hashlib.sha256().digest_size


class EncodingCancelled(Exception):
    """The caller asked to stop."""


@dataclass(frozen=True)
class ClipRequest:
    """What a clip shows: frames 0 to `FRAMES` - 1 of a camera, a keyframe every `GOP` frames."""

    camera: int
    width: int
    height: int
    fps: int

    def __post_init__(self) -> None:
        if self.width % 2 or self.height % 2:
            raise ValueError(f"{self.width}x{self.height}: H.264 needs even sides")
        picture.draw(0, self.camera, self.width, self.height)


Progress = Callable[[], bool]
"""Called for each frame encoded; True: stop."""


class ClipStore:
    """Clips on disk, in a directory only its user can enter; without one, clips are made anew each time."""

    def __init__(self, directory: Path | None = None) -> None:
        """Use `directory`, by default ``camgraph/clips`` in the user's cache (``XDG_CACHE_HOME``)."""
        self._directory = _usable(directory or _default_directory())

    def find(self, request: ClipRequest) -> list[bytes] | None:
        """Return the access units (H.264, Annex B) of a clip; None if it isn't there or is damaged."""
        if self._directory is None:
            return None
        try:
            data = (self._directory / _name(request)).read_bytes()
        except OSError:
            return None
        digest, payload = data[len(_MAGIC) :][:_DIGEST_BYTES], data[len(_MAGIC) + _DIGEST_BYTES :]
        if not data.startswith(_MAGIC) or hashlib.sha256(payload).digest() != digest:
            _log.warning("a clip of the cache is damaged, and made again: %s", _name(request))
            return None
        return msgspec.msgpack.decode(payload, type=list[bytes])

    def make(self, request: ClipRequest, progress: Progress) -> list[bytes]:
        """Encode a clip, keep it, return its access units. Raises EncodingCancelled if `progress` says so."""
        units = encode(request, progress)
        if self._directory is not None:
            payload = msgspec.msgpack.encode(units)
            try:
                _write(self._directory / _name(request), _MAGIC + hashlib.sha256(payload).digest() + payload)
            except OSError as error:
                _log.warning("a clip can't be kept in the cache: %s", error)
        return units


def encode(request: ClipRequest, progress: Progress) -> list[bytes]:
    """Draw and encode a clip; return its access units."""
    codec = av.VideoCodecContext.create("libx264", "w")
    codec.width, codec.height, codec.pix_fmt = request.width, request.height, "yuv420p"
    codec.time_base, codec.framerate = Fraction(1, request.fps), Fraction(request.fps)
    codec.color_range, codec.colorspace = 1, 1
    codec.color_primaries, codec.color_trc = 1, 1
    # One slice a frame and no frames in flight: what a camera sends, the same bytes each time.
    codec.thread_count = 1
    codec.options = {
        "preset": "ultrafast",
        "tune": "zerolatency",
        "crf": "23",
        "x264-params": f"keyint={GOP}:min-keyint={GOP}:scenecut=0:sliced-threads=0:repeat-headers=1",
    }
    units: list[bytes] = []
    for number in range(FRAMES):
        planes = picture.draw_yuv420p(number, request.camera, request.width, request.height)
        frame = av.VideoFrame.from_ndarray(planes, format="yuv420p")
        frame.pts = number
        units += map(bytes, codec.encode(frame))
        if progress():
            raise EncodingCancelled
    return units + [bytes(packet) for packet in codec.encode(None)]


def tone(seconds: int = 1) -> bytes:
    """Return a tone of 440 Hz as G.711 A-law, 8,000 samples a second; it loops without a jump."""
    codec = av.AudioCodecContext.create("pcm_alaw", "w")
    codec.sample_rate, codec.layout, codec.format = 8000, "mono", "s16"
    wave = 8000 * np.sin(2 * np.pi * 440 * np.arange(8000 * seconds) / 8000)
    frame = av.AudioFrame.from_ndarray(wave.astype(np.int16)[None], format="s16", layout="mono")
    frame.sample_rate = 8000
    return b"".join(map(bytes, [*codec.encode(frame), *codec.encode(None)]))


def _default_directory() -> Path | None:
    cache = os.environ.get("XDG_CACHE_HOME", "")
    if not os.path.isabs(cache):
        cache = os.path.join(os.path.expanduser("~"), ".cache")
    return Path(cache, "camgraph", "clips") if os.path.isabs(cache) else None


def _usable(directory: Path | None) -> Path | None:
    """Return the directory, made if need be, if clips can be kept in it."""
    if directory is None:
        return None
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        if directory.stat().st_uid != os.getuid():
            raise PermissionError(f"{directory} belongs to somebody else")
        directory.chmod(0o700)
        with tempfile.TemporaryFile(dir=directory):
            return directory
    except OSError as error:
        _log.warning(
            "clips are encoded anew at every start, their cache can't be written (%s); "
            "set XDG_CACHE_HOME to a directory of yours",
            error,
        )
        return None


def _name(request: ClipRequest) -> str:
    """Return a file name that stands for the request and for everything that shapes the picture."""
    sources = [Path(module.__file__ or "").read_bytes() for module in (codeword, glyphs, picture)]
    about = msgspec.json.encode([asdict(request), FRAMES, GOP, av.library_versions]) + b"".join(
        [*sources, Path(__file__).read_bytes()]
    )
    return f"camera{request.camera}-{request.width}x{request.height}-{hashlib.sha256(about).hexdigest()[:16]}"


def _write(path: Path, data: bytes) -> None:
    """Write a file at once or not at all."""
    descriptor, temporary = tempfile.mkstemp(dir=path.parent)
    try:
        with open(descriptor, "wb") as file:
            file.write(data)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
