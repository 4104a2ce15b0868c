"""What a person can do with a widget: its actions, their keys, and a menu of them."""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple, cast

from qtpy.QtCore import QCoreApplication, QObject, Qt
from qtpy.QtGui import QAction, QActionGroup, QKeyEvent, QKeySequence
from qtpy.QtWidgets import QMenu

from camgraph.qt.video.tools import Tool
from camgraph.qt.video.view import Fit

if TYPE_CHECKING:
    from camgraph.qt.video.widget import VideoWidget

_FITS: tuple[Fit, ...] = ("contain", "cover", "stretch")
_ZOOM = 1.25
_STEP = 0.1
"""How much of the widget a key moves the picture by."""


class Command(NamedTuple):
    """An action, before it is made."""

    name: str
    text: str
    keys: tuple[str, ...]
    do: "Callable[[VideoWidget], object]"
    checked: "Callable[[VideoWidget], bool] | None" = None
    """Whether it is on; None: it is nothing that is on or off."""


def _fit(widget: "VideoWidget", fit: Fit) -> None:
    widget.view = replace(widget.view, fit=fit)


def _next_fit(widget: "VideoWidget") -> None:
    _fit(widget, _FITS[(_FITS.index(widget.view.fit) + 1) % len(_FITS)])


def _toggle(name: str) -> "Callable[[VideoWidget], None]":
    return lambda widget: setattr(widget, name, not getattr(widget, name))


GROUPS: tuple[tuple[Command, ...], ...] = (
    (
        Command("contain", "Fit", (), lambda it: _fit(it, "contain"), lambda it: it.view.fit == "contain"),
        Command("cover", "Fill", (), lambda it: _fit(it, "cover"), lambda it: it.view.fit == "cover"),
        Command(
            "stretch", "Stretch", (), lambda it: _fit(it, "stretch"), lambda it: it.view.fit == "stretch"
        ),
        Command("next_fit", "Next fit", ("F",), _next_fit),
    ),
    (
        Command("zoom_in", "Zoom in", ("+", "="), lambda it: it.zoom_by(_ZOOM)),
        Command("zoom_out", "Zoom out", ("-",), lambda it: it.zoom_by(1 / _ZOOM)),
        Command("rotate", "Rotate", ("R",), lambda it: it.rotate()),
        Command("mirror", "Mirror", ("M",), lambda it: it.mirror()),
        Command("reset_view", "Reset view", ("0",), lambda it: it.reset_view()),
    ),
    (
        Command("name", "Name", ("N",), _toggle("name_shown"), lambda it: it.name_shown),
        Command(
            "statistics", "Statistics", ("I",), _toggle("statistics_shown"), lambda it: it.statistics_shown
        ),
    ),
    (
        Command("copy", "Copy picture", ("Ctrl+C",), lambda it: it._taking_snapshots(for_person=True).copy()),
        Command("save", "Save picture", ("S",), lambda it: it._taking_snapshots(for_person=True).save(None)),
    ),
)
"""In the order of the menu, with a line between groups."""
_COMMANDS = {command.name: command for group in GROUPS for command in group}
_REPEATED = {"zoom_in", "zoom_out"}


class Actions(QObject):
    """Makes the actions of a widget, which has them from then on."""

    def __init__(self, widget: "VideoWidget") -> None:
        super().__init__(widget)
        group = QActionGroup(self)
        group.setExclusionPolicy(QActionGroup.ExclusionPolicy(0))  # PyQt6 and PySide6 name it unlike.
        self._by_name: dict[str, QAction] = {}
        for name, command in _COMMANDS.items():
            action = QAction(QCoreApplication.translate("VideoWidget", command.text), group)
            action.setObjectName(name)
            self._by_name[name] = action
            if command.keys:
                action.setShortcuts([QKeySequence(key) for key in command.keys])
                action.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)
                action.setAutoRepeat(name in _REPEATED)
            if command.checked is not None:
                action.setCheckable(True)
        widget.addActions(group.actions())
        group.triggered.connect(self._do)
        self.check()

    def find(self, name: str) -> QAction:
        """Return the action of a name; raises KeyError for another."""
        if name not in self._by_name:
            raise KeyError(f"no action is named {name!r}; there are {', '.join(_COMMANDS)}")
        return self._by_name[name]

    def check(self) -> None:
        """Have each action say whether what it stands for is on."""
        widget = cast("VideoWidget", self.parent())
        for name, action in self._by_name.items():
            checked = _COMMANDS[name].checked
            if checked is not None:
                action.setChecked(checked(widget))

    def menu(self) -> QMenu:
        """Return a menu of the actions, then those that the program has added; the widget owns it."""
        widget = cast("VideoWidget", self.parent())
        menu = QMenu(widget)
        for group in GROUPS:
            if menu.actions():
                menu.addSeparator()
            menu.addActions([self._by_name[command.name] for command in group])
        own = list(self._by_name.values())
        if added := [action for action in widget.actions() if action not in own]:
            menu.addSeparator()
            menu.addActions(added)
        return menu

    def _do(self, action: QAction) -> None:
        _COMMANDS[action.objectName()].do(cast("VideoWidget", self.parent()))
        # Qt has turned what is on or off around already, whatever came of it.
        self.check()


class Arrows(Tool):
    """Moves the picture with the arrow keys while it is zoomed; else others get them."""

    def key(self, event: QKeyEvent) -> bool:
        """Take an arrow."""
        way = _WAYS.get(event.key())
        widget = self.widget
        plain = not event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
        if way is None or not plain or widget.view.zoom <= 1:
            return False
        widget.pan_by(way[0] * _STEP * widget.width(), way[1] * _STEP * widget.height())
        return True


_WAYS: dict[int, tuple[int, int]] = {
    Qt.Key.Key_Left: (1, 0),
    Qt.Key.Key_Right: (-1, 0),
    Qt.Key.Key_Up: (0, 1),
    Qt.Key.Key_Down: (0, -1),
}
"""Where the picture goes, so that what lies in the direction of the arrow is seen."""
