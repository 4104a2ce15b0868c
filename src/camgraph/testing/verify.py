"""``python -m camgraph.testing.verify SITE STREAM…``: an extra reader that decodes the pattern of each frame.

It runs until its standard input ends, then writes one JSON object to standard output: stream → frames,
torn, unreadable, and the numbers of the ring's own accounting (late, behind).
"""

import contextlib
import json
import sys

from camgraph.base.errors import BrokenError, CamgraphError
from camgraph.base.loop import Loop
from camgraph.base.signals import end_on_sigterm
from camgraph.client.requests import open_reader
from camgraph.graph.stream import Stream
from camgraph.ring.reader import Reader
from camgraph.testing.pattern import decode


class StreamCheck:
    """Counts what the frames of one stream show."""

    def __init__(self, loop: Loop, site: str, stream: str) -> None:
        self.frames = self.torn = self.unreadable = 0
        self._loop = loop
        self._reader: Reader = open_reader(site, Stream(stream).frames(policy="every"))
        loop.add(self._reader, self._drain)

    def result(self) -> dict[str, int]:
        """Return the counts."""
        numbers = self._reader.statistics()
        return {
            "frames": self.frames,
            "torn": self.torn,
            "unreadable": self.unreadable,
            "late": numbers.late,
            "behind": numbers.behind,
        }

    def close(self) -> None:
        """Release the reader."""
        self._loop.remove(self._reader)
        self._reader.close()

    def _drain(self) -> None:
        try:
            while (frame := self._reader.read_nowait()) is not None:
                found = decode(frame.planes[0])
                self.frames += 1
                self.torn += found.torn
                self.unreadable += not found.ok and not found.torn
                frame.release()
        except BrokenError:
            self._loop.remove(self._reader)


def main(site: str, streams: list[str]) -> None:
    """Check until standard input ends."""
    loop = Loop()
    end_on_sigterm(loop, loop.stop)
    checks = {stream: StreamCheck(loop, site, stream) for stream in streams}
    loop.add(sys.stdin, loop.stop)
    loop.run()
    with contextlib.suppress(BrokenPipeError):  # who asked may have been killed
        json.dump({stream: check.result() for stream, check in checks.items()}, sys.stdout)
        sys.stdout.flush()
    for check in checks.values():
        check.close()


if __name__ == "__main__":
    try:
        main(sys.argv[1], sys.argv[2:])
    except CamgraphError as error:
        sys.exit(str(error))
