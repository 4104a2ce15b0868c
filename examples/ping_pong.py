"""Ping-pong with another process, without Qt: its services are messages, our strokes calls with results.

Start: `python examples/ping_pong.py`. It plays until Ctrl-C, or until you kill the other process.
"""

import os
import time

import camgraph as cg
from camgraph.errors import BackendRaised, BrokenError


class Player(cg.MessageProcess):
    """Plays in a process of its own, where all of its methods run."""

    served = cg.message(ball=int)
    tired = cg.message(strokes=int)

    def setup(self) -> None:
        self.balls = self.strokes = 0
        self.every(0.5, self.serve)

    def serve(self) -> None:
        self.balls += 1
        self.served.emit(ball=self.balls)

    @cg.backend
    def stroke(self, ball: int) -> int:  # "-> int": at the front end the call has a result
        if ball % 5 == 0:
            raise ValueError(f"{ball} was out")  # goes to who asks for the result, and ends nothing
        self.strokes += 1
        if self.strokes % 3 == 0:
            self.tired.emit(strokes=self.strokes)
        return os.getpid()


def main() -> None:
    """Return each ball, until the other process has ended."""
    with cg.Graph().start() as site:
        player = site.spawn(Player)
        # A callback runs in the site's thread; what this thread waits for itself is an iterator's.
        player.exited.connect(lambda how: print(f"the other process has ended: {how}", flush=True))
        for message in player.messages():
            match message:
                case "served", {"ball": ball}:
                    began = time.perf_counter()
                    try:
                        pid = player.stroke(ball).result(timeout=5)
                        took_us = (time.perf_counter() - began) * 1e6
                        print(f"ball {ball}: back from process {pid} in {took_us:.0f} µs", flush=True)
                    except BackendRaised as error:
                        print(f"ball {ball}: {error.summary}", flush=True)
                case "tired", {"strokes": strokes}:
                    print(f"tired after {strokes} strokes", flush=True)


if __name__ == "__main__":
    try:
        main()
    except BrokenError as error:
        print(error)  # it has ended between its service and the answer to our stroke
    except KeyboardInterrupt:
        pass
