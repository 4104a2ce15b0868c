"""Which processor a thread runs on."""

import logging
import os

_log = logging.getLogger(__name__)
_told: set[int] = set()


def stay_on(cpu: int) -> None:
    """Have the calling thread, and those that it starts, run on this CPU only; -1: on any.

    One that there is not, or that this process may not use, is told once, and not heeded.
    """
    if cpu < 0:
        return
    try:
        os.sched_setaffinity(0, {cpu})
    except OSError as error:
        if cpu not in _told:
            _told.add(cpu)
            usable = ", ".join(map(str, sorted(os.sched_getaffinity(0))))
            _log.warning("CPU %d can't be had (%s); there are: %s", cpu, error.strerror, usable)
