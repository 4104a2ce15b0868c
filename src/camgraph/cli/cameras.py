"""``camgraph cameras``: built-in cameras for whoever has none at hand."""

import re
import select
import time
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from camgraph.cli.camera_child import CameraChild, CameraOptions, Codec, Notice, Ready
from camgraph.cli.camera_progress import wait_ready
from camgraph.cli.exits import fail_with
from camgraph.cli.interrupts import interrupting
from camgraph.graph.secrets import resolve
from camgraph.media.rtsp.gate import AuthKind


def cameras(
    count: Annotated[int, typer.Option(min=1, max=256, help="How many cameras.")] = 4,
    port: Annotated[int, typer.Option(min=0, max=65535, help="TCP port; 0: any that is free.")] = 8554,
    login: Annotated[
        str | None, typer.Option(help="Where user:password is: env:NAME or file:/path (default: no login).")
    ] = None,
    size: Annotated[str, typer.Option(help="Width and height of the pictures in px.")] = "1280x720",
    codec: Annotated[Codec, typer.Option(help="What the video is encoded with.")] = "h264",
    auth: Annotated[
        AuthKind,
        typer.Option(
            help="How a login is asked for: digest, sha256 (digest, too), basic, both digest and basic."
        ),
    ] = "digest",
    host: Annotated[str, typer.Option(help="Address of this machine at which to serve.")] = "127.0.0.1",
    seconds: Annotated[
        float | None, typer.Option(min=1, help="End by itself after so long (default: with Ctrl-C).")
    ] = None,
) -> None:
    """Run cameras that show a test picture: RTSP at /1, /2 …, and sound alone at /audio.

    Clients choose between TCP, UDP and multicast.

    Exit code 4 when the port or the address can't be had.
    """
    sides = re.fullmatch(r"(\d{1,5})x(\d{1,5})", size)
    if sides is None:
        raise typer.BadParameter(f"{size!r} is no size; write it like 1280x720", param_hint="--size")
    options = CameraOptions(
        count=count,
        host=host,
        port=port,
        size=(int(sides[1]), int(sides[2])),
        codec=codec,
        auth=auth,
    )
    console = Console(stderr=True)
    try:
        with fail_with(console), interrupting():
            user_and_password = resolve(login) if login is not None else None
            with CameraChild(options, login=user_and_password) as child:
                ready = wait_ready(child, console)
                Console().print(_table(ready, login))
                console.print("They run until Ctrl-C." if seconds is None else f"They run for {seconds:g} s.")
                _watch(child, console, seconds)
    except KeyboardInterrupt:
        return


def _table(ready: Ready, login: str | None) -> Table:
    table = Table("camera", "address", caption=f"user and password: {login}" if login else None)
    for path in ready.paths:
        table.add_row(path.strip("/"), ready.url(path))
    return table


def _watch(child: CameraChild, console: Console, seconds: float | None) -> None:
    """Show what the cameras tell, for `seconds`; raise CamerasFailed if they end."""
    deadline = time.monotonic() + seconds if seconds is not None else None
    while True:
        left = max(0.0, deadline - time.monotonic()) if deadline is not None else None
        if not select.select([child], [], [], left)[0]:
            return
        for report in child.read_or_raise():
            if isinstance(report, Notice):
                console.print(report.text, markup=False, highlight=False)
