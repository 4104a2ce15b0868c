"""The table and the progress bar."""

from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from benchmarks.harness.rows import NOTE_SEPARATOR, Row

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
    """Print the rows of a family as a table, their notes, each once, below it."""
    peers = list(dict.fromkeys(name for row in rows for name in row.peers))
    notes = list(dict.fromkeys(note for row in rows for note in row.note.split(NOTE_SEPARATOR) if note))
    table = Table(
        title=f"{family}: medians of {min(row.rounds for row in rows)} rounds",
        title_justify="left",
        box=SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
    )
    lines = [[row.ours, row.goal, row.limit, *map(row.peers.get, peers)] for row in rows]
    table.add_column("metric, unit", min_width=20, overflow="fold")
    for index, name in enumerate(("ours", "goal", "limit", *peers)):
        widest = max(len(_number(line[index])) for line in lines)
        table.add_column(name, justify="right", min_width=widest, overflow="fold")
        if name == "goal":
            table.add_column("")
    for row, (ours, goal, *others) in zip(rows, lines, strict=True):
        marks = ",".join(str(notes.index(note) + 1) for note in row.note.split(NOTE_SEPARATOR) if note)
        metric = f"{row.metric}, {row.unit}" + (f" \\[{marks}]" if marks else "")
        table.add_row(metric, _number(ours), _number(goal), _MARK[row.ok], *map(_number, others))
    console.print(table)
    for number, note in enumerate(notes, 1):
        console.print(f"\\[{number}] {note}", highlight=False)
    if repeated := max(row.repeated for row in rows):
        console.print(f"Rounds repeated because the machine was disturbed: up to {repeated} a row.")


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3g}"
