"""Qt through qtpy; or one sentence that says what is missing, and how to get it."""

import re

from camgraph.base.errors import MissingDependency

_LIBRARY = re.compile(r"(lib[\w.+-]+\.so[\w.]*): cannot open shared object")
_PIP = 'pip install "camgraph[qt]"'
APT = (
    "apt install libegl1 libgl1 libglib2.0-0 libdbus-1-3 libfontconfig1 libxkbcommon-x11-0 libxcb-cursor0 "
    "libxcb-icccm4 libxcb-image0 libxcb-keysyms1 libxcb-randr0 libxcb-render-util0 libxcb-shape0"
)


def describe_failure(error: ImportError) -> str:
    """Return one sentence, with the remedy, for what went wrong when Qt was imported."""
    library = _LIBRARY.search(str(error))
    if library:
        return (
            f"camgraph.qt needs Qt ({_PIP}) and the system library {library[1]}, which is missing; "
            f"on Debian and Ubuntu: {APT}"
        )
    return f"camgraph.qt needs Qt, and none can be imported: {_PIP}"


def load_qt() -> None:
    """Import Qt's modules; raise MissingDependency if there are none, or none that can be used."""
    try:
        import qtpy
        import qtpy.QtCore
        import qtpy.QtGui
        import qtpy.QtWidgets
    except ImportError as error:
        raise MissingDependency(describe_failure(error)) from error
    if not qtpy.QT6:
        raise MissingDependency(
            f"camgraph.qt needs Qt 6, and qtpy chose {qtpy.API_NAME}: {_PIP}, and set QT_API=pyside6"
        )
