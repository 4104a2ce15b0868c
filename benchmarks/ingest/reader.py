"""The native reader of each stream, in one process apart from what is measured.

``python -m benchmarks.ingest.reader stream:descriptor…``: counts the frames, reads the test pattern of some,
and answers lines on standard input with ``[count of each stream …, patterns read, torn]``.
"""

import json
import selectors
import socket
import sys
from collections.abc import Callable

from camgraph.base.errors import BrokenError
from camgraph.ring.frame import Frame
from camgraph.ring.protocol import RingRequest
from camgraph.ring.reader import Reader
from camgraph.testing import pattern

_CHECK_EACH = 25


def _connect_once(descriptor: int) -> Callable[[], socket.socket]:
    descriptors = [descriptor]

    def connect() -> socket.socket:
        if not descriptors:
            raise BrokenError("the media process has ended")
        sock = socket.socket(fileno=descriptors.pop())
        sock.setblocking(False)
        return sock

    return connect


class _Readers:
    def __init__(self, arguments: list[str]) -> None:
        self.counts = [0] * len(arguments)
        self.checked = self.torn = 0
        self._readers = []
        for argument in arguments:
            stream, _, descriptor = argument.partition(":")
            self._readers.append(Reader(_connect_once(int(descriptor)), RingRequest(stream), policy="every"))

    def register(self, selector: selectors.BaseSelector) -> None:
        for index, reader in enumerate(self._readers):
            selector.register(reader, selectors.EVENT_READ, index)

    def drain(self, index: int) -> None:
        while (frame := self._readers[index].read_nowait()) is not None:
            self.counts[index] += 1
            if self.counts[index] % _CHECK_EACH == 0:
                self._check(frame)

    def _check(self, frame: Frame) -> None:
        self.checked += 1
        self.torn += pattern.decode(frame.planes[0]).torn


def main(arguments: list[str]) -> None:
    """Read until standard input ends."""
    readers = _Readers(arguments)
    with selectors.DefaultSelector() as selector, open(0, "rb", buffering=0) as questions:
        readers.register(selector)
        selector.register(questions, selectors.EVENT_READ, None)
        while True:
            for key, _ in selector.select():
                if key.data is not None:
                    readers.drain(key.data)
                elif not questions.read(1):
                    return
                else:
                    print(json.dumps([*readers.counts, readers.checked, readers.torn]), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
