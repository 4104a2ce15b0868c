"""Ours: a site whose streams are drawn into windows; or, without windows, only read in their size.

``python -m benchmarks.present.program width height ids url…``: `ids` are the windows' ids with commas
between, or empty; window i shows stream i, and begins again with the first.
"""

import json
import selectors
import sys
from collections.abc import Callable, Sequence

import camgraph as cg
from camgraph.present import Screen

_ANSWERS_S = 5.0


def main(size: tuple[int, int], windows: Sequence[int], urls: Sequence[str]) -> None:
    """Show, or read, until standard input ends; answer its lines with the frames so far."""
    graph = cg.Graph()
    names = [graph.rtsp(f"camera-{number}", url).name for number, url in enumerate(urls, 1)]
    with graph.start() as site:
        if not windows:
            _read(site, size)
            return
        with Screen(site) as screen:
            for index, window in enumerate(windows):
                screen.show(names[index % len(names)], window)

            def shown() -> list[int]:
                numbers = screen.statistics(_ANSWERS_S)
                return [numbers[window].shown if window in numbers else 0 for window in windows]

            _answer(shown)


def _answer(counts: Callable[[], list[int]]) -> None:
    for _ in sys.stdin:
        print(json.dumps(counts()), flush=True)


def _read(site: cg.Site, size: tuple[int, int]) -> None:
    readers = [site.read(stream.frames(format="bgra", size=size)) for stream in site.streams.values()]
    counts = [0] * len(readers)
    with selectors.DefaultSelector() as selector, open(0, "rb", buffering=0) as questions:
        selector.register(questions, selectors.EVENT_READ)
        for index, reader in enumerate(readers):
            selector.register(reader, selectors.EVENT_READ, index)
        while True:
            for key, _ in selector.select():
                if key.data is not None:
                    while (frame := readers[key.data].read_nowait()) is not None:
                        frame.release()
                        counts[key.data] += 1
                elif not questions.read(1):
                    return
                else:
                    print(json.dumps(counts), flush=True)


if __name__ == "__main__":
    main(
        (int(sys.argv[1]), int(sys.argv[2])),
        [int(word) for word in sys.argv[3].split(",") if word],
        sys.argv[4:],
    )
