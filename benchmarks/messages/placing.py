"""Which cores the two sides of a round trip run on."""

import contextlib
import os
from collections.abc import Iterable, Iterator


@contextlib.contextmanager
def apart(pids: Iterable[int]) -> Iterator[None]:
    """Keep this process on one core and the others on the rest meanwhile; on a single core do nothing.

    Left alone, the kernel puts both sides of a round trip on one core, now and then, or always while there is
    other work. A round trip of a bare pipe takes a third then, and tells nothing of processes that are busy
    with frames of their own.
    """
    cores = os.sched_getaffinity(0)
    own = max(cores)
    if len(cores) < 2:
        yield
        return
    pids = list(pids)
    _move(os.getpid(), {own})
    for pid in pids:
        _move(pid, cores - {own})
    try:
        yield
    finally:
        for pid in [os.getpid(), *pids]:
            _move(pid, cores)


def _move(pid: int, cores: set[int]) -> None:
    for thread in os.listdir(f"/proc/{pid}/task"):
        with contextlib.suppress(ProcessLookupError):
            os.sched_setaffinity(int(thread), cores)
