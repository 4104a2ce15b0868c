"""``camgraph probe``: is a camera reachable, what does it send, what is wrong?"""

import queue
import time
from collections.abc import Container
from contextlib import AbstractContextManager, nullcontext, suppress
from typing import Annotated, NamedTuple

import msgspec
import typer
from rich.console import Console
from rich.status import Status
from rich.text import Text

import camgraph as cg
from camgraph.base.errors import BrokenError
from camgraph.base.redact import split_login
from camgraph.cli.addresses import TRANSPORT_HELP, declare
from camgraph.cli.exits import fail_with
from camgraph.cli.interrupts import interrupting
from camgraph.cli.probe_report import ProbeReport, report_of
from camgraph.control.messages import HAS_PICTURES, StreamStatistics, StreamStatus
from camgraph.graph.nodes import Transport

STREAM = "camera"
MEASURED_S, LONGEST_MEASURED_S = 2.0, 5.0
"""The numbers are taken over the first, or up to the second if some are not known by then."""
STARTING_S = 30.0
"""For the start of our own processes, where the machine is busy."""
INTERRUPTED = 130
_ASK_EVERY_S = 0.5
_ON_THE_WAY = ("starting", "resolving", "opening", "waiting_for_keyframe")
_STARTING = StreamStatus(stream=STREAM, state="starting")
_OVERDUE = {"starting": "internal", "resolving": "name_no_answer", "opening": "no_answer"}


def probe(
    url: Annotated[str, typer.Argument(help="rtsp://host[:port]/path, or http:// of an MJPEG stream.")],
    login: Annotated[str | None, typer.Option(help="Where user:password is: env:NAME or file:/path.")] = None,
    transport: Annotated[Transport, typer.Option(help=TRANSPORT_HELP)] = "tcp",
    timeout: Annotated[float, typer.Option(min=1, help="Wait so many seconds for a picture.")] = 20.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was found as one JSON object.")] = False,
) -> None:
    """Tell of one camera whether it can be reached, what it sends, and what is wrong.

    A login may stand in the address, where others on this machine can see it as long as the command runs;
    --login avoids that. It is not shown, and given to no other process's command line.

    \b
    Exit codes:
      0   it plays
      2   the address, or the login, can't be one
      10  unreachable: no such name, no network, no answer, nothing listens
      11  unauthorized: the login is wrong or missing
      12  not found: the camera has no such path
      13  unsupported: no RTSP, no video, an unknown codec, a refused request
      14  busy: too many viewers, or a fault of the camera's own
      15  no pictures: it sends nothing, no key frame, or stops
      16  it plays, but too many packets are lost
      1   anything else, at this machine
    """
    console = Console(stderr=True)
    try:
        with fail_with(console), interrupting():
            graph = cg.Graph()
            declare(graph, STREAM, url, login, transport)
            with graph.start() as site:
                report = _look(site, split_login(url)[0], timeout, console)
                # At once: leaving the camera may take a second.
                if as_json:
                    typer.echo(msgspec.json.encode(report))
                else:
                    screen = Console(highlight=False)
                    for text in report.lines():
                        screen.print(text, soft_wrap=True)
    except KeyboardInterrupt:
        raise typer.Exit(INTERRUPTED) from None
    raise typer.Exit(report.exit_code)


def _look(site: cg.Site, url: str, timeout_s: float, console: Console) -> ProbeReport:
    statuses: queue.SimpleQueue[StreamStatus] = queue.SimpleQueue()
    stop_hearing = site.subscribe(statuses.put)
    progress: AbstractContextManager[Status | None] = (
        console.status("Starting.") if console.is_terminal else nullcontext()
    )
    try:
        with progress as line:
            status = _next(statuses, ("starting",), time.monotonic() + STARTING_S, line)
            began = time.monotonic()
            if status.state in _ON_THE_WAY:
                status = _next(statuses, _ON_THE_WAY, began + timeout_s, line, status)
            if status.state in _ON_THE_WAY:
                numbers = _numbers(site)
                return report_of(_overdue(status, numbers, timeout_s), url, numbers=numbers)
            if status.state not in HAS_PICTURES:
                return report_of(status, url)
            first_picture_s = time.monotonic() - began
            if line is not None:
                line.update("It plays; measuring what it sends.")
            seen = _measure(site, status, statuses)
            return report_of(
                seen.status,
                url,
                numbers=seen.numbers,
                quality=seen.quality,
                first_picture_s=first_picture_s,
            )
    finally:
        stop_hearing()


def _next(
    statuses: "queue.SimpleQueue[StreamStatus]",
    passing: Container[str],
    deadline: float,
    line: Status | None,
    status: StreamStatus = _STARTING,
) -> StreamStatus:
    """Return the first status whose state is none of the passing ones; at the deadline the last one."""
    while status.state in passing:
        if line is not None and status.sentence:
            line.update(Text(status.sentence))  # An IPv6 address would be taken for markup.
        try:
            status = statuses.get(timeout=max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            break
    return status


def _overdue(status: StreamStatus, numbers: StreamStatistics | None, timeout_s: float) -> StreamStatus:
    """Return what it is called that nothing came of a step in time."""
    came = numbers is not None and numbers.received
    reason = _OVERDUE.get(status.state, "no_keyframe" if came else "no_media")
    sentence = f"No picture came within {timeout_s:g} s. {status.sentence}".rstrip()
    return msgspec.structs.replace(status, reason=reason, sentence=sentence)


class _Seen(NamedTuple):
    status: StreamStatus
    numbers: StreamStatistics | None
    quality: str


def _measure(site: cg.Site, status: StreamStatus, statuses: "queue.SimpleQueue[StreamStatus]") -> _Seen:
    """Read the stream for some seconds, as somebody who looks at it would, or until it fails."""
    began = time.monotonic()
    asked = began
    numbers: StreamStatistics | None = None
    quality = ""
    with site.read(site.streams[STREAM].frames()) as reader:
        while True:
            with suppress(TimeoutError):
                quality = reader.read(timeout=_ASK_EVERY_S).capture_quality
            while status.state in HAS_PICTURES and not statuses.empty():
                status = statuses.get()
            now = time.monotonic()
            if status.state in HAS_PICTURES and now - asked < _ASK_EVERY_S:
                continue
            asked = now
            numbers = _numbers(site) or numbers
            complete = numbers is not None and numbers.keyframe_interval_ns and numbers.clock_offset_ns
            enough = now - began >= (MEASURED_S if complete else LONGEST_MEASURED_S)
            if enough or status.state not in HAS_PICTURES:
                return _Seen(status, numbers, quality)


def _numbers(site: cg.Site) -> StreamStatistics | None:
    try:
        return site.statistics().streams.get(STREAM)
    except (TimeoutError, BrokenError):
        return None  # A supervisor that is being replaced answers nothing; the status tells.
