"""A site with a camera whose name is looked up in vain: prints, as JSON, how long its end takes.

Started in a view of its own (see `reliability.names`), with the address of a camera that plays.
"""

import contextlib
import json
import sys
import time

import camgraph as cg
from camgraph.testing.waiting import wait_until
from reliability.names import NameServer


def main(url: str) -> None:
    """Take the stream out while its name is looked up; put it in again, and end while it is."""
    with contextlib.closing(NameServer("")) as names:
        names.address = None
        alone, both = cg.Graph(), cg.Graph()
        for graph in (alone, both):
            graph.rtsp("door", url)
        both.rtsp("lost", "rtsp://camera.test/1")
        with both.start() as site:
            door = site.read(site.streams["door"].frames(policy="every"))
            door.read(15)
            lost = site.streams["lost"]
            wait_until(lambda: lost.status.state == "resolving", 5)
            started = time.monotonic()
            site.apply(alone)
            wait_until(lambda: lost.status.state == "stopped", 5)
            removed_s = time.monotonic() - started
            site.apply(both)
            wait_until(lambda: site.streams["lost"].status.state == "resolving", 5)
            statistics = site.statistics().streams["door"]
            started = time.monotonic()
        closed_s = time.monotonic() - started
    told = {"removed_s": removed_s, "closed_s": closed_s, "neighbour_attempts": statistics.attempts}
    sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
