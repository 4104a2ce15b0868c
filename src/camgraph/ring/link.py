"""The writer's end of a connection to one reader."""

import socket

from camgraph.base.descriptors import Peer, close_all, send_with_descriptors
from camgraph.ring.layout import LOCK_STRIDE
from camgraph.ring.protocol import Ring
from camgraph.ring.slots import Slots

SEND_BUFFER_BYTES = 16 * 1024
"""Some 43 notices: with more, a reader that was slow wakes up to hundreds of stale ones."""
_NOTICE_ROOM_BYTES = SEND_BUFFER_BYTES // 40
_BESIDE_KEPT = 16

_NOW = int(socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL)


class ReaderLink:
    """Tells one reader of rings and frames; owns the socket."""

    __slots__ = ("_pending", "behind", "gone", "leases", "peer", "reader_id", "sock")

    def __init__(self, sock: socket.socket, reader_id: int, leases: int, peer: Peer, kept: int) -> None:
        sock.setblocking(False)
        room = max(SEND_BUFFER_BYTES, (kept + _BESIDE_KEPT) * _NOTICE_ROOM_BYTES)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, room)
        self.sock = sock
        self.reader_id = reader_id
        self.leases = leases
        self.peer = peer
        self.behind = 0
        self.gone = False
        self._pending: Slots | None = None
        """What it could not be offered yet: its socket was full."""

    def offer(self, slots: Slots, next_seq: int) -> None:
        """Have the reader get a ring, or its next generation, before any frame of it: now, or when it can."""
        self._pending = slots
        self._send_pending(next_seq)

    def notify(self, notice: bytes, seq: int) -> None:
        """Tell of a frame, unless the reader is behind: then count it. Sets `gone`."""
        if self._pending is not None and not self._send_pending(seq):
            self.behind += 1
            return
        try:
            self.sock.send(notice, _NOW)
        except (BrokenPipeError, ConnectionResetError):
            self.gone = True
        except OSError:
            self.behind += 1

    def _send_pending(self, next_seq: int) -> bool:
        slots = self._pending
        assert slots is not None
        header = slots.header
        ring = Ring(
            self.reader_id,
            header.generation,
            self.leases,
            LOCK_STRIDE,
            header.epoch,
            header.size,
            next_seq,
            header.uuid,
        )
        descriptors: list[int] = []
        try:
            # Ours must not stay open: the reader's locks are to end with the reader's descriptors.
            descriptors = slots.open_for_reader()
            send_with_descriptors(self.sock, ring.encode(), descriptors)
        except (BrokenPipeError, ConnectionResetError):
            self.gone = True
        except OSError:
            return False
        finally:
            close_all(descriptors)
        self._pending = None
        return True
