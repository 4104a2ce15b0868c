"""How the process of a back end ends: as Python does, but soon, whatever threads are left running."""

import os
import signal
import sys
import threading
from contextlib import suppress

EXIT_WITHIN_S = 1.0


def exit_soon(code: int) -> None:
    """Have this process end with the exit code in `EXIT_WITHIN_S`, if it has not ended by itself before."""
    # A late SIGTERM would take the exit code's place.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)

    def leave() -> None:
        flush()
        os._exit(code)

    timer = threading.Timer(EXIT_WITHIN_S, leave)
    timer.daemon = True
    timer.start()


def flush() -> None:
    """Write what waits in the standard streams, where that is possible."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError, AttributeError):
            stream.flush()
