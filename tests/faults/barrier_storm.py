"""Parties of barriers, killed and stopped at random; says, round by round, what each had of it.

``python -m tests.faults.barrier_storm <seed> <storms>`` prints a line of JSON for each storm: what was done,
and of each party that was not killed how many rounds it passed, and how it ended.
"""

import json
import os
import random
import signal
import socket
import sys
import time
from contextlib import suppress
from typing import Any

import camgraph as cg
from camgraph.base.descriptors import receive_with_descriptors, send_with_descriptors
from camgraph.process.travel import dumps, loads

PARTIES = 4
ROUNDS = 150
PATIENCE_S = 20.0
SHORT_S = 0.004


def main(seed: int, storms: int) -> None:
    rng = random.Random(seed)
    for _ in range(storms):
        deed = rng.choice(["kill", "kill", "stop", "stop", "stop, short of patience", "kill two", "none"])
        print(json.dumps({"deed": deed, "outcomes": storm(rng, deed)}), flush=True)


def storm(rng: random.Random, deed: str) -> list[Any]:
    barrier = cg.Barrier(PARTIES)
    timeout = SHORT_S if "short" in deed else PATIENCE_S
    children = [begin_child(barrier, timeout) for _ in range(PARTIES)]
    for _, sock in children:
        assert sock.recv(1) == b"r"
    for _, sock in children:
        sock.send(b"g")
    victims = rng.sample(children, 2 if "two" in deed else 1)
    for pid, _ in victims:
        time.sleep(rng.uniform(0.0, 0.006))
        if "kill" in deed:
            os.kill(pid, signal.SIGKILL)
        elif "stop" in deed:
            os.kill(pid, signal.SIGSTOP)
            time.sleep(rng.uniform(0.002, 0.012))
            os.kill(pid, signal.SIGCONT)
    outcomes = []
    for child in children:
        pid, sock = child
        with sock:
            heard = receive(sock)
        os.waitpid(pid, 0)
        if not (child in victims and "kill" in deed):
            outcomes.append(json.loads(heard) if heard else None)
    barrier.close()
    return outcomes


def receive(sock: socket.socket) -> bytes:
    # One that was killed had not read all.
    with suppress(ConnectionResetError):
        return sock.recv(1000)
    return b""


def begin_child(barrier: cg.Barrier, timeout: float) -> tuple[int, socket.socket]:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    pid = os.fork()
    if pid == 0:
        ours.close()
        try:
            take_part(theirs, timeout)
        finally:
            os._exit(0)
    theirs.close()
    parcel = dumps("barrier", barrier)
    send_with_descriptors(ours, parcel.body, parcel.descriptors)
    for descriptor in parcel.descriptors:
        os.close(descriptor)
    parcel.settle(gone=True)
    return pid, ours


def take_part(sock: socket.socket, timeout: float) -> None:
    barrier = loads(*receive_with_descriptors(sock, 10_000))
    sock.send(b"r")
    sock.recv(1)
    passed, end = 0, "all"
    try:
        for _ in range(ROUNDS):
            barrier.wait(timeout)
            passed += 1
    except Exception as error:
        end = f"{type(error).__name__}: {error}"
    sock.send(json.dumps([passed, end]).encode())


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
