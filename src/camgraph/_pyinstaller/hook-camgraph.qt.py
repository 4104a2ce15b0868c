"""The program imports camgraph.qt, and with it all of this room; QtQuick comes where it is asked for."""

from PyInstaller.utils.hooks import collect_submodules

hiddenimports = collect_submodules(
    "camgraph.qt", filter=lambda name: not f"{name}.".startswith("camgraph.qt.quick.")
)
