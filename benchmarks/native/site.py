"""A named site for others to join: ``python -m benchmarks.native.site <name> url…``.

It reads nothing itself. Each line on standard input is answered with the number of live streams; it ends
with standard input.
"""

import json
import sys
from collections.abc import Sequence

import camgraph as cg


def main(name: str, urls: Sequence[str]) -> None:
    """Run until standard input ends."""
    graph = cg.Graph()
    for number, url in enumerate(urls, 1):
        graph.rtsp(f"camera-{number}", url)
    with graph.start(name=name) as site:
        for _ in sys.stdin:
            states = [stream.status.state for stream in site.streams.values()]
            print(json.dumps(states.count("live")), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
