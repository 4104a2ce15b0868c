"""The make targets: listed, and refused in one sentence where something is missing."""

import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_make_alone_lists_the_commands() -> None:
    done = subprocess.run(["make", "-C", ROOT, "-s"], capture_output=True, text=True, timeout=20, check=True)
    listed = [line.split()[1] for line in done.stdout.splitlines() if line.startswith("  make ")]
    assert listed == ["demo", "test", "lint", "format", "bench", "faults", "docs", "clean"]


def test_an_unknown_target_is_refused_in_one_sentence() -> None:
    command = ["sh", str(ROOT / "scripts" / "setup.sh"), "absent"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20)
    assert (done.returncode, done.stderr) == (
        1,
        "setup: name one target: demo, test, lint, format, bench, faults, docs\n",
    )


def test_a_machine_without_python_gets_the_line_to_type(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    for tool in ("sh", "dirname"):
        (tmp_path / "bin" / tool).symlink_to(Path(shutil.which(tool) or tool).resolve())
    shutil.copytree(ROOT / "scripts", tmp_path / "tree" / "scripts")
    done = subprocess.run(
        [tmp_path / "bin" / "sh", tmp_path / "tree" / "scripts" / "setup.sh", "demo"],
        env={"PATH": str(tmp_path / "bin")},
        capture_output=True,
        text=True,
        timeout=20,
    )
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "sudo apt-get install -y python3 python3-venv" in done.stderr
