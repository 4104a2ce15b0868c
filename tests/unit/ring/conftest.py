"""A ring in the test's own process: real memfds, locks and sockets, served by hand."""

import socket
from collections import deque
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from camgraph.base.errors import BrokenError
from camgraph.base.pixels import FrameFormat, planes_of
from camgraph.ring.protocol import MAX_DATAGRAM_BYTES, Hello, RingRequest
from camgraph.ring.reader import Reader
from camgraph.ring.writer import FrameMeta, RingWriter

Pixels = npt.NDArray[np.uint8]

REQUEST = RingRequest("door")


class Site:
    """What a reader connects to: keeps connections until the test serves them. No thread, no process."""

    def __init__(self) -> None:
        self.waiting: deque[socket.socket] = deque()
        self.gone = False
        self.connected = 0
        self._writers: list[RingWriter] = []
        self._readers: list[Reader] = []

    @staticmethod
    def picture(
        number: int, pixel_format: FrameFormat = "gray8", width: int = 32, height: int = 16
    ) -> list[Pixels]:
        """Planes filled from a generator seeded with `number`: no two pictures alike."""
        generator = np.random.default_rng(number)
        return [
            generator.integers(0, 256, (plane.height, plane.width * plane.channels), dtype=np.uint8)
            for plane in planes_of(pixel_format, width, height)
        ]

    def publish(self, writer: RingWriter, *numbers: int) -> bool:
        """Publish the gray pictures of the numbers, which are their pts as well."""
        told = True
        for number in numbers:
            told &= writer.publish(self.picture(number), FrameMeta(pts=number, time_base=Fraction(1)))
        return told

    def connect(self) -> socket.socket:
        if self.gone:
            raise BrokenError("site 'test' does not answer")
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.setblocking(False)
        self.waiting.append(theirs)
        self.connected += 1
        return ours

    def writer(
        self,
        pixel_format: FrameFormat = "gray8",
        width: int = 32,
        height: int = 16,
        *,
        epoch: int = 1,
        **options: Any,
    ) -> RingWriter:
        writer = RingWriter("door", pixel_format, width, height, epoch=epoch, **options)
        self._writers.append(writer)
        return writer

    def reader(self, writer: RingWriter | None = None, **options: Any) -> Reader:
        """Make a reader; with a writer, its ring has been granted when this returns."""
        reader = Reader(self.connect, REQUEST, **options)
        self._readers.append(reader)
        if writer is not None:
            self.serve(writer)
        return reader

    def serve(self, writer: RingWriter) -> list[bool]:
        """Give the ring to all that have connected."""
        served = []
        while self.waiting:
            sock = self.waiting.popleft()
            hello = Hello.decode(sock.recv(MAX_DATAGRAM_BYTES))
            served.append(writer.add_reader(sock, hello))
        return served

    def drop_waiting(self) -> None:
        """End the connections that wait without having served them."""
        while self.waiting:
            self.waiting.popleft().close()

    def close(self) -> None:
        for reader in self._readers:
            reader.close()
        for writer in self._writers:
            writer.close()
        self.drop_waiting()


@pytest.fixture
def site() -> Iterator[Site]:
    """A site, with all that it has made closed at the end."""
    site = Site()
    yield site
    site.close()
