"""The program of the tests of joining: does what it is told on a site that it has joined, or has started.

``python joined_program.py NAME [URL]``: with an address it starts the site with a stream ``door`` of it, else
it joins. A line of JSON in, ``{"do": …}``, is answered by one: ``{"gave": …}``, or ``{"raised": …, "said":
…}``.
"""

import json
import os
import resource
import sys
import time
from typing import Any

import camgraph as cg
from camgraph.testing.pattern import decode


class Echo(cg.MessageProcess):
    """Says what it is told, and leaves a word when it ends in order."""

    said = cg.message(text=str, pid=int)

    @cg.backend
    def say(self, text: str) -> None:
        self.said.emit(text, os.getpid())


class Program:
    def __init__(self, site: cg.Site) -> None:
        self.site = site
        self.statuses: list[tuple[str, str, str]] = []
        self.echoes: list[Any] = []
        site.subscribe(lambda status: self.statuses.append((status.stream, status.state, status.reason)))

    def streams(self) -> dict[str, tuple[str, str, str]]:
        now = {name: stream.status for name, stream in self.site.streams.items()}
        return {name: (status.state, status.reason, status.sentence) for name, status in now.items()}

    def story(self) -> list[tuple[str, str, str]]:
        return list(self.statuses)

    def read(self, stream: str, frames: int = 1, timeout: float = 15.0) -> dict[str, Any]:
        with self.site.read(self.site.streams[stream].frames(policy="every")) as reader:
            for _ in range(frames - 1):
                reader.read(timeout=timeout)
            frame = reader.read(timeout=timeout)
            return {"ok": decode(frame.planes[0]).ok, "epoch": frame.epoch}

    def read_on(self, stream: str) -> dict[str, Any]:
        """Read until it can't be gone on."""
        began, frames = time.monotonic(), 0
        with self.site.read(self.site.streams[stream].frames(policy="every")) as reader:
            reader.read(timeout=15)
            print(json.dumps({"gave": "reading"}), flush=True)
            for _ in reader:
                frames += 1
        return {"frames": frames, "took_s": time.monotonic() - began}

    def read_over(self, stream: str) -> bool:
        """Read with one reader until frames of a later epoch come."""
        with self.site.read(self.site.streams[stream].frames(policy="every")) as reader:
            first = reader.read(timeout=15)
            print(json.dumps({"gave": "reading"}), flush=True)
            while (frame := reader.read(timeout=15)).epoch == first.epoch:
                pass
            return frame.epoch > first.epoch and decode(frame.planes[0]).ok

    def gate(self, name: str, opened: bool) -> bool:
        gate = self.site.gate(name)
        if opened:
            gate.open()
        else:
            gate.close()
        return gate.opened

    def gate_is_open(self, name: str) -> bool:
        return self.site.gate(name).opened

    def spawn(self) -> int:
        echo = self.site.spawn(Echo)
        self.echoes.append(echo)
        heard = echo.messages(timeout=15)
        echo.say("here")
        _, fields = next(heard)
        return int(fields["pid"])

    def add(self, stream: str, url: str) -> list[str]:
        graph = cg.Graph.from_spec(self.site.spec)
        graph.rtsp(stream, url)
        return list(self.site.apply(graph).added)

    def numbers(self) -> dict[str, Any]:
        counts = self.site.statistics()
        return {"processes": counts.processes, "clients": counts.clients, "streams": list(counts.streams)}

    def starve(self, starved: bool) -> None:
        """Have no descriptor to open, or as many as before."""
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (3 if starved else most, most))

    def leave(self) -> list[str]:
        self.site.close()
        return [echo.exit for echo in self.echoes]


def main(name: str, *urls: str) -> None:
    graph = cg.Graph()
    for url in urls:
        graph.rtsp("door", url)
    program = Program(graph.start(name=name) if urls else cg.attach(name))
    for line in sys.stdin:
        asked = json.loads(line)
        try:
            answer = {"gave": getattr(program, asked.pop("do"))(**asked)}
        except Exception as error:
            answer = {"raised": type(error).__name__, "said": str(error)}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
