"""Waiting for the built-in cameras where a person looks on."""

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from camgraph.cli import camera_child
from camgraph.cli.camera_child import CameraChild, Notice, Ready

ENCODING_PATIENCE_S = 300.0


def wait_ready(child: CameraChild, console: Console) -> Ready:
    """Return what is served once it is, with a progress bar while clips are encoded.

    Raises CamerasFailed.
    """
    bar = Progress(
        TextColumn("Encoding the cameras' clips, once:"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeRemainingColumn(),
        console=console,
        transient=True,
    )
    task = bar.add_task("encoding")

    def show(report: camera_child.Report) -> None:
        if isinstance(report, camera_child.Progress):
            # Not before: a bar that had nothing to show leaves an empty line where there is no terminal.
            bar.start()
            bar.update(task, completed=report.done, total=report.total)
        elif isinstance(report, Notice):
            console.print(report.text, markup=False)

    try:
        return child.wait_ready(ENCODING_PATIENCE_S, show)
    finally:
        if bar.live.is_started:
            bar.stop()
