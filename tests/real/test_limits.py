"""Sixty-four cameras in one site: all play, and each costs what docs/design/supervision.md says, no more."""

import selectors
import time
from pathlib import Path

import pytest
from tests.faults.family import descriptors_of

import camgraph as cg
from camgraph.testing.cameras import Cameras
from camgraph.testing.waiting import wait_until

STREAMS = 64
THREADS_A_STREAM = 1
DESCRIPTORS_A_STREAM = 4
"""In the media process: the camera's connection, the ring's memory, the reader's connection, one to spare."""
RESIDENT_A_STREAM_BYTES = 12 << 20
"""Of 360p, its share of the media process included: decoder, ring, buffers."""
THREADS_A_PROCESS = 4
DESCRIPTORS_A_PROCESS = 24


def threads_of(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/task").iterdir()))


def resident_bytes(pid: int) -> int:
    """What is in memory for this process alone, and its share of what others have as well."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) << 10
    raise AssertionError(f"{pid} has no Pss")


@pytest.mark.timeout(120)
def test_sixty_four_streams_play_and_each_costs_what_is_said() -> None:
    with Cameras(count=STREAMS, size=(640, 360), fps=10) as cameras:
        graph = cg.Graph()
        streams = [graph.rtsp(f"camera-{number}", url) for number, url in enumerate(cameras.urls, 1)]
        with graph.start() as site:
            selector = selectors.DefaultSelector()
            received = dict.fromkeys((stream.name for stream in streams), 0)
            for stream in streams:
                selector.register(site.read(stream.frames()), selectors.EVENT_READ)

            def all_received(count: int) -> bool:
                for key, _ in selector.select(0.1):
                    reader = key.fileobj
                    assert isinstance(reader, cg.Reader)
                    while reader.read_nowait() is not None:
                        received[reader.request.stream] += 1
                return min(received.values()) >= count

            wait_until(lambda: all_received(1), 60, "a frame of every stream")
            before, began = dict(received), time.monotonic()
            wait_until(lambda: all_received(max(before.values()) + 20), 30, "twenty more of every stream")
            elapsed = time.monotonic() - began
            slowest = min(received[name] - before[name] for name in received) / elapsed
            media = site.statistics(timeout=5).media
            assert sum(len(process.streams) for process in media) == STREAMS
            assert max(len(process.streams) for process in media) <= site.statistics().rule.most_streams
            for process in media:
                count = len(process.streams)
                assert threads_of(process.pid) <= THREADS_A_PROCESS + THREADS_A_STREAM * count
                assert descriptors_of(process.pid) <= DESCRIPTORS_A_PROCESS + DESCRIPTORS_A_STREAM * count
            assert sum(resident_bytes(process.pid) for process in media) <= RESIDENT_A_STREAM_BYTES * STREAMS
            assert threads_of(site.supervisor_pid) == 1
            assert descriptors_of(site.supervisor_pid) <= DESCRIPTORS_A_PROCESS + 3 * len(media)
            assert all(stream.status.state == "live" for stream in site.streams.values())
            assert slowest > 1.0
            selector.close()
