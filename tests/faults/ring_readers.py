"""A process that keeps forked readers running: ``python -m tests.faults.ring_readers ADDRESS COUNT``.

Each reader checks every byte of every frame when it gets it, and again when it lets go of it, after having
held several at a time. On standard output come lines: ``start PID``, and, for what came since the line
before, ``checked PID CHECKS TORN LATE BEHIND``. A reader that was killed is replaced. All ends when standard
input does.
"""

import os
import random
import select
import signal
import socket
import sys
import time
from collections import deque
from contextlib import suppress

from tests.faults.ring_payload import is_whole

from camgraph.ring.protocol import RingRequest
from camgraph.ring.reader import Reader

LINE_EVERY = 20


def connect(address: str) -> socket.socket:
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_CLOEXEC)
    sock.connect(address)
    return sock


def read(address: str) -> None:
    random.seed(os.getpid())
    leases = random.randint(1, 4)
    policy = random.choice(["latest", "every"])
    reader = Reader(lambda: connect(address), RingRequest("stress"), policy=policy, leases=leases)  # type: ignore[arg-type]
    held: deque[tuple[object, int]] = deque()
    checks = torn = late = behind = last_seq = 0
    while True:
        if len(held) == leases:
            view, number = held.popleft()
            torn += not is_whole(view, number)  # type: ignore[arg-type]
            checks += 1
            del view
        frame = reader.read()
        assert frame.pts is not None
        # A header that belongs to another frame than was told is torn as well.
        torn += frame.seq <= last_seq or not is_whole(frame.array, frame.pts)
        last_seq = frame.seq
        checks += 1
        held.append((frame.array[:], frame.pts))
        del frame
        if random.random() < 0.1:
            time.sleep(random.random() * 0.02)
        if checks >= LINE_EVERY:
            counts = reader.statistics()
            told = f"checked {os.getpid()} {checks} {torn} {counts.late - late} {counts.behind - behind}\n"
            os.write(1, told.encode())
            checks = torn = 0
            late, behind = counts.late, counts.behind


def start(address: str) -> int:
    pid = os.fork()
    if pid == 0:
        try:
            read(address)
        except Exception as error:
            os.write(2, f"reader {os.getpid()}: {error!r}\n".encode())
        finally:
            os._exit(0)
    os.write(1, f"start {pid}\n".encode())
    return pid


def main() -> None:
    address, count = "\0" + sys.argv[1], int(sys.argv[2])
    died, tell = os.pipe()
    os.set_blocking(tell, False)
    signal.set_wakeup_fd(tell, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    readers = {start(address) for _ in range(count)}
    while True:
        readable, _, _ = select.select([0, died], [], [])
        if 0 in readable:
            break
        os.read(died, 4096)
        for pid in list(readers):
            if os.waitpid(pid, os.WNOHANG)[0]:
                readers.remove(pid)
                readers.add(start(address))
    for pid in readers:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


if __name__ == "__main__":
    main()
