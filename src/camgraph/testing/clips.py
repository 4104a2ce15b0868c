"""The clips the built-in cameras play: encoded once, kept in the user's cache, looped without a jump."""

import hashlib
import logging
import os
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import msgspec

from camgraph.cli.camera_child import Codec

_log = logging.getLogger(__name__)

FRAMES = 250
"""Length of a clip: as long as the picture takes to come back to its beginning."""
GOP = 25
_MAGIC = b"camgraph clip 1\n"
_DIGEST_BYTES = hashlib.sha256().digest_size
_SHAPING_MODULES = ("clips", "codeword", "encoding", "glyphs", "picture")


FFMPEG_NAMES: dict[Codec, str] = {"h264": "h264", "h265": "hevc", "mjpeg": "mjpeg"}


class EncodingCancelled(Exception):
    """The caller asked to stop."""


@dataclass(frozen=True)
class ClipRequest:
    """What a clip shows: frames 0 to `FRAMES` - 1 of a camera, a keyframe at least every `GOP` frames."""

    camera: int
    width: int
    height: int
    fps: int
    codec: Codec = "h264"

    @property
    def gop(self) -> int:
        """Every so many frames there is a keyframe."""
        return 1 if self.codec == "mjpeg" else GOP


Progress = Callable[[], bool]
"""Called for each frame encoded; True: stop."""


class ClipStore:
    """Clips on disk, in a directory only its user can enter; where that can't be had, clips are not kept."""

    def __init__(self, directory: Path | None = None) -> None:
        """Use `directory`, by default ``camgraph/clips`` in the user's cache (``XDG_CACHE_HOME``)."""
        self._directory = _usable(directory or _default_directory())

    def find(self, request: ClipRequest) -> list[bytes] | None:
        """Return the access units of a clip (Annex B; JPEG: files); None if it isn't there or is damaged."""
        if self._directory is None:
            return None
        try:
            data = (self._directory / _name(request)).read_bytes()
        except OSError:
            return None
        digest, payload = data[len(_MAGIC) :][:_DIGEST_BYTES], data[len(_MAGIC) + _DIGEST_BYTES :]
        if not data.startswith(_MAGIC) or hashlib.sha256(payload).digest() != digest:
            _log.warning("a clip in the cache is damaged, and made again: %s", _name(request))
            return None
        return msgspec.msgpack.decode(payload, type=list[bytes])

    def make(self, request: ClipRequest, progress: Progress) -> list[bytes]:
        """Encode a clip, keep it, return its access units.

        Raises EncodingCancelled if `progress` says so, ValueError if no such picture can be drawn.
        """
        # Drawing needs numpy, which cameras whose clips are all there can do without.
        from camgraph.testing.encoding import encode

        units = encode(request, progress)
        if self._directory is not None:
            payload = msgspec.msgpack.encode(units)
            try:
                _write(self._directory / _name(request), _MAGIC + hashlib.sha256(payload).digest() + payload)
            except OSError as error:
                _log.warning("a clip can't be kept in the cache: %s", error)
        return units


def _default_directory() -> Path | None:
    cache = os.environ.get("XDG_CACHE_HOME", "")
    if not os.path.isabs(cache):
        cache = os.path.join(os.path.expanduser("~"), ".cache")
    return Path(cache, "camgraph", "clips") if os.path.isabs(cache) else None


def _usable(directory: Path | None) -> Path | None:
    """Return the directory, made if need be, if clips can be kept in it."""
    try:
        if directory is None:
            raise FileNotFoundError("there is no home directory")
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        if directory.stat().st_uid != os.getuid():
            raise PermissionError(f"{directory} belongs to somebody else")
        directory.chmod(0o700)
        with tempfile.TemporaryFile(dir=directory):
            return directory
    except OSError as error:
        _log.warning(
            "Clips can't be kept (%s): they are encoded at every start; "
            "set XDG_CACHE_HOME to a directory you can write.",
            error,
        )
        return None


def _name(request: ClipRequest) -> str:
    """Return a file name that stands for the request and for all that shapes the picture."""
    about = hashlib.sha256(msgspec.json.encode([asdict(request), FRAMES, GOP]))
    for module in _SHAPING_MODULES:
        about.update(Path(__file__).with_name(f"{module}.py").read_bytes())
    return f"camera{request.camera}-{request.codec}-{request.width}x{request.height}-{about.hexdigest()[:16]}"


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
