"""Another program on a site: ``python outside_program.py SITE STREAM…`` joins it, and reads streams.

It has a process of its own there, decodes each frame, and writes a JSON line every 200 ms: by stream, what
came and what became of the rest, and when the last whole picture came. What ends is asked for again, until
SIGTERM.
"""

import json
import sys
import time
from dataclasses import dataclass
from typing import Any

import camgraph as cg
from camgraph.base.loop import Loop
from camgraph.base.signals import end_on_sigterm
from camgraph.errors import CamgraphError
from camgraph.testing.pattern import decode

TELL_EVERY_S = 0.2
AGAIN_AFTER_S = 0.2
JOINS_WITHIN_S = 60.0
"""Its supervisor may be dead, or stopped, when it comes."""


class Counter(cg.MessageProcess):
    """Tells that frames come."""

    restart = True
    counted = cg.message(frames=int)

    def setup(self) -> None:
        self.frames = 0

    def on_frame(self, frame: cg.Frame) -> None:
        self.frames += 1
        self.counted.emit(self.frames)


@dataclass
class Span:
    """The frames of one connection to one ring: from which to which, and how many were received."""

    first: int
    last: int
    frames: int = 1


class Follower:
    """Reads all frames of a stream, over the deaths of whoever serves it."""

    def __init__(self, loop: Loop, site: cg.Site, stream: str) -> None:
        self._loop, self._site, self._stream = loop, site, stream
        self._reader: Any = None
        self._spans: dict[tuple[int, int, int], Span] = {}
        self._ended = {"received": 0, "late": 0, "behind": 0, "skipped": 0}
        self._readers = 0
        self.frames = self.torn = self.unreadable = self.backwards = 0
        self.last_at = 0.0
        self._open()

    def told(self) -> dict[str, Any]:
        counted = dict(self._ended)
        if self._reader is not None:
            self._add(counted)
        return {
            "frames": self.frames,
            "torn": self.torn,
            "unreadable": self.unreadable,
            "backwards": self.backwards,
            "last_at": self.last_at,
            "connections": len(self._spans),
            "spanned": sum(span.last - span.first + 1 for span in self._spans.values()),
            **counted,
        }

    def _open(self) -> None:
        try:
            self._reader = self._site.read(self._site.streams[self._stream].frames(policy="every"))
        except CamgraphError:
            self._loop.call_later(AGAIN_AFTER_S, self._open)
            return
        self._readers += 1
        self._loop.add(self._reader, self._take)

    def _take(self) -> None:
        try:
            while (frame := self._reader.read_nowait()) is not None:
                self._check(frame)
                frame.release()
        except CamgraphError:
            self._loop.remove(self._reader)
            self._add(self._ended)
            self._reader.close()
            self._reader = None
            self._loop.call_later(AGAIN_AFTER_S, self._open)

    def _check(self, frame: cg.Frame) -> None:
        found = decode(frame.planes[0])
        self.frames += 1
        self.torn += found.torn
        self.unreadable += not found.ok and not found.torn
        if found.ok:
            self.last_at = time.monotonic()
        connection = (self._readers, self._reader.statistics().reconnects, frame.epoch)
        span = self._spans.get(connection)
        if span is None:
            self._spans[connection] = Span(frame.seq, frame.seq)
            return
        self.backwards += frame.seq <= span.last
        span.last = frame.seq
        span.frames += 1

    def _add(self, counted: dict[str, int]) -> None:
        statistics = self._reader.statistics()
        for name in counted:
            counted[name] += getattr(statistics, name)


def main(name: str, streams: list[str]) -> None:
    loop = Loop()
    end_on_sigterm(loop, loop.stop)
    with cg.attach(name, timeout=JOINS_WITHIN_S) as site:
        followers = {stream: Follower(loop, site, stream) for stream in streams}
        counter = site.spawn(Counter)
        counter.watch(site.streams[streams[0]].frames(size=(320, 180), format="gray8", fps=5))
        counted: list[int] = []
        counter.counted.connect(lambda frames: counted.append(frames))

        def tell() -> None:
            line = {
                "at": time.monotonic(),
                "counted": len(counted),
                "states": {stream: site.streams[stream].status.state for stream in streams},
                "streams": {stream: follower.told() for stream, follower in followers.items()},
            }
            print(json.dumps(line), flush=True)
            loop.call_later(TELL_EVERY_S, tell)

        tell()
        loop.run()
    loop.close()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
