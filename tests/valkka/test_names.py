"""Every documented name can be imported, by name and by star, and has its members; see names.toml."""

import importlib
import inspect
import os
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest


@dataclass(frozen=True)
class Name:
    module: str
    name: str
    members: tuple[str, ...]
    later: tuple[str, ...]
    works: bool
    value: object


def documented() -> Iterator[Name]:
    """Each name, once for each module it can be imported from."""
    with (Path(__file__).parent / "names.toml").open("rb") as file:
        groups = tomllib.load(file)["group"]
    for group in groups:
        for entry in group["names"]:
            for module in (group["module"], *group.get("also", ()), *entry.get("by", ())):
                yield Name(
                    module=module,
                    name=entry["name"],
                    members=tuple(entry.get("members", ())),
                    later=tuple(entry.get("later", ())),
                    works=entry.get("state", "works") == "works",
                    value=entry.get("value"),
                )


NAMES = list(documented())
MODULES = sorted({name.module for name in NAMES})


def find(name: Name) -> Any:
    return getattr(importlib.import_module(name.module), name.name)


@pytest.mark.parametrize("module", MODULES)
def test_a_module_has_its_names_and_delivers_them_by_star(module):
    plain = {name.name for name in NAMES if name.module == module}
    starred: dict[str, object] = {}
    exec(f"from {module} import *", starred)
    by_name = importlib.import_module(module)
    assert plain - set(dir(by_name)) == set()
    assert {name for name in plain if not name.startswith("_")} - set(starred) == set()


@pytest.mark.effect(
    "valkka.core.{FS_GRAIN_SIZE,DEFAULT_TIMESTAMP_RESET_TIME}",
    "valkka.core.FileState_{none,error,seek,stop,play}",
)
@pytest.mark.parametrize(
    "name", [name for name in NAMES if name.value is not None], ids=lambda name: name.name
)
def test_a_constant_is_a_plain_value(name):
    assert find(name) == name.value
    assert type(find(name)) is type(name.value)


@pytest.mark.parametrize(
    "name",
    [name for name in NAMES if name.members or name.later],
    ids=lambda name: f"{name.module}.{name.name}",
)
def test_a_class_has_its_members(name):
    made = find(name)
    missing = {member for member in (*name.members, *name.later) if not hasattr(made, member)}
    if missing and not any(
        parameter.default is parameter.empty and parameter.kind is parameter.POSITIONAL_OR_KEYWORD
        for parameter in inspect.signature(made).parameters.values()
    ):
        instance = made()
        missing = {member for member in missing if not hasattr(instance, member)}
    assert missing == set()


@pytest.mark.parametrize(
    "name", [name for name in NAMES if not name.works], ids=lambda name: f"{name.module}.{name.name}"
)
def test_what_is_for_later_says_so_when_it_is_called(name):
    made = find(name)
    assert callable(made)
    for arguments, keywords in (((), {}), (("name", 1, None), {"init": True})):
        with pytest.raises(NotImplementedError, match=rf"{name.name}.*not there yet.*\.$"):
            made(*arguments, **keywords)


def test_importing_starts_nothing():
    """A program imports at the top what it uses after its processes have forked."""
    program = (
        "import os, importlib, sys\n"
        f"for module in {MODULES!r}: importlib.import_module(module)\n"
        "assert os.listdir('/proc/self/task') == [str(os.getpid())], os.listdir('/proc/self/task')\n"
        "print(sorted(name for name in ('av', 'qtpy', 'PySide6', 'cv2') if name in sys.modules))\n"
        "print(open(f'/proc/self/task/{os.getpid()}/children').read())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (done.stderr, done.stdout.split()) == ("", ["[]"])


def test_other_distributions_live_in_the_namespace_too(tmp_path):
    other = tmp_path / "valkka" / "live"
    other.mkdir(parents=True)
    (other / "__init__.py").write_text("from valkka.core import VERSION_MINOR\n")
    program = "import valkka.live, valkka.api2; print(valkka.live.VERSION_MINOR, valkka.__file__)"
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (done.stderr, done.stdout.split()) == ("", ["6", "None"])
