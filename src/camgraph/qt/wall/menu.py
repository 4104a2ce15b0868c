"""What a wall adds to the menus of its tiles."""

import weakref
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
    add = partial(_add, weakref.ref(wall))
    menu.addSeparator()
    if wall.enlarged_name:
        add(menu, "Show all", lambda wall: wall.reduce())
    else:
        # Its stream may have gone while the menu was open.
        add(menu, "Enlarge", lambda wall: wall.enlarge(name) if name in wall else None)
    if wall.pages > 1:
        page = wall.page
        add(menu, "Next page", lambda wall: wall.set_page(page + 1)).setEnabled(page + 1 < wall.pages)
        add(menu, "Previous page", lambda wall: wall.set_page(page - 1)).setEnabled(page > 0)
    layouts = QMenu(_tr("Layout"), menu)
    menu.addMenu(layouts)
    for layout in OFFERED:
        text = "Automatic" if layout == "auto" else layout.replace("x", " × ")
        action = add(layouts, text, partial(_lay_out, layout=layout))
        action.setCheckable(True)
        action.setChecked(layout == wall.layout_name)
    menu.addActions(wall.menu_actions)


def _lay_out(wall: "VideoWall", layout: str) -> None:
    wall.set_layout(layout)


def _add(
    wall: "weakref.ref[VideoWall]", menu: QMenu, text: str, do: Callable[["VideoWall"], None]
) -> QAction:
    # A menu that held its wall would be the last to let go of it: while it is deleted, and the menu with it.
    def call(*_: object) -> None:
        if found := wall():
            do(found)

    action = QAction(_tr(text), menu)
    action.triggered.connect(call)
    menu.addAction(action)
    return action


def _tr(text: str) -> str:
    return QCoreApplication.translate("VideoWall", text)
