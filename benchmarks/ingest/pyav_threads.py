"""The limit: receives and decodes with PyAV, a thread a stream, and publishes nothing.

``python -m benchmarks.ingest.pyav_threads url…``
"""

import sys
import threading

import av

from benchmarks.ingest.counting import serve_counts

_OPTIONS = {"rtsp_transport": "tcp", "timeout": "2500000", "probesize": "32", "fpsprobesize": "0"}


def _decode(url: str, counts: list[int], index: int) -> None:
    with av.open(url, options=_OPTIONS, timeout=(10, None)) as container:
        stream = container.streams.video[0]
        stream.thread_type = "NONE"
        stream.codec_context.thread_count = 1
        for _ in container.decode(stream):
            counts[index] += 1


def main(urls: list[str]) -> None:
    """Decode all until standard input ends."""
    counts = [0] * len(urls)
    for index, url in enumerate(urls):
        threading.Thread(target=_decode, args=(url, counts, index), daemon=True).start()
    serve_counts(counts)


if __name__ == "__main__":
    main(sys.argv[1:])
