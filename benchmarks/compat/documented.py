"""The graph through the documented API, as a program written for it has it."""

from collections.abc import Callable, Sequence

from benchmarks.compat.job import (
    CELLS,
    DELAY_MS,
    INTERVAL_MS,
    MP4_BYTES,
    RGB_SIZE,
    Pulls,
    arguments,
    mp4_name,
    rgb_name,
)
from valkka.api2 import FragMP4ShmemClient, ShmemRGBClient
from valkka.core import (
    AVThread,
    ForkFrameFilterN,
    FragMP4MuxFrameFilter,
    FragMP4ShmemFrameFilter,
    LiveConnectionContext,
    LiveConnectionType_rtsp,
    LiveThread,
    OpenGLThread,
    RGBShmemFrameFilter,
    SwScaleFrameFilter,
    TimeIntervalFrameFilter,
)
from valkka.core.runtime import runtime  # Not documented: what was done is counted there.

_WAITS_MS = 1000


class Chain:
    """live → fork ─┬─ AVThread → fork ─┬─ interval → scale → RGB ring
    ├─ MP4 → ring      └─ window
    """

    def __init__(self, live: LiveThread, gl: OpenGLThread, address: str, slot: int, with_mp4: bool) -> None:
        self.rgb = RGBShmemFrameFilter(rgb_name(slot), CELLS, *RGB_SIZE)
        self.scale = SwScaleFrameFilter(f"scale-{slot}", *RGB_SIZE, self.rgb)
        self.interval = TimeIntervalFrameFilter(f"interval-{slot}", INTERVAL_MS, self.scale)
        self.pictures = ForkFrameFilterN(f"pictures-{slot}")
        self.pictures.connect("rgb", self.interval)
        self.pictures.connect("window", gl.getFrameFilter())
        self.avthread = AVThread(f"av-{slot}", self.pictures)
        self.packets = ForkFrameFilterN(f"packets-{slot}")
        self.packets.connect("decode", self.avthread.getFrameFilter())
        if with_mp4:
            self.mp4 = FragMP4ShmemFrameFilter(mp4_name(), CELLS, MP4_BYTES)
            self.mux = FragMP4MuxFrameFilter(f"mux-{slot}", self.mp4)
            self.packets.connect("mp4", self.mux)
            self.mux.activate()
        self.context = LiveConnectionContext(LiveConnectionType_rtsp, address, slot, self.packets)
        self.context.request_tcp = True
        self.avthread.startCall()
        self.avthread.decodingOnCall()
        live.registerStreamCall(self.context)
        live.playStreamCall(self.context)


def main(windows: Sequence[int], urls: Sequence[str]) -> None:
    """Run until standard input ends."""
    gl = OpenGLThread("gl", msbuftime=DELAY_MS)
    live = LiveThread("live")
    gl.startCall()
    live.startCall()
    chains = [Chain(live, gl, url, slot, with_mp4=slot == 1) for slot, url in enumerate(urls, 1)]
    for slot, window in enumerate(windows, 1):
        gl.newRenderGroupCall(window)
        gl.newRenderContextCall(slot, window, 0)
    width, height = RGB_SIZE
    pulls = Pulls()
    for slot in range(1, len(urls) + 1):
        client = ShmemRGBClient(
            name=rgb_name(slot), n_ringbuffer=CELLS, width=width, height=height, mstimeout=_WAITS_MS
        )
        pulls.add(_pull(client))
    pulls.add(
        _pull(FragMP4ShmemClient(name=mp4_name(), n_ringbuffer=CELLS, n_size=MP4_BYTES, mstimeout=_WAITS_MS))
    )
    try:
        pulls.serve(runtime.site)
    finally:
        pulls.end()
        live.stopCall()
        for chain in chains:
            chain.avthread.stopCall()
        gl.stopCall()


def _pull(client: ShmemRGBClient | FragMP4ShmemClient) -> Callable[[], bool]:
    def pull() -> bool:
        index, _ = client.pullFrame()
        return index is not None

    return pull


if __name__ == "__main__":
    main(*arguments())
