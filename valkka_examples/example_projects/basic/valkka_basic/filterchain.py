"""The filtergraph of one camera."""

from valkka.core import (
    AVThread,
    ForkFrameFilterN,
    FragMP4MuxFrameFilter,
    FragMP4ShmemFrameFilter,
    FrameFifoContext,
    LiveConnectionContext,
    LiveConnectionType_rtsp,
    RGBShmemFrameFilter,
    SwScaleFrameFilter,
    TimeIntervalFrameFilter,
)

WIDTH, HEIGHT = 320, 180
CELLS = 10
MP4_CELL_BYTES = 1024 * 1024


class BasicFilterChain:
    """live → fork ─┬─ AVThread → interval → scale → RGB shared memory
    └─ MP4 muxer → MP4 shared memory
    """

    def __init__(self, livethread, address, slot, interval_ms=200):
        self.livethread, self.slot = livethread, slot
        self.rgb_name, self.mp4_name = f"basic_rgb_{slot}", f"basic_mp4_{slot}"

        self.rgb_shmem = RGBShmemFrameFilter(self.rgb_name, CELLS, WIDTH, HEIGHT)
        self.scale = SwScaleFrameFilter(f"scale_{slot}", WIDTH, HEIGHT, self.rgb_shmem)
        self.interval = TimeIntervalFrameFilter(f"interval_{slot}", interval_ms, self.scale)
        fifo = FrameFifoContext()
        fifo.n_basic = 20
        self.avthread = AVThread(f"avthread_{slot}", self.interval, fifo)

        self.mp4_shmem = FragMP4ShmemFrameFilter(self.mp4_name, CELLS, MP4_CELL_BYTES)
        self.mux = FragMP4MuxFrameFilter(f"mux_{slot}", self.mp4_shmem)

        self.fork = ForkFrameFilterN(f"fork_{slot}")
        self.fork.connect("decode", self.avthread.getFrameFilter())
        self.fork.connect("mp4", self.mux)

        self.live_ctx = LiveConnectionContext(LiveConnectionType_rtsp, address, slot, self.fork)
        self.live_ctx.msreconnect = 10000
        self.closed = False

    def use_fds(self, rgb_event, mp4_event):
        """Have these event file descriptors told of each picture, and of each part of the MP4."""
        self.rgb_shmem.useFd(rgb_event)
        self.mp4_shmem.useFd(mp4_event)

    def start(self):
        self.avthread.startCall()
        self.avthread.decodingOnCall()
        self.mux.activate()
        self.livethread.registerStreamCall(self.live_ctx)
        self.livethread.playStreamCall(self.live_ctx)

    def close(self):
        if self.closed:
            return
        self.closed = True
        self.mux.deActivate()
        self.avthread.decodingOffCall()
        self.livethread.stopStreamCall(self.live_ctx)
        self.livethread.deregisterStreamCall(self.live_ctx)
        self.avthread.stopCall()

    def __del__(self):
        self.close()
