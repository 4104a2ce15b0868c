"""A process that makes rings and fills them: ``python -m tests.faults.ring_memory_program asking|rashly``.

It asks the ledger before each ring, until it is refused, or does not care. Tells how many rings were filled,
and the refusal.
"""

import json
import socket
import sys

import numpy as np

from camgraph.ring.frame import Frame
from camgraph.ring.protocol import MAX_DATAGRAM_BYTES, Hello, RingRequest
from camgraph.ring.reader import Reader
from camgraph.ring.writer import FrameMeta, RingWriter, planned_bytes
from camgraph.supervisor.memory import MemoryLedger

SIZE = 1280, 720
LEASES = 4
MOST_RINGS = 32
PICTURE = [np.full((SIZE[1], SIZE[0] * 4), 7, np.uint8)]


class Filled:
    """A ring with a reader that holds what it may, so that all is touched that ever will be."""

    def __init__(self) -> None:
        self.writer = RingWriter("ring", "bgra", *SIZE, epoch=1, fps=25)
        self.reader = Reader(self._connect, RingRequest("ring"), policy="every", leases=LEASES)
        self.writer.add_reader(self._theirs, Hello.decode(self._theirs.recv(MAX_DATAGRAM_BYTES)))
        self.held: list[Frame] = []
        for _ in range(30):
            self.play()

    def play(self) -> None:
        assert self.writer.publish(PICTURE, FrameMeta())
        if len(self.held) < LEASES:
            self.held.append(self.reader.read(1))

    def _connect(self) -> socket.socket:
        ours, self._theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        return ours


def main() -> None:
    ledger = MemoryLedger()
    rings: list[Filled] = []
    refused = ""
    while len(rings) < MOST_RINGS and not refused:
        if sys.argv[1] == "asking":
            refused = ledger.reserve("media", planned_bytes("bgra", *SIZE, fps=25, leases=LEASES))
        if not refused:
            rings.append(Filled())
            ledger.touched("media", sum(ring.writer.touched_bytes for ring in rings))
    for _ in range(10):
        for ring in rings:
            ring.play()
    assert ledger.outstanding_bytes == 0 or sys.argv[1] == "rashly"
    print(json.dumps([len(rings), refused]))
    for ring in rings:
        ring.reader.close()
        ring.writer.close()


if __name__ == "__main__":
    main()
