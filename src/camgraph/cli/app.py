"""The ``camgraph`` command."""

import typer

from camgraph.cli.cameras import cameras
from camgraph.cli.demo import demo
from camgraph.cli.probe import probe
from camgraph.cli.run import run
from camgraph.cli.show import show
from camgraph.cli.top import top

app = typer.Typer(
    name="camgraph",
    help="Live video from many IP cameras.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command()(demo)
app.command()(cameras)
app.command()(show)
app.command()(run)
app.command()(top)
app.command()(probe)


def main() -> None:
    """Run the command line."""
    app()
