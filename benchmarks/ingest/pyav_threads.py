"""The limit: receives and decodes with PyAV, a thread a stream, and publishes nothing.

``python -m benchmarks.ingest.pyav_threads [--kind decode|receive|keyframes] [--transport tcp|udp] url…``
"""

import argparse
import sys
import threading
from collections.abc import Iterable

import av

from benchmarks.ingest.counting import serve_counts
from benchmarks.ingest.works import Kind

_OPTIONS = {"timeout": "2500000", "probesize": "32", "fpsprobesize": "0"}


def _receive(url: str, kind: Kind, transport: str, counts: list[int], index: int) -> None:
    with av.open(url, options={**_OPTIONS, "rtsp_transport": transport}, timeout=(10, None)) as container:
        stream = container.streams.video[0]
        stream.thread_type = "NONE"
        stream.codec_context.thread_count = 1
        if kind == "keyframes":
            stream.codec_context.skip_frame = "NONKEY"
        came: Iterable[object] = container.demux(stream) if kind == "receive" else container.decode(stream)
        for _ in came:
            counts[index] += 1


def main(arguments: list[str]) -> None:
    """Receive all until standard input ends."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--kind", default="decode")
    parser.add_argument("--transport", default="tcp")
    parser.add_argument("urls", nargs="+")
    options = parser.parse_args(arguments)
    counts = [0] * len(options.urls)
    for index, url in enumerate(options.urls):
        work = (url, options.kind, options.transport, counts, index)
        threading.Thread(target=_receive, args=work, daemon=True).start()
    serve_counts(counts)


if __name__ == "__main__":
    main(sys.argv[1:])
