"""What QML files can import."""

from functools import lru_cache

from qtpy.QtQml import qmlRegisterType

from camgraph.qt.quick.item import VideoItem


@lru_cache
def register() -> None:
    """Have QML files know ``import Camgraph``, which has `VideoItem`; once more does nothing.

    In the thread of the GUI, before they are loaded.
    """
    qmlRegisterType(VideoItem, "Camgraph", 1, 0, "VideoItem")  # type: ignore[call-overload]
