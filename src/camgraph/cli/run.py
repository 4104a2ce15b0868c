"""``camgraph run``: a site without a window, from a file, for other programs to join by its name."""

import errno
import select
import signal
import time
from collections import deque
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Annotated, Self

import typer
from rich.console import Console
from rich.live import Live

import camgraph as cg
from camgraph.base.errors import BrokenError, CamgraphError, GraphError
from camgraph.base.wakeup import Wakeup
from camgraph.cli.exits import fail_with
from camgraph.cli.interrupts import interrupting
from camgraph.cli.site_file import read_spec
from camgraph.cli.site_table import SiteTable
from camgraph.cli.standard_error import diverted

DRAWN_EVERY_S = 0.5
_ON_THE_WAY = ("resolving", "opening", "waiting_for_keyframe")


def run(
    file: Annotated[Path, typer.Argument(metavar="SITE.yaml", help="The site's graph, in YAML or JSON.")],
    name: Annotated[
        str | None, typer.Option(help="The site's name on this machine (default: the file's, without .yaml).")
    ] = None,
    metrics_port: Annotated[
        int | None,
        typer.Option(min=0, max=65535, help="Tell Prometheus the numbers at this port of 127.0.0.1."),
    ] = None,
) -> None:
    """Run the cameras of a file until Ctrl-C, without a window; other programs join the site by its name.

    SIGHUP has the file read again: the site becomes what it says, gates and rates too, and what stays as it
    was plays on. A file, with a filter that others can close:

    \b
    nodes:
    - {type: rtsp, id: door, url: "rtsp://127.0.0.1:8554/1", login: "env:DOOR"}
    - {type: gate, id: night, source: door}

    There are also {type: rate, id, source, fps} and {type: fork, id, source, branches}; and, as cameras,
    {type: http, id, url, login}, {type: sdp, id, path}, {type: file, id, path, loop}, {type: v4l2, id, path}
    and {type: synthetic, id}, the test picture. Relative paths are taken from the file's folder.
    """
    console = Console(stderr=True)
    try:
        with fail_with(console), interrupting(), _hangups() as hung_up:
            spec = read_spec(file)
            with ExitStack() as stack:
                view = _Screen() if console.is_terminal else _Lines(console)
                stack.enter_context(view)
                site = stack.enter_context(_start(spec, name or file.stem))
                view.say(
                    f"Site {site.name} runs until Ctrl-C; other programs join it by this name. "
                    f"SIGHUP has {file} read again."
                )
                if metrics_port is not None:
                    view.say(f"Prometheus finds its numbers at {_tell_numbers(site, metrics_port)}.")
                view.watch(site)
                _serve(site, file, view, hung_up)
    except KeyboardInterrupt:
        return
    except OSError as error:
        # The terminal was closed.
        if error.errno != errno.EIO:
            raise


class _Lines:
    """A line for each change of a stream's state; one for all attempts that fail alike, one after the other.

    `sources` are readable when there is something to `show`, which says after how many seconds it wants to
    show something again (None: when there is something).
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._changes: deque[cg.StreamStatus] = deque()
        self._changed = Wakeup()
        self._told: dict[str, tuple[str, str]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.show()
        self._changed.close()

    @property
    def sources(self) -> list[int]:
        return [self._changed.fileno()]

    def say(self, text: str, *, style: str = "") -> None:
        now = time.strftime("%Y-%m-%d %H:%M:%S")
        self._console.print(f"{now} {text}", style=style, markup=False, highlight=False, soft_wrap=True)

    def watch(self, site: cg.Site) -> None:
        site.subscribe(self._note)

    def show(self) -> None:
        self._changed.clear()
        while self._changes:
            status = self._changes.popleft()
            news = status.state, status.reason
            told = self._told.get(status.stream, ("starting", ""))
            trying_again = told[1] and status.state in _ON_THE_WAY and status.reason in ("", told[1])
            if news != told and not trying_again and not status.state == told[0] == "stopped":
                self._told[status.stream] = news
                self.say(f"{status.stream}: {status.state}: {status.sentence}")

    def _note(self, status: cg.StreamStatus) -> None:
        # In the site's thread, which must not wait for whoever reads the lines.
        self._changes.append(status)
        self._changed.set()


class _Screen:
    """A table that stands, and lines above it: what is said, and what the site's processes write.

    To be used as `_Lines`.
    """

    def __init__(self) -> None:
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            terminal, self._came = stack.enter_context(diverted())
            console = Console(file=terminal)
            self._live = stack.enter_context(
                Live(console=console, auto_refresh=False, redirect_stdout=False, redirect_stderr=False)
            )
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def sources(self) -> list[int]:
        return [self._came.fileno()]

    def say(self, text: str, *, style: str = "") -> None:
        self._live.console.print(text, style=style, markup=False, highlight=False)

    def watch(self, site: cg.Site) -> None:
        self._site = site
        self._table = SiteTable(site)

    def show(self) -> float:
        for line in self._came.lines():
            self.say(line)
        with suppress(TimeoutError, BrokenError):  # A supervisor that is being replaced answers nothing.
            self._table.count(self._site.statistics(), time.monotonic_ns())
        self._live.update(self._table.draw(), refresh=True)
        return DRAWN_EVERY_S


def _serve(site: cg.Site, file: Path, view: _Lines | _Screen, hung_up: Wakeup) -> None:
    while True:
        again_s = view.show()
        ready = select.select([hung_up.fileno(), *view.sources], [], [], again_s)[0]
        if hung_up.fileno() in ready:
            hung_up.clear()
            try:
                view.say(f"{file} was read again: {_told(site.apply(read_spec(file)))}.")
            except (CamgraphError, TimeoutError) as error:
                view.say(f"{error}; the site goes on as it was.", style="red")


def _start(spec: cg.GraphSpec, name: str) -> cg.Site:
    try:
        return cg.Graph.from_spec(spec).start(name=name)
    except BrokenError as error:
        # The name is taken: a wrong argument, as the others.
        raise GraphError(str(error)) from error


def _tell_numbers(site: cg.Site, port: int) -> str:
    # Not at the start of every command: it is an extra.
    from camgraph.metrics import serve

    try:
        return f"http://127.0.0.1:{serve(site, port).port}/metrics"
    except OSError as error:
        raise CamgraphError(f"port {port} of 127.0.0.1 can't be had: {error.strerror}") from error


def _told(changes: cg.GraphDiff) -> str:
    groups = {"added": changes.added, "removed": changes.removed, "changed": changes.changed}
    told = [f"{word} {', '.join(names)}" for word, names in groups.items() if names]
    return "; ".join([*told, f"{len(changes.unchanged)} as before"])


@contextmanager
def _hangups() -> Iterator[Wakeup]:
    """Have SIGHUP raise a flag."""
    hung_up = Wakeup()
    before = signal.signal(signal.SIGHUP, lambda *_: hung_up.set())
    try:
        yield hung_up
    finally:
        signal.signal(signal.SIGHUP, before)
        hung_up.close()
