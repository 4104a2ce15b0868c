"""``camgraph top``: the numbers of a running site, live."""

import errno
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import Annotated, NamedTuple

import typer
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

import camgraph as cg
from camgraph.base.errors import BrokenError
from camgraph.cli.exits import fail_with
from camgraph.cli.interrupts import interrupting
from camgraph.cli.site_table import process_table, readers_of, state_text
from camgraph.client.sentences import sentence_now
from camgraph.control.messages import HAS_PICTURES, StreamStatistics

NARROW = 105
"""Characters; a terminal that is not wider shows fewer columns."""


class _Column(NamedTuple):
    heading: str
    told: Callable[[StreamStatistics], str]
    wide: bool = False
    """Left out where there is little room."""


_COLUMNS = (
    _Column("fps", lambda one: f"{one.fps:.1f}"),
    _Column("Mbit/s", lambda one: f"{one.bit_rate / 1e6:.2f}"),
    _Column("lost", lambda one: f"{one.loss:.1%}" if one.loss else "0"),
    _Column("jitter", lambda one: f"{one.jitter_ns / 1e6:.1f} ms", wide=True),
    _Column("dropped", lambda one: str(one.dropped)),
    _Column("decode", lambda one: f"{one.decode_ns / 1e6:.1f} ms", wide=True),
    _Column("queue", lambda one: str(one.queued), wide=True),
    _Column("age", lambda one: f"{one.newest_age_ns / 1e9:.1f} s" if one.newest_age_ns else ""),
    _Column("again", lambda one: str(one.reconnects), wide=True),
)


def top(
    site: Annotated[str, typer.Argument(help="The name of a site that runs.")],
    interval: Annotated[float, typer.Option(min=0.1, help="Seconds from one look to the next.")] = 1.0,
    once: Annotated[
        bool, typer.Option("--once", help="Print it once and end, as where the output is no terminal.")
    ] = False,
) -> None:
    """Show the numbers of a site that runs, until Ctrl-C: rates are those of the last five seconds.

    \b
    fps, Mbit/s   what comes from the camera
    lost          share of the RTP packets that is lost
    dropped       packets that gave no picture, since its media process began
    decode        CPU time of decoding a picture
    queue         packets that wait for their decoding
    age           of the newest packet taken up
    again         how often it was live again on another connection
    """
    errors, console = Console(stderr=True), Console()
    try:
        with fail_with(errors), interrupting(), cg.attach(site) as live:
            if once or not console.is_terminal:
                console.print(draw(live, _counts(live), console.width))
            else:
                _watch(live, interval, console)
    except KeyboardInterrupt:
        return
    except OSError as error:
        # The terminal was closed.
        if error.errno != errno.EIO:
            raise


def _watch(site: cg.Site, interval_s: float, console: Console) -> None:
    counts: cg.SiteStatistics | None = None
    with Live(console=console, screen=True, auto_refresh=False) as screen:
        while True:
            with suppress(BrokenError):
                counts = _counts(site)
            screen.update(draw(site, counts, console.width), refresh=True)
            time.sleep(interval_s)


def _counts(site: cg.Site) -> cg.SiteStatistics:
    try:
        return site.statistics()
    except TimeoutError as error:
        raise BrokenError(str(error)) from error


def draw(site: cg.Site, counts: cg.SiteStatistics | None, width: int) -> Group:
    """Return the tables, for a terminal of that width; without counts, what is known without them."""
    statuses = [stream.status for stream in site.streams.values()]
    numbers = counts.streams if counts else {}
    readers = readers_of(counts) if counts else Counter[str]()
    is_wide = width > NARROW
    columns = [column for column in _COLUMNS if is_wide or not column.wide]
    table = Table(box=None, padding=(0, 1, 0, 0), header_style="reverse")
    for heading in ("stream", "state", "for", "picture"):
        table.add_column(heading, no_wrap=True)
    for heading in (*(column.heading for column in columns), "readers"):
        table.add_column(heading, justify="right", no_wrap=True)
    now_ns = time.monotonic_ns()
    for status in statuses:
        of_camera = numbers.get(status.stream)
        table.add_row(
            Text(status.stream),
            state_text(status),
            _told_time((now_ns - status.since_ns) / 1e9) if status.since_ns else "",
            _picture(status, is_wide),
            *(column.told(of_camera) if of_camera else "" for column in columns),
            str(readers[status.stream]),
        )
    return Group(
        _summary(site, counts),
        Text(),
        table,
        Text(),
        *(
            Text(f"{status.stream}: {sentence_now(status, now_ns)}", style="yellow")
            for status in statuses
            if status.state != "live" and status.sentence
        ),
        process_table(counts.media if counts else ()),
    )


def _summary(site: cg.Site, counts: cg.SiteStatistics | None) -> Text:
    statuses = [stream.status for stream in site.streams.values()]
    playing = sum(status.state in HAS_PICTURES for status in statuses)
    text = f"Site {site.name}: {playing} of {len(statuses)} streams play"
    if counts is not None:
        rate = sum(one.bit_rate for one in counts.streams.values())
        cores = sum(one.cores for one in counts.streams.values())
        text += f", {rate / 1e6:.1f} Mbit/s, {cores:.2f} cores, {counts.clients} programs"
    return Text(text, style="bold")


def _picture(status: cg.StreamStatus, is_wide: bool) -> str:
    size = f"{status.width}×{status.height}" if status.width else ""
    return f"{status.codec} {size}".strip() if is_wide else size


def _told_time(seconds: float) -> str:
    if seconds < 100:
        return f"{seconds:.0f} s"
    if seconds < 6000:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.0f} h"
