"""``python -m camgraph.media CONTROL PARENT``: started by the supervisor, never by hand.

CONTROL is the inherited descriptor of the control connection, PARENT the supervisor's pid.
"""

import logging
import os
import socket
import sys

from camgraph.base.children import end_with_parent
from camgraph.base.log import log_to_standard_error


def main(control: int, parent: int) -> None:
    """Run the streams until the supervisor is done with them."""
    end_with_parent(parent)
    log_to_standard_error("media")
    # No matrix is multiplied here: numpy and OpenCV would start a thread per core for nothing. They look
    # when they are loaded, which is now.
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    from camgraph.media.process import MediaProcess

    if not MediaProcess(socket.socket(fileno=control)).run():
        # A thread hangs in a call that can't be ended; everything else is released.
        logging.shutdown()
        os._exit(0)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:3]))
