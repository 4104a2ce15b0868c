"""Lesson 3 a: several cameras, a filterchain class for each, and a branch that comes and goes.

    python lesson_3_a.py [rtsp://10.0.0.5/main rtsp://10.0.0.6/main …]

Without addresses two built-in cameras are used.
"""

import signal
import sys
import time

from camgraph.testing.cameras import Cameras
from valkka.core import (
    AVThread,
    ForkFrameFilterN,
    InfoFrameFilter,
    LiveConnectionContext,
    LiveConnectionType_rtsp,
    LiveThread,
    OpenGLThread,
    TimeIntervalFrameFilter,
)


class Chain:
    """(LiveThread) --> (AVThread) --> {ForkFrameFilterN} --> (OpenGLThread), and what else is connected."""

    def __init__(self, livethread, glthread, address, slot):
        self.livethread, self.glthread, self.slot = livethread, glthread, slot
        self.fork = ForkFrameFilterN(f"fork_{slot}")
        self.fork.connect("screen", glthread.getFrameFilter())
        self.avthread = AVThread(f"avthread_{slot}", self.fork)
        self.ctx = LiveConnectionContext(
            LiveConnectionType_rtsp, address, slot, self.avthread.getFrameFilter()
        )
        self.avthread.startCall()
        self.avthread.decodingOnCall()
        livethread.registerStreamCall(self.ctx)
        livethread.playStreamCall(self.ctx)

    def show(self, window_id):
        self.glthread.newRenderGroupCall(window_id)
        self.glthread.newRenderContextCall(self.slot, window_id, 0)

    def listen(self):
        """Print one picture a second."""
        info = InfoFrameFilter(f"info_{self.slot}")
        self.fork.connect("info", TimeIntervalFrameFilter(f"interval_{self.slot}", 1000, info))

    def stop_listening(self):
        self.fork.disconnect("info")

    def close(self):
        self.livethread.stopStreamCall(self.ctx)
        self.livethread.deregisterStreamCall(self.ctx)
        self.avthread.stopCall()


def main(addresses, seconds=9.0):
    livethread, glthread = LiveThread("livethread"), OpenGLThread("glthread")
    livethread.startCall()
    glthread.startCall()
    chains = [Chain(livethread, glthread, address, slot) for slot, address in enumerate(addresses, start=1)]
    for chain in chains:
        chain.show(glthread.createWindow())
    try:
        time.sleep(seconds / 3)
        print("listening", flush=True)
        chains[0].listen()
        time.sleep(seconds / 3)
        chains[0].stop_listening()
        print("not listening", flush=True)
        time.sleep(seconds / 3)
    except KeyboardInterrupt:
        print("interrupted")
    for chain in chains:
        chain.close()
    livethread.stopCall()
    glthread.stopCall()
    print("bye")


if __name__ == "__main__":
    # SIGTERM ends the waiting as Ctrl-C does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if sys.argv[1:]:
        main(sys.argv[1:])
    else:
        with Cameras(count=2) as cameras:
            main(cameras.urls)
