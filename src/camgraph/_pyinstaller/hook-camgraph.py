"""Names are loaded when they are first used, and processes run modules that nothing imports."""

from PyInstaller.utils.hooks import collect_submodules

# Commands and the tests' kit are not for frozen programs; Qt and Prometheus come where a program imports
# camgraph.qt and camgraph.metrics.
_APART = ("camgraph.cli.", "camgraph.metrics.", "camgraph.qt.", "camgraph.testing.", "camgraph._pyinstaller.")

hiddenimports = collect_submodules("camgraph", filter=lambda name: not f"{name}.".startswith(_APART))
