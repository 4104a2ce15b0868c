"""Cameras in a web browser as they are, nothing decoded here: fragmented MP4 over HTTP, until Ctrl-C.

Cameras to try: `camgraph cameras`. Start: `python examples/browser_mp4.py URL URL`; open the page it names.
"""

import argparse
from contextlib import suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import camgraph as cg
from camgraph.errors import CamgraphError

PAGE = """<!doctype html><meta charset="utf-8"><title>Cameras</title>
<style>video { width: 49% }</style><script>
  const again = video => setTimeout(() => { video.src = video.src.split("?")[0] + "?" + Date.now() }, 1000)
  const catchUp = video => {
    const end = video.buffered.length && video.buffered.end(video.buffered.length - 1)
    if (end > video.currentTime + 1) video.currentTime = end - 0.1
  }
</script>
"""
VIDEO = """<video muted autoplay src="{}.mp4" onprogress="catchUp(this)"
  onerror="again(this)" onended="again(this)"></video>"""


class Viewer(BaseHTTPRequestHandler):
    """A browser's request, in a thread of its own."""

    site: cg.Site

    def do_GET(self) -> None:
        """Send the page, or a camera's video for as long as the browser takes it."""
        name = self.path.split("?")[0].strip("/").removesuffix(".mp4")
        if name in self.site.streams:
            self.begin("video/mp4")
            with suppress(OSError):  # The browser has gone.
                self.send_boxes(self.site.streams[name].packets(format="fmp4"))
        elif name:
            self.send_error(HTTPStatus.NOT_FOUND, f"No camera is named {name}.")
        else:
            self.begin("text/html")
            self.wfile.write((PAGE + "".join(map(VIDEO.format, self.site.streams))).encode())

    def begin(self, media_type: str) -> None:
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", media_type)
        self.end_headers()

    def send_boxes(self, request: cg.FrameRequest) -> None:
        header: list[bytes] = []
        with self.site.read(request) as reader:
            for box in reader:
                counts, data = reader.statistics(), bytes(box.memory)
                if counts.late or counts.behind:
                    return  # The browser was too slow, and what is missing is needed: it asks again.
                if data[4:8] in (b"ftyp", b"moov"):
                    if data in header:
                        continue  # It comes again for others who begin to look.
                    if len(header) == 2:
                        return  # Another video from now on.
                    header.append(data)
                self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        pass


def main(urls: list[str], login: str | None, port: int) -> None:
    """Serve all cameras at this machine's own address."""
    graph = cg.Graph()
    for number, url in enumerate(urls, 1):
        graph.rtsp(f"camera-{number}", url, login=login)
    with graph.start() as Viewer.site, ThreadingHTTPServer(("127.0.0.1", port), Viewer) as server:
        print(f"http://127.0.0.1:{server.server_port}/ until Ctrl-C", flush=True)
        server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Show cameras in a web browser.")
    parser.add_argument("urls", nargs="+", metavar="URL", help="rtsp://host[:port]/path")
    parser.add_argument("--login", help="where user:password of all is: env:NAME or file:/path")
    parser.add_argument("--port", type=int, default=8000, help="where the page is")
    try:
        main(**vars(parser.parse_args()))
    except KeyboardInterrupt:
        pass
    except (CamgraphError, OSError) as error:
        parser.exit(1, f"{error}\n")
