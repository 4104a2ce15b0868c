"""Windows of QML, drawn without a GPU."""

from collections.abc import Callable, Iterator
from typing import Any, cast

import pytest
from qtpy.QtQml import QQmlApplicationEngine
from qtpy.QtQuick import QQuickWindow, QSGRendererInterface
from tests.unit.qt.conftest import Gui

from camgraph.qt.quick import VideoItem, register

HEAD = "import QtQuick\nimport QtQuick.Window\nimport Camgraph\n"


@pytest.fixture
def window(gui: Gui) -> Iterator[Callable[..., QQuickWindow]]:
    """Show a window in which there is what QML says."""
    QQuickWindow.setGraphicsApi(QSGRendererInterface.GraphicsApi.Software)
    register()
    engines: list[QQmlApplicationEngine] = []
    warnings: list[str] = []

    def show(content: str, width: int = 320, height: int = 180, **properties: Any) -> QQuickWindow:
        engine = QQmlApplicationEngine()
        engines.append(engine)
        engine.warnings.connect(lambda told: warnings.extend(one.toString() for one in told))
        engine.setInitialProperties(properties)
        required = "\n".join(f"required property var {name}" for name in properties)
        head = f"{HEAD}Window {{ width: {width}; height: {height}; visible: true; color: 'gray'\n{required}\n"
        engine.loadData(f"{head}{content}\n}}".encode())
        assert not warnings
        window: Any = engine.rootObjects()[0]
        gui.until(window.isExposed)
        gui.settle()
        return cast(QQuickWindow, window)

    yield show
    for engine in engines:
        engine.deleteLater()
    gui.delete_later()
    assert not warnings


def video(window: QQuickWindow, name: str = "video") -> VideoItem:
    """Return an item by its objectName."""
    return next(
        one for one in items(window.contentItem()) if isinstance(one, VideoItem) and one.objectName() == name
    )


def items(item: Any) -> Iterator[Any]:
    """Give the items within an item, views' delegates too."""
    for child in item.childItems():
        yield child
        yield from items(child)
