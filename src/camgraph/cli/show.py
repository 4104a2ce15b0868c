"""``camgraph show``: a wall of your own cameras, or of a site that runs."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

import camgraph as cg
from camgraph.cli.addresses import TRANSPORT_HELP, declare
from camgraph.cli.exits import JOB_FAILED, fail_with
from camgraph.cli.interrupts import held
from camgraph.client.sentences import without_next_attempt
from camgraph.control.messages import HAS_PICTURES
from camgraph.graph.nodes import Transport

WALL_SIZE_PX = (1280, 720)
CLOSED_ON_PURPOSE = ("gate_closed", "branch_detached")


def show(
    urls: Annotated[
        list[str] | None,
        typer.Argument(
            help="rtsp://host[:port]/path, or http:// of an MJPEG stream; one a camera.", show_default=False
        ),
    ] = None,
    site: Annotated[
        str | None, typer.Option(help="Show all streams of a site that runs, and leave it running.")
    ] = None,
    login: Annotated[
        str | None,
        typer.Option(help="Where user:password of all of them is: env:NAME or file:/path."),
    ] = None,
    transport: Annotated[Transport, typer.Option(help=TRANSPORT_HELP)] = "tcp",
    layout: Annotated[
        str, typer.Option(help="How they lie: auto, columns x rows as 3x2, or a large one, 1+5 or 1+7.")
    ] = "auto",
    seconds: Annotated[
        float | None,
        typer.Option(min=1, help="End by itself after so long (default: when the window is closed)."),
    ] = None,
    snapshot: Annotated[
        Path | None, typer.Option(dir_okay=False, help="Write a picture of the wall (PNG) at the end.")
    ] = None,
) -> None:
    """Show cameras in a window, or a site that runs; what can't be shown says why in its place.

    Exit code 1 when a camera did not play at the end, or the picture could not be written.
    """
    console = Console(stderr=True)
    if bool(urls) == bool(site) or (site and login):
        raise typer.BadParameter("give addresses of cameras, or --site with the name of one that runs")
    with fail_with(console):
        graph = cg.Graph()
        for number, url in enumerate(urls or (), 1):
            declare(graph, f"camera-{number}", url, login, transport)
        with held():
            from camgraph.qt.application import Application
            from camgraph.qt.wall.layouts import normal
            from camgraph.qt.wall.window import WallWindow

        try:
            normal(layout)
        except ValueError as error:
            raise typer.BadParameter(str(error)) from None
        app = Application("camgraph show")
        with cg.attach(site) if site else graph.start() as live:
            window = WallWindow(live.streams, f"camgraph {site or ''}".rstrip(), WALL_SIZE_PX)
            window.wall.set_layout(layout)
            states: dict[str, cg.StreamStatus] = {}
            failures: list[str] = []

            def gather() -> None:
                states.update({name: stream.status for name, stream in live.streams.items()})
                if snapshot is not None and not window.wall.grab().save(str(snapshot), "PNG"):
                    failures.append(f"{snapshot} could not be written: is the folder yours, the disk full?")

            window.closing.connect(gather)
            window.closing.connect(live.close)
            if seconds is not None:
                app.after(seconds, window.close)
            window.show()
            app.run()
            window.close()
        app.close()
        failures += [
            f"{status.stream}: {without_next_attempt(status.sentence) or status.state}"
            for status in states.values()
            if status.state not in HAS_PICTURES and status.reason not in CLOSED_ON_PURPOSE
        ]
        for failure in failures:
            console.print(failure, style="red", markup=False)
        if failures:
            raise typer.Exit(JOB_FAILED)
