"""What importing the rooms does, and what it must not."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

SOURCES = Path(__file__).parents[2] / "src" / "camgraph"

HEAVY = {"av", "numpy", "qtpy", "PySide6", "PyQt6", "cv2", "prometheus_client"}

REPORT = """
import json, os, sys, threading
def state():
    # numpy starts its linear algebra's threads when it is imported, and parks them around fork itself.
    threads = 0 if "numpy" in sys.modules else len(os.listdir("/proc/self/task")) - 1
    return [threads, sorted(os.listdir("/proc/self/fd")), dict(os.environ)]
before = state()
STATEMENT
after = state()
json.dump([before, after, sorted(name for name in sys.modules if "." not in name)], sys.stdout)
"""


def after(statement: str) -> set[str]:
    """Run a statement in a new interpreter; return the top-level modules it loaded."""
    code = REPORT.replace("STATEMENT", statement)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, timeout=50, check=True
    )
    before, state, modules = json.loads(done.stdout)
    assert state == before, "a thread, a descriptor or an environment variable more or less"
    return set(modules)


def test_importing_camgraph_does_nothing() -> None:
    assert not after("import camgraph") & (HEAVY | {"msgspec", "subprocess", "asyncio"})


def test_declaring_a_graph_needs_nothing_heavy() -> None:
    statement = "import camgraph as cg; cg.Graph().rtsp('door', 'rtsp://127.0.0.1/1').frames(fps=5)"
    assert not after(statement) & (HEAVY - {"numpy"})


@pytest.mark.parametrize(
    ("module", "absent"),
    [
        ("camgraph.supervisor.__main__", HEAVY),
        ("camgraph.process.declare", HEAVY),
        ("camgraph.process.front", HEAVY),
        ("camgraph.ring.protocol", HEAVY),
        ("camgraph.client.site", HEAVY - {"numpy"}),
        ("camgraph.client.backend", HEAVY - {"numpy"}),
        ("camgraph.media.__main__", HEAVY - {"numpy", "av"}),
        ("camgraph.cli.app", HEAVY - {"numpy"}),
        ("camgraph.present", HEAVY - {"numpy"}),
        ("camgraph.errors", HEAVY | {"msgspec"}),
    ],
)
def test_a_process_loads_only_what_it_needs(module: str, absent: set[str]) -> None:
    assert not after(f"import {module}") & absent


def test_qt_stays_out_of_ffmpeg() -> None:
    code = "import sys, camgraph.qt; sys.exit('av' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], timeout=50, check=True)


def test_camgraph_knows_nothing_of_the_documented_api() -> None:
    for path in SOURCES.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not [name for name in names if name.split(".")[0] == "valkka"], path
