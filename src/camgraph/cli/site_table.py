"""A running site as a table: every stream, and every media process."""

import time
from collections import Counter, deque
from collections.abc import Iterable, Iterator

from rich.box import SIMPLE_HEAD
from rich.console import Group
from rich.table import Table
from rich.text import Text

import camgraph as cg
from camgraph.base.pixels import ITEM_FORMATS
from camgraph.client.sentences import sentence_now
from camgraph.control.messages import MediaProcessStatistics
from camgraph.graph.spec import streams_of

RATES_OVER = 5
_STYLES = {"live": "green", "stopped": "dim"}
_OTHER_STYLE = "yellow"


class SiteTable:
    """Draws what is known of a site; rates are those over the last `RATES_OVER` counts."""

    def __init__(self, site: cg.Site) -> None:
        self._site = site
        self._counts: cg.SiteStatistics | None = None
        self._story: deque[tuple[int, dict[str, int]]] = deque(maxlen=RATES_OVER)
        self._fps: dict[str, float] = {}

    def count(self, counts: cg.SiteStatistics, now_ns: int) -> None:
        """Take the numbers of now."""
        self._counts = counts
        frames = dict(_frames(counts))
        for name, count in frames.items():
            if any(count < before.get(name, 0) for _, before in self._story):
                # It is a new process's: what the last one counted is no beginning.
                for _, before in self._story:
                    before.pop(name, None)
        if self._story:
            before_ns, before = self._story[0]
            self._fps = {
                name: (count - before[name]) * 1e9 / (now_ns - before_ns)
                for name, count in frames.items()
                if name in before
            }
        self._story.append((now_ns, frames))

    def draw(self) -> Group:
        """Return the tables."""
        return Group(self._streams(), process_table(self._counts.media if self._counts else ()))

    def _streams(self) -> Table:
        table = Table("stream", "state", "picture", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
        table.add_column("fps", justify="right")
        table.add_column("readers", justify="right")
        table.add_column("process")
        table.add_column("", ratio=1)
        sources = {name: path.source.id for name, path in streams_of(self._site.spec).items()}
        counts = self._counts
        seats = {stream: one.name for one in counts.media for stream in one.streams} if counts else {}
        readers = readers_of(counts) if counts else Counter[str]()
        now_ns = time.monotonic_ns()
        for name, source in sources.items():
            status = self._site.streams[name].status if name in self._site.streams else None
            if status is None:
                continue
            fps = self._fps.get(name)
            table.add_row(
                Text(name),
                state_text(status),
                f"{status.width}×{status.height}" if status.width else "",
                "" if fps is None else f"{fps:.1f}",
                str(readers[name]),
                seats.get(source, ""),
                Text("" if status.state == "live" else sentence_now(status, now_ns)),
            )
        return table


def process_table(processes: Iterable[MediaProcessStatistics]) -> Table:
    """Return the media processes as a table."""
    table = Table("media process", "pid", "starts", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for heading in ("streams", "cores", "ring MiB"):
        table.add_column(heading, justify="right")
    table.add_column("ended last", ratio=1)
    for one in processes:
        table.add_row(
            f"{one.name} (own)" if one.own else one.name,
            str(one.pid or ""),
            str(one.starts),
            str(len(one.streams)),
            f"{one.cores:.2f}",
            f"{one.reserved_bytes / (1 << 20):.0f}",
            Text(one.last_exit),
        )
    return table


def readers_of(counts: cg.SiteStatistics) -> Counter[str]:
    """Return how many read each stream."""
    readers: Counter[str] = Counter()
    for stream in counts.streams.values():
        for ring in stream.rings:
            readers[ring.stream] += ring.readers
    return readers


def state_text(status: cg.StreamStatus) -> Text:
    """Return the state, in a colour that tells how good it is."""
    return Text(status.state, style=_STYLES.get(status.state, _OTHER_STYLE))


def _frames(counts: cg.SiteStatistics) -> Iterator[tuple[str, int]]:
    """Give the counts that grow by one a frame: of a camera what came, of what filters make what was read."""
    for name, stream in counts.streams.items():
        yield name, stream.received
        derived: dict[str, int] = {}
        for ring in stream.rings:
            if ring.stream != name and ring.format not in ITEM_FORMATS:
                derived[ring.stream] = max(derived.get(ring.stream, 0), ring.published)
        yield from derived.items()
