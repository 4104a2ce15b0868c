"""What importing the documented API does to a program: variables that programs rely on, a warning, no more.

The driver of VA-API is not set for all of a program, as libValkka did: it is the media processes' affair.
"""

import os
import sys


def prepare() -> None:
    """Have OpenGL not wait for the screen, and tell of a session where windows by id may not work."""
    for name in ("vblank_mode", "__GL_SYNC_TO_VBLANK"):
        os.environ[name] = "0"
    session = os.environ.get("XDG_SESSION_TYPE")
    if session not in (None, "", "x11", "tty"):
        print(
            f"valkka.core: WARNING: the session is {session!r}, not x11: windows by id may show nothing; "
            "camgraph.qt.VideoWidget works here, too",
            file=sys.stderr,
        )
