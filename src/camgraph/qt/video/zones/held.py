"""The zones of a widget, and whether they are edited."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from qtpy.QtCore import QObject

from camgraph.qt import arguments
from camgraph.qt.video.scene import Scene
from camgraph.qt.video.view import Size
from camgraph.qt.video.zones.editor import ZoneEditor
from camgraph.qt.video.zones.layer import ZonesLayer
from camgraph.qt.video.zones.zone import Zone

if TYPE_CHECKING:
    from camgraph.qt.video.tools import Tool
    from camgraph.qt.video.widget import VideoWidget


class Zones(QObject):
    """Holds them; while there are none and they are not edited, no layer and no tool is there for them."""

    def __init__(self, scene: Scene, tools: "list[Tool]") -> None:
        super().__init__(scene)
        self._scene, self._tools = scene, tools
        self._layer = ZonesLayer()
        self._editor: ZoneEditor | None = None

    @property
    def all(self) -> list[Zone]:
        """The zones as they are, those included that the mouse is dragging."""
        return list(self._layer.zones)

    @property
    def edited(self) -> bool:
        """Whether the mouse and keys edit them."""
        return self._editor is not None

    def show(self, zones: Iterable[Zone], size: Size) -> None:
        """Draw these, in px of a picture of that size, in the place of those before.

        Raises TypeError for what is no `Zone`.
        """
        chosen: list[Zone] = []
        for zone in arguments.several("zones", Zone, zones):
            if not isinstance(zone, Zone):
                raise TypeError(f"{arguments.shown(zone)} is no Zone")
            chosen.append(zone)
        if self._editor is not None:
            self._editor.give_up()
        self._layer.size = size
        self._layer.show(chosen, None)
        self._have_layer()

    def edit(self, widget: "VideoWidget", editing: bool) -> None:
        """Have the mouse and keys edit them, before all else that they do; or no more."""
        if editing == self.edited:
            return
        if self._editor is None:
            self._editor = ZoneEditor(widget, self._layer)
            self._tools.insert(0, self._editor)
        else:
            self._tools.remove(self._editor)
            self._editor.end()
            self._editor = None
        self._have_layer()

    def _have_layer(self) -> None:
        self._scene.show_layer(self._layer, self.edited or bool(self._layer.zones))
        self._scene.changed.emit()
