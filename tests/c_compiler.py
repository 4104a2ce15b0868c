"""Compiles the programs that tests have in C and C++."""

import shutil
import subprocess
from pathlib import Path
from typing import Literal

import pytest

Language = Literal["c11", "c++17"]

INCLUDE = Path(__file__).parents[1] / "src" / "camgraph" / "ring" / "include"
_COMPILERS: dict[Language, tuple[str, str]] = {"c11": ("gcc", "c"), "c++17": ("g++", "c++")}


def compile_program(source: Path, program: Path, language: Language) -> Path:
    """Return `program`, made of a source that warns of nothing; skips the test if there is no compiler."""
    compiler, kind = _COMPILERS[language]
    if shutil.which(compiler) is None:
        pytest.skip(f"there is no {compiler}")
    strict = ["-Wall", "-Wextra", "-Werror", "-pedantic", f"-std={language}", "-O2"]
    done = subprocess.run(
        [compiler, *strict, f"-I{INCLUDE}", "-x", kind, str(source), "-o", str(program)],
        capture_output=True,
        text=True,
        timeout=50,
    )
    assert done.returncode == 0, done.stderr
    return program
