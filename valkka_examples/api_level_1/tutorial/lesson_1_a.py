"""Lesson 1 a: frames of a camera, as they come from the network, are printed.

    python lesson_1_a.py [rtsp://user:password@10.0.0.5/main] [seconds]

Without an address a built-in camera is used.
"""

import signal
import sys
import time

from camgraph.testing.cameras import Cameras
from valkka.core import InfoFrameFilter, LiveConnectionContext, LiveConnectionType_rtsp, LiveThread


def main(address, seconds):
    # (LiveThread:livethread) --> {InfoFrameFilter:live_out_filter}
    livethread = LiveThread("livethread")
    live_out_filter = InfoFrameFilter("live_out_filter")
    ctx = LiveConnectionContext(LiveConnectionType_rtsp, address, 1, live_out_filter)

    livethread.startCall()
    livethread.registerStreamCall(ctx)
    livethread.playStreamCall(ctx)
    try:
        time.sleep(seconds)
    except KeyboardInterrupt:
        print("interrupted")

    livethread.stopStreamCall(ctx)
    livethread.deregisterStreamCall(ctx)
    livethread.stopCall()
    print("bye")


if __name__ == "__main__":
    # SIGTERM ends the waiting as Ctrl-C does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    arguments = sys.argv[1:]
    seconds = float(arguments[1]) if len(arguments) > 1 else 5.0
    if arguments and arguments[0]:
        main(arguments[0], seconds)
    else:
        with Cameras(count=1) as cameras:
            main(cameras.urls[0], seconds)
