"""``python -m tests.real.hanging_media CONTROL PARENT``: a media process that is less patient than usual."""

import sys

from camgraph.media import hangs, session
from camgraph.media.__main__ import main

if __name__ == "__main__":
    # The process itself is loaded by main.
    hangs.LOOK_EVERY_S = 0.1
    session.OPENING_BOUND_NS = 300_000_000
    main(*map(int, sys.argv[1:3]))
