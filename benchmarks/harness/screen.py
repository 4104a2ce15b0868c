"""The table and the progress bar."""

from collections.abc import Sequence

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from benchmarks.harness.rows import Row

_MARK = {True: "[green]ok[/green]", False: "[red]missed[/red]", None: ""}


def progress_bar(console: Console) -> Progress:
    """Return a bar of runs done; it is drawn seldom, not to disturb what is measured."""
    return Progress(
        TextColumn("[bold]{task.fields[family]}"),
        BarColumn(),
        TextColumn("{task.completed:.0f} of {task.total:.0f} runs"),
        TimeElapsedColumn(),
        TextColumn("{task.description}"),
        console=console,
        refresh_per_second=1,
        transient=True,
    )


def print_rows(console: Console, family: str, rows: Sequence[Row]) -> None:
    """Print the rows of a family as a table, their notes below it."""
    peers = list(dict.fromkeys(name for row in rows for name in row.peers))
    table = Table(
        title=f"{family}: medians of {min(row.rounds for row in rows)} rounds", title_justify="left"
    )
    table.add_column("metric")
    table.add_column("unit")
    for name in ("ours", *peers, "limit", "goal"):
        table.add_column(name, justify="right")
    table.add_column("")
    notes = list(dict.fromkeys(row.note for row in rows if row.note))
    for row in rows:
        mark = f" \\[{notes.index(row.note) + 1}]" if row.note else ""
        numbers = [row.ours, *(row.peers.get(name) for name in peers), row.limit, row.goal]
        table.add_row(
            row.metric + mark, row.unit, *("–" if n is None else f"{n:.4g}" for n in numbers), _MARK[row.ok]
        )
    console.print(table)
    for number, note in enumerate(notes, 1):
        console.print(f"\\[{number}] {note}", highlight=False)
    if repeated := max(row.repeated for row in rows):
        console.print(f"Rounds repeated because the machine was disturbed: up to {repeated} a row.")
