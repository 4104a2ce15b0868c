"""Environment variables that hold logins: the processes that we start don't have them.

Whoever runs as the same user can read the environment that a process was started with, for as long as it
runs.
"""

import logging
import os
import time
from collections.abc import Iterable, Mapping

_log = logging.getLogger(__name__)

_ENVIRONMENT_BEGINS, _ENVIRONMENT_ENDS = 47, 48  # of the words after the name in /proc/PID/stat
_EXEC_WITHIN_S = 0.05
_names: set[str] = set()


def withhold(names: Iterable[str]) -> bool:
    """Have no process started from now on find these variables in its environment; this one keeps them.

    False: they were withheld already.
    """
    new = set(names) - _names
    _names.update(new)
    return bool(new)


def without_withheld(environment: Mapping[str, str]) -> dict[str, str]:
    """Return a copy of an environment that lacks what is withheld."""
    return {name: value for name, value in environment.items() if name not in _names}


def forget_withheld() -> None:
    """Take what is withheld out of this process, in which it came before it was known to be withheld."""
    for name in _names:
        os.environ.pop(name, None)
    blot_out(os.getpid())


def blot_out(pid: int) -> None:
    """Overwrite what is withheld where a process of ours, a child or this one, shows its first environment.

    Its own copies, if it has any, stay. Where the kernel does not let us, nothing is done.
    """
    if not _names:
        return
    try:
        begin, end = _place_of_environment(pid)
        with open(f"/proc/{pid}/mem", "r+b", buffering=0) as memory:
            memory.seek(begin)
            at = begin
            for entry in memory.read(end - begin).split(b"\0"):
                name, _, value = entry.partition(b"=")
                if value and os.fsdecode(name) in _names:
                    memory.seek(at + len(name) + 1)
                    memory.write(bytes(len(value)))
                at += len(entry) + 1
    except OSError as error:
        _log.debug("the environment of process %d can't be changed: %s", pid, error.strerror)


def _place_of_environment(pid: int) -> tuple[int, int]:
    """Return where it begins and ends; twice 0 if it can't be found."""
    deadline = time.monotonic() + _EXEC_WITHIN_S
    while True:
        with open(f"/proc/{pid}/stat", "rb") as file:
            words = file.read().rpartition(b")")[2].split()
        begin, end = int(words[_ENVIRONMENT_BEGINS]), int(words[_ENVIRONMENT_ENDS])
        # `Popen` returns a moment before the kernel has put it there.
        if end or words[0] in b"ZX" or time.monotonic() > deadline:
            return begin, end
        time.sleep(0.001)
