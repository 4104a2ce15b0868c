"""Lesson 2 a: a camera in two windows of the OpenGLThread's own; decoded once.

    python lesson_2_a.py [rtsp://user:password@10.0.0.5/main] [seconds]

Without an address a built-in camera is used.
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
    OpenGLThread,
)

SLOT = 1


def main(address, seconds):
    # (LiveThread:livethread) --> (AVThread:avthread) --> (OpenGLThread:glthread)
    glthread = OpenGLThread("glthread")
    avthread = AVThread("avthread", glthread.getFrameFilter())
    livethread = LiveThread("livethread")
    ctx = LiveConnectionContext(LiveConnectionType_rtsp, address, SLOT, avthread.getFrameFilter())

    glthread.startCall()
    avthread.startCall()
    livethread.startCall()

    contexts = []
    for _ in range(2):
        window_id = glthread.createWindow()
        glthread.newRenderGroupCall(window_id)
        # Frames with this slot go to that window.
        context_id = glthread.newRenderContextCall(SLOT, window_id, 0)
        contexts.append((window_id, context_id))

    avthread.decodingOnCall()
    livethread.registerStreamCall(ctx)
    livethread.playStreamCall(ctx)
    try:
        time.sleep(seconds)
    except KeyboardInterrupt:
        print("interrupted")

    for window_id, context_id in contexts:
        glthread.delRenderContextCall(context_id)
        glthread.delRenderGroupCall(window_id)
    livethread.stopCall()
    avthread.stopCall()
    glthread.stopCall()
    print("bye")


if __name__ == "__main__":
    # SIGTERM ends the waiting as Ctrl-C does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    arguments = sys.argv[1:]
    seconds = float(arguments[1]) if len(arguments) > 1 else 20.0
    if arguments and arguments[0]:
        main(arguments[0], seconds)
    else:
        with Cameras(count=1) as cameras:
            main(cameras.urls[0], seconds)
