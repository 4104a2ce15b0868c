"""The graph in camgraph's own words."""

from collections.abc import Callable, Sequence

import camgraph as cg
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
from camgraph.present import Screen

_WAITS_S = 1.0


def main(windows: Sequence[int], urls: Sequence[str]) -> None:
    """Run until standard input ends."""
    graph = cg.Graph()
    cameras = [graph.rtsp(f"camera-{number}", url, transport="tcp") for number, url in enumerate(urls, 1)]
    for number, camera in enumerate(cameras, 1):
        seldom = graph.interval(f"interval-{number}", camera, INTERVAL_MS)
        graph.publish(f"rgb-{number}", seldom, ring=rgb_name(number), size=RGB_SIZE, tag=number)
    graph.publish("mp4", cameras[0], ring=mp4_name(), format="fmp4", size=(MP4_BYTES, 1))
    pulls = Pulls()
    with graph.start() as site, Screen(site) as screen:
        for camera, window in zip(cameras, windows, strict=False):
            screen.show(camera.name, window, fit="cover", delay_ms=DELAY_MS)
        for name in (*map(rgb_name, range(1, len(urls) + 1)), mp4_name()):
            pulls.add(_pull(cg.read(name, leases=CELLS)))
        try:
            pulls.serve(site)
        finally:
            pulls.end()


def _pull(reader: cg.Reader) -> Callable[[], bool]:
    def pull() -> bool:
        try:
            frame = reader.read(_WAITS_S)
        except TimeoutError:
            return False
        frame.release()
        return True

    return pull


if __name__ == "__main__":
    main(*arguments())
