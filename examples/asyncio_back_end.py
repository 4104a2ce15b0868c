"""A back end that is an asyncio program: an HTTP server of cameras' pictures, called and heard meanwhile.

Cameras to try: `camgraph cameras`. Start: `python examples/asyncio_back_end.py rtsp://127.0.0.1:8554/1 …/2 …`
"""

import argparse
import asyncio
import struct
from collections import Counter
from contextlib import suppress
from typing import Any

import camgraph as cg
from camgraph.errors import BrokenError, CamgraphError


class Web(cg.AsyncMessageProcess):
    """Serves the newest picture of each camera, as BMP; started again should it die."""

    restart = True
    serving = cg.message(url=str)
    served = cg.message(path=str, status=str)

    def __init__(self, port: int) -> None:
        self.port, self.pictures, self.counts = port, dict[str, Any](), Counter[str]()

    async def setup(self) -> None:
        self.server = await asyncio.start_server(self.answer, "127.0.0.1", self.port)
        self.serving.emit("http://{}:{}/".format(*self.server.sockets[0].getsockname()))

    def on_frame(self, frame: cg.Frame) -> None:
        self.counts[frame.stream] += 1
        self.pictures[frame.stream] = frame.copy()

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        path = (await reader.readuntil(b"\r\n\r\n")).decode().split()[1]
        status, kind, body = "404 Not Found", "text/plain", b"there is no such camera, or no picture yet"
        if (picture := self.pictures.get(path[1:])) is not None:
            (height, width, _), size = picture.shape, picture.size
            status, kind = "200 OK", "image/bmp\r\nRefresh: 1"
            header = struct.pack("<2sIIIIHHHH", b"BM", 26 + size, 0, 26, 12, width, height, 1, 24)
            body = header + picture[::-1].tobytes()  # from the bottom up
        writer.write(f"HTTP/1.0 {status}\r\nContent-Type: {kind}\r\n\r\n".encode() + body)
        await writer.drain()
        writer.close()
        self.served.emit(path, status)

    @cg.backend
    async def rate(self, stream: str) -> int:
        """Return how many frames come in a second."""
        before = self.counts[stream]
        await asyncio.sleep(1)  # meanwhile frames, HTTP requests and other calls are served
        return self.counts[stream] - before


async def tell_rates(web: cg.FrontEnd, streams: list[str]) -> None:
    while web.alive:
        try:
            rates = await asyncio.gather(*(web.rate(stream) for stream in streams))  # all in one second
            print(*map("{}: {} fps".format, streams, rates), sep=", ", flush=True)
        except BrokenError as error:
            print(error, flush=True)  # it died; what is asked from now on is for the next one


async def run(site: cg.Site, port: int) -> None:
    web = site.spawn(Web, port)
    for stream in site.streams.values():
        web.watch(stream.frames(format="bgr24", size=(640, 360), fps=10))
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(tell_rates(web, list(site.streams)))
        async for name, fields in web.messages():
            print(name, *fields.values(), flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Serve pictures of cameras at http://127.0.0.1/camera-1 …")
    parser.add_argument("urls", nargs="+", metavar="URL", help="rtsp://host[:port]/path")
    parser.add_argument("--login", help="where user:password of all is: env:NAME or file:/path")
    parser.add_argument("--port", type=int, default=8080, help="where to serve (default: 8080)")
    options, graph = parser.parse_args(), cg.Graph()
    try:
        for number, url in enumerate(options.urls, 1):
            graph.rtsp(f"camera-{number}", url, login=options.login)
        with graph.start() as site, suppress(KeyboardInterrupt):
            asyncio.run(run(site, options.port))
    except CamgraphError as error:
        parser.exit(1, f"{error}\n")
