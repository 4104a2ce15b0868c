"""The docs point at what exists, and their generated parts are as the code says."""

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def docs() -> ModuleType:
    spec = importlib.util.spec_from_file_location("camgraph_docs", ROOT / "scripts" / "docs.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_docs_are_true() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "scripts" / "docs.py"], capture_output=True, text=True, timeout=50
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[a](docs/absent.md)", "the link docs/absent.md leads nowhere"),
        ("![a](docs/images/absent.png)", "the link docs/images/absent.png leads nowhere"),
        ("[a](README.md#absent)", "the link README.md#absent names no heading"),
        ("see `src/camgraph/absent.py`", "there is no src/camgraph/absent.py"),
        ("type `make absent`", "there is no `make absent`"),
        ("```\ncamgraph absent --now\n```", "there is no `camgraph absent`"),
        ("<!-- generated: errors -->\nold\n<!-- end -->", "a generated part is out of date"),
    ],
)
def test_what_is_not_true_is_found(docs: ModuleType, tmp_path: Path, text: str, problem: str) -> None:
    (tmp_path / "README.md").write_text(f"# A title\n\n[fine](#a-title)\n\n{text}\n")
    (found,) = docs.problems(tmp_path, {"demo"}, {"cameras"})
    assert problem in found


def test_a_picture_that_is_not_as_its_machine_is_found(docs: ModuleType, tmp_path: Path) -> None:
    picture = tmp_path / "docs" / "images" / "process-life.svg"
    picture.parent.mkdir(parents=True)
    picture.write_text(docs.life_picture())
    assert list(docs.outdated_pictures(tmp_path)) == []
    picture.write_text(docs.life_picture().replace("Launched", "Started"))
    (found,) = docs.outdated_pictures(tmp_path)
    assert "the picture is out of date" in found
