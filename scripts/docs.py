"""Keeps the docs true: writes their generated parts (``--write``), then checks what they point at.

Checked are relative links and anchors, paths and make targets and commands named in backticks or in code
blocks, and that each generated part, and each picture, is as the code says. Prints each problem; the exit
code is 1 if any.
"""

import argparse
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, get_args

if TYPE_CHECKING:
    from tests.valkka.effects import Documented

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

_BLOCK = re.compile(r"(<!-- generated: ([\w-]+) -->\n).*?(<!-- end -->)", re.DOTALL)
_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ +(.+?) *$", re.MULTILINE)
_FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"`([^`\n]+)`")
_PATH = re.compile(
    r"(?:src|docs|tests|scripts|benchmarks|reliability|examples|\.ci)/[\w./-]*|[\w.-]+\.(?:md|toml)"
)
_MAKE = re.compile(r"^make ([a-z]+)", re.MULTILINE)
_COMMAND = re.compile(r"(?:^|# |bin/)camgraph ([a-z]+)", re.MULTILINE)


def states_table() -> str:
    """Return the states of a stream with the events each takes, and what is done then."""
    from camgraph.control.messages import StreamState
    from camgraph.media.session import TABLE

    rows = ["| state | event: what is done |", "| --- | --- |"]
    for state in get_args(StreamState):
        events = sorted((event.__name__, _said(TABLE[at, event])) for at, event in TABLE if at == state)
        rows.append(f"| `{state}` | {'; '.join(f'{event}: {action}' for event, action in events)} |")
    return "\n".join(rows)


def deaths_table() -> str:
    """Return what survives what: the rows that tests/faults/test_deaths.py executes."""
    from tests.faults.deaths import DEATHS

    rows = [
        "| what dies or stops | how | is lost | goes on | is back after |",
        "| --- | --- | --- | --- | --- |",
    ]
    rows += [
        f"| {death.part} | {death.how} | {death.loses} | {death.keeps} | {death.back} |" for death in DEATHS
    ]
    return "\n".join(rows)


def back_offs_table() -> str:
    """Return how long a watched process that ended waits for its next start."""
    from camgraph.control.life import BACK_OFF_S, OUT_OF_MEMORY_BACK_OFF_S

    waits = ", ".join(f"{wait:g}" for wait in BACK_OFF_S)
    memory = f"{OUT_OF_MEMORY_BACK_OFF_S:g} s at least after the kernel killed it for memory"
    return f"{waits} s, the last one kept; {memory}."


def placement_rule() -> str:
    """Return the numbers of the placement."""
    from camgraph.supervisor.placement import RULE

    rows = ["| number | value | meaning |", "| --- | --- | --- |"]
    rows.append(f"| `most_streams` | {RULE.most_streams} | streams of a shared media process, at most |")
    rows.append(f"| `most_cores` | {RULE.most_cores:g} | its load, in CPU-seconds per second, at most |")
    rows.append(f"| `assumed_cores` | {RULE.assumed_cores:g} | load of a stream that was not measured yet |")
    return "\n".join(rows)


def life_picture() -> str:
    """Return the life of a watched process as SVG."""
    from scripts.pictures import process_life

    return process_life()


def waits_table() -> str:
    """Return how long each kind of failure is waited out."""
    from camgraph.control.reasons import QUICK, REASONS, Retry

    by_retry: dict[Retry, list[str]] = {}
    for name, reason in REASONS.items():
        if reason.retry is not None and reason.retry is not QUICK:
            by_retry.setdefault(reason.retry, []).append(f"`{name}`")
    rows = ["| reason | state shown | waits, s (the last is kept) |", "| --- | --- | --- |"]
    for retry, names in [*by_retry.items(), (QUICK, ["any other"])]:
        waits = ", ".join(f"{wait:g}" for wait in retry.waits_s) or "no further attempt"
        rows.append(f"| {', '.join(names)} | `{retry.state}` | {waits} |")
    return "\n".join(rows)


def reasons_table() -> str:
    """Return every reason of a status with its meaning."""
    from camgraph.control.reasons import REASONS

    rows = ["| reason | meaning |", "| --- | --- |"]
    rows += [f"| `{name}` | {reason.meaning} |" for name, reason in REASONS.items()]
    return "\n".join(rows)


def errors_tree() -> str:
    """Return the tree of errors, from the module's docstring."""
    from camgraph.base import errors

    tree = (errors.__doc__ or "").partition("::\n\n")[2]
    return "```\n" + "\n".join(line.removeprefix("    ") for line in tree.rstrip().splitlines()) + "\n```"


def names_table() -> str:
    """Return the names of the documented API with what the tests show of each."""
    from tests.valkka.effects import documented

    rows: list[str] = []
    group = ""
    alike: dict[tuple[str, str, str], list[str]] = {}

    def end_rows() -> None:
        rows.extend(f"| {', '.join(names)} | {' | '.join(cells)} |" for cells, names in alike.items())
        alike.clear()

    for name in documented():
        if name.group != group:
            end_rows()
            group = name.group
            rows += ["", f"**{group}**: `{name.module}`", "", "| name | mark | state | shown in |"]
            rows.append("| --- | --- | --- | --- |")
        cells = (name.mark, _state(name), _shown_in(name))
        if name.members:
            end_rows()
        alike.setdefault(cells, []).append(_coded(name.name, name.members))
        if name.members:
            end_rows()
    end_rows()
    return "\n".join(rows[1:])


