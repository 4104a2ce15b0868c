"""A camera of two streams, a file and a test picture, without a GUI: state, size and rate, until Ctrl-C.

Start: `python examples/sources.py`. It runs the camera by itself; of your own, write the addresses below. The
larger stream is received only while a reader needs it: one comes after three seconds.
"""

import select
import tempfile
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

import av
import numpy as np

import camgraph as cg
from camgraph.testing.cameras import Cameras


def draw_clip(path: Path) -> None:
    """Write two seconds that become brighter."""
    with av.open(str(path), "w") as file:
        video = file.add_stream("mpeg4", rate=25, width=320, height=180)
        for number in range(50):
            picture = np.full((180, 320, 3), number * 5, np.uint8)
            file.mux(video.encode(av.VideoFrame.from_ndarray(picture, "rgb24")))
        file.mux(video.encode())


def tell(site: cg.Site) -> None:
    """Read all streams in one thread, and tell how they fare."""
    streams = list(site.streams.values())
    readers = [site.read(stream.frames(size=(320, 180), policy="every")) for stream in streams]
    began = time.monotonic()
    while True:
        counts, end = Counter[cg.Reader](), time.monotonic() + 1
        while (left := end - time.monotonic()) > 0:
            for reader in select.select(readers, [], [], left)[0]:
                while reader.read_nowait() is not None:
                    counts[reader] += 1
        for stream, reader in zip(streams, readers, strict=False):
            status = stream.status  # Its size is that of what is received, whatever a reader asks for.
            size = f"{status.width}x{status.height}"
            told = f"{status.state}, {size}, {counts[reader]} fps. {status.sentence}"
            print(f"{stream.name}: {told}", flush=True)
        if time.monotonic() - began > 3 and len(readers) == len(streams):
            readers.append(site.read(site.streams["camera"].frames()))


if __name__ == "__main__":
    with suppress(KeyboardInterrupt), tempfile.TemporaryDirectory() as folder:
        draw_clip(clip := Path(folder) / "clip.mkv")
        with Cameras(count=1, size=(640, 360)) as large, Cameras(count=1, size=(320, 180)) as small:
            graph = cg.Graph()
            graph.rtsp("camera", large.urls[0], sub_url=small.urls[0])
            graph.file("clip", clip, loop=True, decode_fps=5)
            graph.test_picture("test", size=(480, 270))
            with graph.start() as site:
                tell(site)
