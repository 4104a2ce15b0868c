import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from camgraph.base.loop import Loop
from camgraph.control.channel import channel_pair
from camgraph.process.back import BackEnd
from camgraph.process.channel import Channel
from camgraph.process.declare import MessageProcess
from camgraph.process.front import FrontEnd, make_front_end
from camgraph.process.run import run_back_end


@pytest.fixture
def loop() -> Iterator[Loop]:
    """A loop that runs in a thread of its own."""
    made = Loop()
    thread = threading.Thread(target=made.run)
    thread.start()
    yield made
    made.stop()
    thread.join()
    made.close()


@pytest.fixture
def spawn(loop: Loop) -> Iterator[Callable[..., Any]]:
    """Start a front end, and its back end in a thread of this process instead of a process of its own."""
    fronts: list[FrontEnd] = []
    threads: list[threading.Thread] = []

    def start(
        kind: type[MessageProcess], *args: Any, open_reader: Any = None, watched: Any = (), **kwargs: Any
    ) -> FrontEnd:
        ours, theirs = channel_pair()
        back = BackEnd(Channel(theirs), open_reader)
        front = make_front_end(
            kind, kind.__name__, loop, lambda grace_s: void(back.loop.call_soon_threadsafe(back.end_soon))
        )

        def run() -> None:
            front._on_exit(run_back_end(back, lambda: (kind, args, kwargs), watched))

        front._bind(ours, 1)
        threads.append(threading.Thread(target=run))
        threads[-1].start()
        fronts.append(front)
        return front

    yield start
    for front in fronts:
        front.close()
    for thread in threads:
        thread.join()


def void(value: object) -> None:
    """Drop a value."""
