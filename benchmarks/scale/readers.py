"""A site without a window, each stream read natively, all in this process.

``python -m benchmarks.scale.readers [--bgra=640x360] url…`` answers lines on standard input with the frames
that the native reader of each stream got; with ``--bgra`` each stream is read in that size, too.
"""

import json
import selectors
import sys
from collections.abc import Sequence

import camgraph as cg


class _Readers:
    def __init__(self, site: cg.Site, size: tuple[int, int] | None) -> None:
        streams = list(site.streams.values())
        self.counts = [0] * len(streams)
        self.native = [site.read(stream.frames(policy="every")) for stream in streams]
        self.scaled = [site.read(stream.frames(format="bgra", size=size)) for stream in streams if size]

    def drain(self, index: int | None, reader: cg.Reader) -> None:
        while (frame := reader.read_nowait()) is not None:
            frame.release()
            if index is not None:
                self.counts[index] += 1


def main(size: tuple[int, int] | None, urls: Sequence[str]) -> None:
    """Read until standard input ends."""
    graph = cg.Graph()
    for number, url in enumerate(urls, 1):
        graph.rtsp(f"camera-{number}", url)
    with graph.start() as site, selectors.DefaultSelector() as selector:
        readers = _Readers(site, size)
        for index, reader in enumerate(readers.native):
            selector.register(reader, selectors.EVENT_READ, (index, reader))
        for reader in readers.scaled:
            selector.register(reader, selectors.EVENT_READ, (None, reader))
        with open(0, "rb", buffering=0) as questions:
            selector.register(questions, selectors.EVENT_READ)
            while True:
                for key, _ in selector.select():
                    if key.data is not None:
                        readers.drain(*key.data)
                    elif not questions.read(1):
                        return
                    else:
                        print(json.dumps(readers.counts), flush=True)


if __name__ == "__main__":
    words = sys.argv[1:]
    asked = words.pop(0).removeprefix("--bgra=").partition("x") if words[0].startswith("--bgra=") else None
    main((int(asked[0]), int(asked[2])) if asked else None, words)
