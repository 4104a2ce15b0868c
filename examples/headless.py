"""Frames without a GUI: state, size and rate of each camera, once a second, until Ctrl-C.

Cameras to try: `camgraph cameras`. Start: `python examples/headless.py rtsp://127.0.0.1:8554/1 …/2 …`
"""

import argparse
import select
import time

import camgraph as cg
from camgraph.errors import CamgraphError


def main(urls: list[str], login: str | None, name: str | None) -> None:
    """Read all cameras in one thread."""
    graph = cg.Graph()
    for number, url in enumerate(urls, 1):
        graph.rtsp(f"camera-{number}", url, login=login)
    with graph.start(name=name) as site:
        print(f"site {site.name}: {len(site.streams)} cameras, until Ctrl-C", flush=True)
        requests = [stream.frames(format="bgr24", policy="every") for stream in site.streams.values()]
        readers = [site.read(request) for request in requests]
        while True:
            counts, sizes = dict.fromkeys(site.streams, 0), dict.fromkeys(site.streams, "-")
            end = time.monotonic() + 1
            while (left := end - time.monotonic()) > 0:
                for reader in select.select(readers, [], [], left)[0]:
                    while (frame := reader.read_nowait()) is not None:
                        # frame.array is a numpy view, (height, width, 3): your own work goes here.
                        counts[frame.stream] += 1
                        sizes[frame.stream] = f"{frame.width}x{frame.height}"
            for stream in site.streams.values():
                name, status = stream.name, stream.status
                told = f"{status.state}, {sizes[name]}, {counts[name]} fps. {status.sentence}"
                print(f"{name}: {told}", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Tell state, size and rate of cameras once a second.")
    parser.add_argument("urls", nargs="+", metavar="URL", help="rtsp://host[:port]/path")
    parser.add_argument("--login", help="where user:password of all is: env:NAME or file:/path")
    parser.add_argument("--name", help="name of the site, by which other programs join it (by_name.py)")
    try:
        main(**vars(parser.parse_args()))
    except KeyboardInterrupt:
        pass
    except CamgraphError as error:
        parser.exit(1, f"{error}\n")
