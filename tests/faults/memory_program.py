"""A site in little memory: ``memory_program.py URL…`` asks for more pictures than fit, and tells as JSON."""

import json
import sys
import time

import camgraph as cg
from camgraph.errors import BrokenError
from camgraph.testing.waiting import wait_until


def main(urls: list[str]) -> None:
    graph = cg.Graph()
    streams = [graph.rtsp(f"camera-{number}", url) for number, url in enumerate(urls, 1)]
    with graph.start() as site:
        readers = [site.read(stream.frames(format="gray8", size=(320, 180))) for stream in streams]
        for reader in readers:
            reader.read(timeout=20)
        large, refused = [], ""
        for side in range(40):
            reader = site.read(streams[0].frames(format="bgra", size=(2560, 1440 + side), leases=1))
            try:
                reader.read(timeout=10)
            except BrokenError as error:
                refused = str(error)
                break
            large.append(reader)
        began_ns = time.monotonic_ns()
        newest = [reader.read(timeout=5) for reader in readers]
        pids = [media.pid for media in site.statistics().media]
        reserved = sum(media.reserved_bytes for media in site.statistics().media)
        # What is given back can be had again.
        for reader in large:
            reader.close()
        wait_until(
            lambda: sum(media.reserved_bytes for media in site.statistics().media) < reserved / 4,
            10,
            "memory back",
        )
        again = site.read(streams[0].frames(format="bgra", size=(2560, 1440)))
        again.read(timeout=10)
        told = {
            "large": len(large),
            "refused": refused,
            "others_ms": [(frame.publish_ns - began_ns) / 1e6 for frame in newest],
            "same_processes": pids == [media.pid for media in site.statistics().media],
            "starts": [media.starts for media in site.statistics().media],
            "states": [stream.status.state for stream in site.streams.values()],
        }
        print(json.dumps(told))


if __name__ == "__main__":
    main(sys.argv[1:])
