"""Which tests show an effect of which documented names: what their marks claim, read without running them.

``@pytest.mark.effect("valkka.core.GateFrameFilter.{set,unSet}", …)`` claims that what the test asserts would
be otherwise if these members, or names, did nothing. Claims are whole names, as in names.toml: module, name,
and member if any; braces hold alternatives, as in a shell. Who claims a member claims its class.
"""

import ast
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
_BRACES = re.compile(r"\{([^{}]*)\}")
_JUDGES = {"raises", "wait_until"}
"""Calls that fail if what they are given is not so."""


@dataclass(frozen=True)
class Documented:
    """A documented name."""

    group: str
    module: str
    name: str
    mark: str
    works: bool
    members: tuple[str, ...]
    """Those that work."""
    idle: tuple[str, ...]
    """Of these: those that are taken, and have no effect."""
    later: tuple[str, ...]
    """Members that are for later."""

    @property
    def whole(self) -> str:
        """Return it as it is claimed."""
        return f"{self.module}.{self.name}"

    @property
    def parts(self) -> tuple[str, ...]:
        """Return what is to be shown: its members, or the name itself where it has none."""
        return tuple(f"{self.whole}.{member}" for member in self.members) or (self.whole,)


@dataclass(frozen=True)
class Claim:
    """A mark of a test."""

    file: Path
    test: str
    names: tuple[str, ...]
    judges: bool
    """The test can fail by what it looks at."""


def documented() -> list[Documented]:
    """Return the names of names.toml, in its order."""
    with (HERE / "names.toml").open("rb") as file:
        groups = tomllib.load(file)["group"]
    return [
        Documented(
            group=group["title"],
            module=group["module"],
            name=entry["name"],
            mark=entry["mark"],
            works=entry.get("state", "works") == "works",
            members=tuple(entry.get("members", ())),
            idle=tuple(entry.get("idle", ())),
            later=tuple(entry.get("later", ())),
        )
        for group in groups
        for entry in group["names"]
    ]


@cache
def claims() -> tuple[Claim, ...]:
    """Return what the marks of all tests here claim, by file and line."""
    return tuple(claim for path in sorted(HERE.rglob("test_*.py")) for claim in _claims_of(path))


@cache
def shown_by() -> dict[str, tuple[Path, ...]]:
    """Return by claimed name, or member, the files of the tests that show it."""
    files: dict[str, list[Path]] = {}
    for claim in claims():
        for name in claim.names:
            if claim.file not in files.setdefault(name, []):
                files[name].append(claim.file)
    return {name: tuple(paths) for name, paths in files.items()}


def expanded(text: str) -> Iterator[str]:
    """Yield the names that a claim with braces stands for."""
    braces = _BRACES.search(text)
    if braces is None:
        yield text
        return
    for word in braces[1].split(","):
        yield from expanded(text[: braces.start()] + word.strip() + text[braces.end() :])


def _claims_of(path: Path) -> Iterator[Claim]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef):
            names = [
                name
                for decorator in node.decorator_list
                if isinstance(decorator, ast.Call) and ast.unparse(decorator.func) == "pytest.mark.effect"
                for argument in decorator.args
                for name in expanded(_literal(argument))
            ]
            if names:
                yield Claim(path, node.name, tuple(names), any(map(_judges, ast.walk(node))))


def _literal(argument: ast.expr) -> str:
    value: Any = ast.literal_eval(argument)
    assert isinstance(value, str), f"a claim is a string, not {value!r}"
    return value


def _judges(node: ast.AST) -> bool:
    if isinstance(node, ast.Call):
        called = node.func
        return (called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")) in _JUDGES
    return isinstance(node, ast.Assert)
