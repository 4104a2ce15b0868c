"""A process that publishes as fast as it can: ``python -m tests.faults.ring_writer LISTENER EPOCH``."""

import socket
import sys

from tests.faults.ring_payload import HEIGHT, WIDTH, picture

from camgraph.ring.protocol import MAX_DATAGRAM_BYTES, Hello
from camgraph.ring.writer import FrameMeta, RingWriter


def main() -> None:
    listener = socket.socket(fileno=int(sys.argv[1]))
    listener.setblocking(False)
    writer = RingWriter("stress", "gray8", WIDTH, HEIGHT, epoch=int(sys.argv[2]), fps=200)
    number = 0
    while True:
        listener.settimeout(None if not writer.readers else 0)
        try:
            sock, _ = listener.accept()
        except BlockingIOError:
            pass
        else:
            writer.add_reader(sock, Hello.decode(sock.recv(MAX_DATAGRAM_BYTES)))
        number += 1
        writer.publish([picture(number)], FrameMeta(pts=number))
        writer.remove_dead()


if __name__ == "__main__":
    main()
