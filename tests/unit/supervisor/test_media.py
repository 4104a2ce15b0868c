"""The supervisor's side of a real media process, which dies at the worst moment."""

import os
import signal
import time
from collections.abc import Callable

from camgraph.base.loop import Loop
from camgraph.control.messages import MediaStatistics, MediaStatus, StreamStatus
from camgraph.graph.spec import GraphSpec, RtspSource
from camgraph.supervisor.media import MediaProcess


def run_until(loop: Loop, condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 15
    while not condition():
        assert time.monotonic() < deadline
        loop.run_once(0.1)


def spec_of(*names: str) -> GraphSpec:
    return GraphSpec(nodes=tuple(RtspSource(id=name, url="rtsp://127.0.0.1:9/1") for name in names))


def test_a_graph_given_to_a_dying_media_process_is_run_by_the_next() -> None:
    loop = Loop()
    told: list[StreamStatus | MediaStatus | MediaStatistics] = []
    media = MediaProcess(loop, tell=told.append, on_ready=lambda: None)
    media.apply(spec_of("door"), {})
    first = media.pid
    os.kill(first, signal.SIGKILL)
    os.waitid(os.P_PID, first, os.WEXITED | os.WNOWAIT)
    media.apply(spec_of("door", "yard"), {})
    run_until(
        loop,
        lambda: any(
            isinstance(news, StreamStatus) and news.stream == "yard" and news.attempt for news in told
        ),
    )
    assert media.pid != first
    assert media.starts == 2
    media.stop()
    run_until(loop, lambda: media.ended)
    loop.close()
