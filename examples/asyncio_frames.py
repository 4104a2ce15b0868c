"""Frames of several cameras in one asyncio program, for some seconds or until Ctrl-C.

Cameras to try: `camgraph cameras`. Start: `python examples/asyncio_frames.py rtsp://127.0.0.1:8554/1 …/2 …`
"""

import argparse
import asyncio
from collections import Counter
from contextlib import suppress

import camgraph as cg
from camgraph.errors import CamgraphError


async def follow(site: cg.Site, stream: cg.LiveStream, counts: Counter[str]) -> None:
    """Tell how bright a camera's picture is, each tenth frame, until cancelled."""
    with site.read(stream.frames(format="gray8", size=(320, 180), fps=10)) as reader:
        async for frame in reader:
            counts[stream.name] += 1
            if counts[stream.name] % 10 == 1:
                print(stream.name, "brightness", round(float(frame.array.mean())), flush=True)


async def follow_all(site: cg.Site, seconds: float | None, counts: Counter[str]) -> None:
    """Follow all cameras at once; the deadline and Ctrl-C cancel what is under way."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds), asyncio.TaskGroup() as tasks:
            for stream in site.streams.values():
                tasks.create_task(follow(site, stream, counts))


def main(urls: list[str], login: str | None, seconds: float | None) -> None:
    """Run the loop within the site, and sum up."""
    graph = cg.Graph()
    for number, url in enumerate(urls, 1):
        graph.rtsp(f"camera-{number}", url, login=login)
    with graph.start() as site:
        counts = Counter(dict.fromkeys(site.streams, 0))
        with suppress(KeyboardInterrupt):
            asyncio.run(follow_all(site, seconds, counts))
    print(", ".join(f"{name}: {count} frames" for name, count in counts.items()))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Tell how bright the pictures of cameras are.")
    parser.add_argument("urls", nargs="+", metavar="URL", help="rtsp://host[:port]/path")
    parser.add_argument("--login", help="where user:password of all is: env:NAME or file:/path")
    parser.add_argument("--seconds", type=float, help="end after so long (default: with Ctrl-C)")
    try:
        main(**vars(parser.parse_args()))
    except CamgraphError as error:
        parser.exit(1, f"{error}\n")
