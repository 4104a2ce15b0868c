"""Lesson 1 b: frames are decoded, and the decoded pictures are printed; a fork shows both sides.

    python lesson_1_b.py [rtsp://user:password@10.0.0.5/main] [seconds]

Without an address a built-in camera is used.
"""

import signal
import sys
import time

from camgraph.testing.cameras import Cameras
from valkka.core import (
    AVThread,
    BriefInfoFrameFilter,
    ForkFrameFilter,
    InfoFrameFilter,
    LiveConnectionContext,
    LiveConnectionType_rtsp,
    LiveThread,
)


def main(address, seconds):
    # (LiveThread:livethread) --> {ForkFrameFilter:fork} --> {BriefInfoFrameFilter:encoded}
    #                                  |
    #                                  +--> (AVThread:avthread) --> {InfoFrameFilter:decoded}
    livethread = LiveThread("livethread")
    avthread = AVThread("avthread", InfoFrameFilter("decoded"))
    fork = ForkFrameFilter("fork", BriefInfoFrameFilter("encoded"), avthread.getFrameFilter())
    ctx = LiveConnectionContext(LiveConnectionType_rtsp, address, 1, fork)

    livethread.startCall()
    avthread.startCall()
    livethread.registerStreamCall(ctx)
    livethread.playStreamCall(ctx)

    try:
        print("decoding is off", flush=True)
        time.sleep(seconds / 2)
        print("decoding is on", flush=True)
        avthread.decodingOnCall()
        time.sleep(seconds / 2)
    except KeyboardInterrupt:
        print("interrupted")

    avthread.decodingOffCall()
    livethread.stopCall()
    avthread.stopCall()
    print("bye")


if __name__ == "__main__":
    # SIGTERM ends the waiting as Ctrl-C does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    arguments = sys.argv[1:]
    seconds = float(arguments[1]) if len(arguments) > 1 else 6.0
    if arguments and arguments[0]:
        main(arguments[0], seconds)
    else:
        with Cameras(count=1) as cameras:
            main(cameras.urls[0], seconds)
