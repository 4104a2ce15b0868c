"""A peer: PyAV, which receives and decodes in one thread, and shows nothing.

``python -m benchmarks.latency.decoding url``
"""

import sys

import av

from benchmarks.latency.stamping import Stamps

_OPTIONS = {
    "rtsp_transport": "tcp",
    "timeout": "2500000",
    "probesize": "32",
    "fpsprobesize": "0",
    "fflags": "nobuffer",
    "flags": "low_delay",
}


def main(url: str) -> None:
    """Decode until standard input ends."""
    stamps = Stamps()

    def work() -> None:
        with av.open(url, options=_OPTIONS, timeout=(10, None)) as container:
            stream = container.streams.video[0]
            stream.thread_type = "NONE"
            stream.codec_context.thread_count = 1
            for frame in container.decode(stream):
                stamps.note(frame)

    stamps.serve(work)


if __name__ == "__main__":
    main(sys.argv[1])