def _coded(name: str, members: tuple[str, ...]) -> str:
    return f"`{name}`: {_listed(members)}" if members else f"`{name}`"


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _state(name: "Documented") -> str:
    said = ["works" if name.works else "later"]
    if name.idle and name.idle in (name.members, (name.name,)):
        said = ["taken, without effect"]
    elif name.idle:
        said.append(f"without effect: {_listed(name.idle)}")
    if name.later:
        said.append(f"later: {_listed(name.later)}")
    return "; ".join(said)


def _shown_in(name: "Documented") -> str:
    from tests.valkka.effects import HERE, shown_by

    if not name.works:
        return "[test_names](../tests/valkka/test_names.py)"
    by_part = shown_by()
    files = sorted({path for part in (name.whole, *name.parts) for path in by_part.get(part, ())})
    links = (f"[{path.stem}](../tests/valkka/{path.relative_to(HERE).as_posix()})" for path in files)
    return ", ".join(links)


GENERATED: dict[str, Callable[[], str]] = {
    "states": states_table,
    "waits": waits_table,
    "reasons": reasons_table,
    "errors": errors_tree,
    "deaths": deaths_table,
    "back-offs": back_offs_table,
    "placement": placement_rule,
    "names": names_table,
}
PICTURES: dict[str, Callable[[], str]] = {
    "docs/images/process-life.svg": life_picture,
}


def _said(action: Callable[..., object]) -> str:
    return action.__name__.strip("_").replace("_", " ")


def pages(root: Path) -> list[Path]:
    """Return the docs of the tree."""
    return [*sorted(root.glob("*.md")), *sorted((root / "docs").rglob("*.md"))]


def filled(text: str) -> str:
    """Return a page with its generated parts as the code says."""

    def fill(block: re.Match[str]) -> str:
        start, name, end = block.groups()
        return f"{start}{GENERATED[name]()}\n{end}"

    return _BLOCK.sub(fill, text)


def anchors(text: str) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    headings = _HEADING.findall(_FENCE.sub("", text))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def problems(root: Path, targets: set[str], commands: set[str]) -> Iterator[str]:
    """Yield what is wrong in the docs of a tree with these make targets and commands."""
    for page in pages(root):
        text, name = page.read_text(encoding="utf-8"), page.relative_to(root)
        if filled(text) != text:
            yield f"{name}: a generated part is out of date: run `make docs`"
        for link in _LINK.findall(_FENCE.sub("", text)):
            if "://" in link or link.startswith("mailto:"):
                continue
            path, _, anchor = link.partition("#")
            target = (page.parent / path).resolve() if path else page
            if not target.exists():
                yield f"{name}: the link {link} leads nowhere"
            elif anchor and anchor not in anchors(target.read_text(encoding="utf-8")):
                yield f"{name}: the link {link} names no heading of that page"
        inline = _CODE.findall(_FENCE.sub("", text))
        code_lines = "\n".join([*inline, *_FENCE.findall(text)])
        for code in inline:
            if _PATH.fullmatch(code) and not (root / code).exists() and not (page.parent / code).exists():
                yield f"{name}: there is no {code}"
        for target in sorted(set(_MAKE.findall(code_lines)) - targets):
            yield f"{name}: there is no `make {target}`"
        for command in sorted(set(_COMMAND.findall(code_lines)) - commands):
            yield f"{name}: there is no `camgraph {command}`"


def outdated_pictures(root: Path) -> Iterator[str]:
    """Yield the pictures that are not as the code says."""
    for name in PICTURES:
        if not is_up_to_date(root, name):
            yield f"{name}: the picture is out of date: run `make docs`"


def is_up_to_date(root: Path, picture: str) -> bool:
    """Tell whether a picture is as the code says."""
    path = root / picture
    return path.exists() and path.read_text(encoding="utf-8") == PICTURES[picture]()


def make_targets() -> set[str]:
    """Return the targets of the Makefile."""
    return set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))


def camgraph_commands() -> set[str]:
    """Return the commands of the command line."""
    import typer

    from camgraph.cli.app import app

    return set(getattr(typer.main.get_command(app), "commands", {}))


def main() -> int:
    """Write if asked, check, and tell."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="write the generated parts first")
    if parser.parse_args().write:
        for page in pages(ROOT):
            text = page.read_text(encoding="utf-8")
            if (new := filled(text)) != text:
                page.write_text(new, encoding="utf-8")
                print(f"wrote {page.relative_to(ROOT)}")
        for name in PICTURES:
            if not is_up_to_date(ROOT, name):
                (ROOT / name).write_text(PICTURES[name](), encoding="utf-8")
                print(f"wrote {name}")
    found = [*problems(ROOT, make_targets(), camgraph_commands()), *outdated_pictures(ROOT)]
    for problem in found:
        print(problem, file=sys.stderr)
    print(f"{len(pages(ROOT))} pages checked, {len(found)} problems")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
