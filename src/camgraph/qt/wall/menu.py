"""What a wall adds to the menus of its tiles."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from qtpy.QtCore import QCoreApplication
from qtpy.QtGui import QAction
from qtpy.QtWidgets import QMenu

if TYPE_CHECKING:
    from camgraph.qt.wall.wall import VideoWall

OFFERED = ("auto", "2x2", "3x3", "4x4", "1+5", "1+7")


def extend(menu: QMenu, wall: "VideoWall", name: str) -> None:
    """Add to a tile's menu what can be done with it in its wall; `name` is the tile's."""
    menu.addSeparator()
    if wall.enlarged_name:
        _add(menu, "Show all", wall.reduce)
    else:
        # The stream may be gone by then.
        _add(menu, "Enlarge", lambda: name in wall and wall.enlarge(name))
    if wall.pages > 1:
        page = wall.page
        _add(menu, "Next page", lambda: wall.set_page(page + 1)).setEnabled(page + 1 < wall.pages)
        _add(menu, "Previous page", lambda: wall.set_page(page - 1)).setEnabled(page > 0)
    layouts = QMenu(_tr("Layout"), menu)
    menu.addMenu(layouts)
    for layout in OFFERED:
        text = "Automatic" if layout == "auto" else layout.replace("x", " × ")
        action = _add(layouts, text, partial(wall.set_layout, layout))
        action.setCheckable(True)
        action.setChecked(layout == wall.layout_name)
    menu.addActions(wall.menu_actions)


def _add(menu: QMenu, text: str, do: Callable[[], object]) -> QAction:
    action = QAction(_tr(text), menu)
    action.triggered.connect(lambda *_: do())
    menu.addAction(action)
    return action


def _tr(text: str) -> str:
    return QCoreApplication.translate("VideoWall", text)
