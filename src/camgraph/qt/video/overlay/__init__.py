"""What is drawn over pictures: boxes, polygons, labels, masks, heat maps; and the layer that draws them."""

from camgraph.qt.video.overlay.items import Box, HeatMap, Item, Label, Mask, Polygon, checked
from camgraph.qt.video.overlay.layer import Overlay
from camgraph.qt.video.overlay.results import STANDS_MS, ResultsLayer

__all__ = [
    "STANDS_MS",
    "Box",
    "HeatMap",
    "Item",
    "Label",
    "Mask",
    "Overlay",
    "Polygon",
    "ResultsLayer",
    "checked",
]
