"""Telling of frames as they pass: as events, and by descriptors of programs that wait for them."""

import contextlib
import os
import select
import threading
from collections.abc import Callable, Sequence

from camgraph.base.descriptors import close_all
from camgraph.base.pixels import picture_bytes
from camgraph.control.messages import NodeEvent
from camgraph.graph.nodes import Filter, Observe
from camgraph.media.decode import Picture
from camgraph.media.packets.nal import START_CODE, SYNTAXES, split_annex_b
from camgraph.media.planes import first_bytes_of
from camgraph.media.source import Packet
from camgraph.media.taps import PassAll, Spacing, time_ns

_ONE = (1).to_bytes(8, "little")
_START_CODES = (START_CODE, START_CODE[1:])
_NATIVE = ("yuv420p", "yuvj420p")


class TellFrames:
    """Passes all frames, and tells of those of one kind."""

    def __init__(self, node: Observe, stream: str, tell: Callable[[NodeEvent], None]) -> None:
        self._node, self._stream, self._tell = node, stream, tell
        self._spacing = Spacing()
        self._count = 0

    def picture(self, picture: Picture) -> Picture | None:
        """Return the picture, and tell of it if pictures are observed."""
        node, frame, packet = self._node, picture.frame, picture.packet
        if node.of == "pictures" and self._is_told(packet):
            self._say(
                packet,
                frame.format.name,
                (frame.width, frame.height),
                _bytes_in(picture),
                bool(frame.key_frame),
                first_bytes_of(frame, node.data_bytes) if node.data_bytes else b"",
            )
        return picture

    def packet(self, packet: Packet, codec: str) -> Packet | None:
        """Return the packet, and tell of it, or of its units, if that is observed."""
        node = self._node
        if node.of != "pictures" and self._is_told(packet):
            whole = memoryview(packet.data).cast("B")
            for data in _units(whole, codec) if node.of == "units" else (whole,):
                self._say(packet, codec, (0, 0), len(data), packet.keyframe, bytes(data[: node.data_bytes]))
        return packet

    def follow(self, node: Filter) -> None:
        """Tell as the node says from the next frame on."""
        assert isinstance(node, Observe)
        self._node = node

    def _is_told(self, packet: Packet) -> bool:
        self._count += 1
        every_ms = self._node.every_ms
        return not every_ms or self._spacing.accept(time_ns(packet), every_ms)

    def _say(
        self, packet: Packet, name: str, size: tuple[int, int], size_bytes: int, keyframe: bool, data: bytes
    ) -> None:
        self._tell(
            NodeEvent(
                node=self._node.id,
                kind="seen",
                stream=self._stream,
                capture_ns=packet.capture_ns,
                arrival_ns=packet.arrival_ns,
                format=name,
                width=size[0],
                height=size[1],
                size_bytes=size_bytes,
                keyframe=keyframe,
                count=self._count,
                data=data,
            )
        )


def _units(packet: memoryview, codec: str) -> Sequence[bytes | memoryview]:
    data = bytes(packet) if codec in SYNTAXES else b""
    units = split_annex_b(data) if data.startswith(_START_CODES) else ()
    return [START_CODE + unit for unit in units] or [packet]


def _bytes_in(picture: Picture) -> int:
    """Return how many bytes a picture has without padding, as far as its format is known to us."""
    frame = picture.frame
    if frame.format.name in _NATIVE:
        return picture_bytes("yuv420p", frame.width, frame.height)
    return sum(plane.buffer_size for plane in frame.planes)


class Bells:
    """Descriptors of programs that wait for the frames of one node: event descriptors, as a rule.

    The loop's thread has them replaced, the stream's thread rings; neither waits for a program.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._descriptors: tuple[int, ...] = ()

    def __bool__(self) -> bool:
        return bool(self._descriptors)

    def replace(self, descriptors: Sequence[int]) -> None:
        """Own these from now on, and close those before."""
        with self._lock:
            before, self._descriptors = self._descriptors, tuple(descriptors)
        close_all(list(before))

    def ring(self) -> None:
        """Write a 1 to each that takes it now."""
        with self._lock:
            for descriptor in self._descriptors:
                # The program may want to wait when it reads: the mode that it shares is not changed.
                poll = select.poll()
                poll.register(descriptor, select.POLLOUT)
                with contextlib.suppress(OSError):
                    if any(event == select.POLLOUT for _, event in poll.poll(0)):
                        os.write(descriptor, _ONE)


class PassAndRing(PassAll):
    """Passes all; `bells` are to be rung once what passed is where readers find it."""

    def __init__(self, bells: Bells) -> None:
        self.bells = bells
