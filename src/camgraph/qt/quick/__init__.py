"""Video in QML (public): call `register()`, then ``import Camgraph`` has `VideoItem`.

Importing this loads QtQuick; raises MissingDependency where it is missing.
"""

from camgraph.base.errors import MissingDependency
from camgraph.qt.binding import describe_failure, load_qt

load_qt()
try:
    import qtpy.QtQml
    import qtpy.QtQuick  # noqa: F401
except ImportError as error:
    raise MissingDependency(describe_failure(error)) from error

from camgraph.qt.quick.item import VideoItem  # noqa: E402
from camgraph.qt.quick.registering import register  # noqa: E402

__all__ = ["VideoItem", "register"]
