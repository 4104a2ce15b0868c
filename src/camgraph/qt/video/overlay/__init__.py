"""What is drawn over pictures: boxes, polygons, labels, masks, heat maps; and the layer that draws them."""

from camgraph.qt.video.overlay.items import Box, HeatMap, Item, Label, Mask, Polygon, checked
from camgraph.qt.video.overlay.layer import ItemPainter, Overlay

__all__ = ["Box", "HeatMap", "Item", "ItemPainter", "Label", "Mask", "Overlay", "Polygon", "checked"]
