"""``python -m camgraph.supervisor SITE CONTROL LISTENER OWNER``: started by the client, never by hand.

CONTROL and LISTENER are inherited descriptors: the control connection, and the readers' listening socket.
OWNER is the owner's pid.
"""

import socket
import sys

from camgraph.base.children import end_with_parent
from camgraph.base.descriptors import allow_many_descriptors, occupy_standard
from camgraph.base.log import log_to_standard_error
from camgraph.base.loop import Loop
from camgraph.base.signals import call_on_sigchld, end_on_sigterm
from camgraph.supervisor.site import SiteSupervisor


def main(site: str, control: int, listener: int, owner: int) -> None:
    """Supervise until all is over."""
    end_with_parent(owner)
    occupy_standard()
    allow_many_descriptors()
    log_to_standard_error("supervisor")
    loop = Loop()
    supervisor = SiteSupervisor(loop, site, socket.socket(fileno=control), socket.socket(fileno=listener))
    end_on_sigterm(loop, supervisor.shut_down)
    call_on_sigchld(loop, supervisor.look_for_stops)
    loop.run()


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:5]))
