"""AAC, as RFC 3640 (MPEG4-GENERIC) and RFC 6416 (MP4A-LATM) send it: frames of sound without headers."""

from abc import ABC, abstractmethod
from collections.abc import Mapping

from camgraph.media.rtp.depacketize.bits import Bits
from camgraph.media.rtp.units import AccessUnit

_MOST_FRAME_BYTES = 1 << 16
_FRAME_TICKS = 1024
_MODES = {"aac-hbr": (13, 3), "aac-lbr": (6, 2)}
"""Bits of a frame's size and of its index, by mode; in use where they are not told."""
_AFTER_LENGTH = 255


class _AacDepacketizer(ABC):
    """What both ways share: frames of one packet, or a frame put together of several.

    `parameter_sets` is the AudioSpecificConfig, which FFmpeg takes as extradata. A frame comes whole or not
    at all, so that none is damaged.
    """

    def __init__(self, config: bytes, frame_ticks: int) -> None:
        self.parameter_sets = config
        self._frame_ticks = frame_ticks
        self._held = -1
        self._parts = bytearray()

    def push(
        self, data: bytes | memoryview, start: int, end: int, timestamp: int, marker: bool
    ) -> list[AccessUnit]:
        """Take the payload `data[start:end]` of the next packet; return the frames that are complete."""
        if timestamp != self._held:
            self._parts.clear()
            self._held = timestamp
        frames = self._take(bytes(data[start:end]), marker)
        if len(self._parts) > _MOST_FRAME_BYTES:
            self._parts.clear()
        return [
            AccessUnit(frame, (timestamp + number * self._frame_ticks) & 0xFFFFFFFF, True, False)
            for number, frame in enumerate(frames)
            if frame
        ]

    def lost(self) -> None:
        """Take note that packets before the next one are missing: what is held has no end."""
        self._parts.clear()

    def flush(self) -> list[AccessUnit]:
        """Return nothing: what is held is a part of a frame, of no use."""
        return []

    @abstractmethod
    def _take(self, payload: bytes, marker: bool) -> list[bytes]:
        """Return the frames that are complete with this payload."""


class AacDepacketizer(_AacDepacketizer):
    """RFC 3640: sizes of frames, then the frames; or a part of one.

    Interleaved frames keep the order of sending.
    """

    def __init__(self, parameters: Mapping[str, str]) -> None:
        ticks = _number(parameters, "constantduration", _FRAME_TICKS)
        super().__init__(_hex(parameters.get("config", "")), ticks or _FRAME_TICKS)
        size, index = _MODES.get(parameters.get("mode", "").lower(), _MODES["aac-hbr"])
        self._size_bits = _number(parameters, "sizelength", size)
        self._index_bits = _number(parameters, "indexlength", index)
        self._delta_bits = _number(parameters, "indexdeltalength", index)

    def _take(self, payload: bytes, marker: bool) -> list[bytes]:
        if not self._size_bits:
            return [payload]
        header_bits = int.from_bytes(payload[:2], "big")
        at = 2 + (header_bits + 7) // 8
        sizes = self._sizes(payload[2:at], header_bits)
        if len(sizes) == 1 and sizes[0] > len(payload) - at:
            # Each part repeats the size of the whole frame.
            self._parts += payload[at:]
            whole = len(self._parts) >= sizes[0]
            frames = [bytes(self._parts[: sizes[0]])] if whole else []
            if whole or marker:
                self._parts.clear()
            return frames
        self._parts.clear()
        frames = []
        for size in sizes:
            # What the packet is too short for is empty, so that the frames after it keep their place.
            frames.append(payload[at : at + size] if at + size <= len(payload) else b"")
            at += size
        return frames

    def _sizes(self, headers: bytes, count: int) -> list[int]:
        sizes: list[int] = []
        bits = Bits(headers)
        index_bits = self._index_bits
        while count >= self._size_bits + index_bits and bits.left >= self._size_bits + index_bits:
            sizes.append(bits.read(self._size_bits))
            bits.read(index_bits)
            count -= self._size_bits + index_bits
            index_bits = self._delta_bits
        return sizes


class LatmDepacketizer(_AacDepacketizer):
    """RFC 6416, with its configuration in the description: each frame with its length before it.

    Raises ValueError for a configuration that is in band, or of several programs or layers.
    """

    def __init__(self, parameters: Mapping[str, str]) -> None:
        if parameters.get("cpresent", "0").strip() not in ("", "0"):
            raise ValueError("the configuration is in band")
        super().__init__(_latm_config(_hex(parameters.get("config", ""))), _FRAME_TICKS)
        self._broken = True
        """Until the next marker: what comes may be the rest of something."""

    def lost(self) -> None:
        """Take note that packets before the next one are missing: what comes up to a marker is no whole."""
        super().lost()
        self._broken = True

    def _take(self, payload: bytes, marker: bool) -> list[bytes]:
        if not marker:
            self._parts += payload
            return []
        data = bytes(self._parts) + payload
        self._parts.clear()
        broken, self._broken = self._broken, False
        if broken:
            return []
        frames = []
        at = 0
        while at < len(data):
            at, size = _length(data, at)
            frames.append(data[at : at + size] if at + size <= len(data) else b"")
            at += size
        return frames


def _length(data: bytes, at: int) -> tuple[int, int]:
    """Return where the frame begins whose length stands at `at`, and the length."""
    size = 0
    while at < len(data):
        size += data[at]
        at += 1
        if data[at - 1] != _AFTER_LENGTH:
            break
    return at, size


def _latm_config(mux: bytes) -> bytes:
    """Return the AudioSpecificConfig of a StreamMuxConfig; it may be followed by bits of no meaning."""
    bits = Bits(mux)
    version, _, _, programs, layers = (bits.read(count) for count in (1, 1, 6, 4, 3))
    if version or programs or layers or bits.left < 16:
        raise ValueError("a configuration of one program and one layer is missing")
    return bits.rest()


def _hex(text: str) -> bytes:
    try:
        return bytes.fromhex(text.strip().strip('"'))
    except ValueError:
        return b""


def _number(parameters: Mapping[str, str], name: str, otherwise: int) -> int:
    text = parameters.get(name, "").strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 6 else otherwise
