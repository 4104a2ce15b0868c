"""Tells PyInstaller, which finds this by an entry point, what of camgraph a frozen program needs."""

from pathlib import Path


def hook_dirs() -> list[str]:
    """Return the folders with the hooks."""
    return [str(Path(__file__).parent)]
