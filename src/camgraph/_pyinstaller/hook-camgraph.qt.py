"""The program imports camgraph.qt, and with it all of this room."""

from PyInstaller.utils.hooks import collect_submodules

hiddenimports = collect_submodules("camgraph.qt")
