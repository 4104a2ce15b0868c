"""Lesson 4 a: decoded pictures in shared memory, for programs of their own.

    python lesson_4_a.py [rtsp://user:password@10.0.0.5/main] [seconds]

Without an address a built-in camera is used. Start lesson_4_a_client.py in another terminal, before or after.
"""

import signal
import sys
import time

from camgraph.testing.cameras import Cameras
from valkka.core import (
    AVThread,
    LiveConnectionContext,
    LiveConnectionType_rtsp,
    LiveThread,
    RGBShmemFrameFilter,
    SwScaleFrameFilter,
    TimeIntervalFrameFilter,
)

SHMEM_NAME = "lesson_4"
CELLS = 10
WIDTH, HEIGHT = 480, 270
INTERVAL_MS = 200


def main(address, seconds):
    # (LiveThread) --> (AVThread) --> {TimeInterval…} --> {SwScale…} --> {RGBShmemFrameFilter}
    shmem_filter = RGBShmemFrameFilter(SHMEM_NAME, CELLS, WIDTH, HEIGHT)
    scale_filter = SwScaleFrameFilter("scale", WIDTH, HEIGHT, shmem_filter)
    interval_filter = TimeIntervalFrameFilter("interval", INTERVAL_MS, scale_filter)
    avthread = AVThread("avthread", interval_filter)
    livethread = LiveThread("livethread")
    ctx = LiveConnectionContext(LiveConnectionType_rtsp, address, 1, avthread.getFrameFilter())

    avthread.startCall()
    livethread.startCall()
    avthread.decodingOnCall()
    livethread.registerStreamCall(ctx)
    livethread.playStreamCall(ctx)
    print(f"publishing as {SHMEM_NAME}", flush=True)
    try:
        time.sleep(seconds)
    except KeyboardInterrupt:
        print("interrupted")

    livethread.stopCall()
    avthread.stopCall()
    print("bye")


if __name__ == "__main__":
    # SIGTERM ends the waiting as Ctrl-C does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    arguments = sys.argv[1:]
    seconds = float(arguments[1]) if len(arguments) > 1 else 60.0
    if arguments and arguments[0]:
        main(arguments[0], seconds)
    else:
        with Cameras(count=1) as cameras:
            main(cameras.urls[0], seconds)
