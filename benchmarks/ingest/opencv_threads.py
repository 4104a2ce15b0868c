"""A peer: OpenCV's VideoCapture over FFmpeg, a thread a stream, each frame read as BGR.

``python -m benchmarks.ingest.opencv_threads url…``
"""

import os
import sys
import threading

from benchmarks.ingest.counting import serve_counts

# OpenCV reads it when it is loaded.
os.environ["OPENCV_FFMPEG_CAPTURE_OPTIONS"] = "rtsp_transport;tcp|probesize;32|fpsprobesize;0"

import cv2


def _read(url: str, counts: list[int], index: int) -> None:
    capture = cv2.VideoCapture(url, cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, 1])
    while capture.read()[0]:
        counts[index] += 1


def main(urls: list[str]) -> None:
    """Read all until standard input ends."""
    cv2.setNumThreads(1)
    counts = [0] * len(urls)
    for index, url in enumerate(urls):
        threading.Thread(target=_read, args=(url, counts, index), daemon=True).start()
    serve_counts(counts)


if __name__ == "__main__":
    main(sys.argv[1:])
