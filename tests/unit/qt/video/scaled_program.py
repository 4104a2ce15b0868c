"""Shows tiles on a screen of the scale in QT_SCALE_FACTOR; prints those that are not right to the pixel."""

import math
import os
import sys

import numpy as np
from qtpy.QtCore import QPointF
from qtpy.QtWidgets import QApplication, QWidget
from tests.unit.qt.conftest import DrawnSite, Gui, noise

from camgraph.qt import VideoWidget, View

# With odd sides, at odd places: at 1.5 and 1.25 they begin and end within a pixel.
PLACES = ((0, 0, 320, 180), (321, 1, 321, 181), (3, 185, 101, 57), (107, 185, 332, 187), (441, 185, 333, 187))
UPRIGHT, TURNED = View("stretch"), View("stretch", 1, mirrored=True)


def main() -> None:
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    gui = Gui(QApplication(sys.argv))
    site = DrawnSite({"door": (1280, 720)})
    gui.serving.append(site)
    site.status("door")
    window = QWidget()
    # Without a screen, as many device pixels of a window can be grabbed as it has px.
    window.resize(2 * 780, 2 * 380)
    widgets = [VideoWidget(site.streams["door"], window) for _ in PLACES]
    for widget, place in zip(widgets, PLACES, strict=True):
        widget.setGeometry(*place)
    window.show()
    gui.until(lambda: site.show("door", noise) and all(widget.statistics().shown > 1 for widget in widgets))
    for view in (UPRIGHT, TURNED):
        for widget in widgets:
            widget.view = view
        gui.until(lambda: site.show("door", noise) and not [one for one in widgets if not right(gui, one)])
        print(view, "right")
    widgets[0].zoom_by(2, QPointF(widgets[0].width(), 0))
    # Turned and mirrored, the camera's upper right is there as well, and stays there.
    assert np.allclose(widgets[0].view.center, (0.75, 0.25))
    window.close()
    site.close()
    window.deleteLater()
    gui.delete_later()


def right(gui: Gui, widget: VideoWidget) -> bool:
    """Tell whether each device pixel that the screen shows of a widget is the one that was published."""
    window = widget.window()
    screen = window.screen()
    assert screen is not None
    scale, place = widget.devicePixelRatioF(), widget.geometry()
    left, right, top, bottom = (
        math.floor(edge * scale + 0.5)
        for edge in (place.x(), place.x() + place.width(), place.y(), place.y() + place.height())
    )
    seen = gui.rgb_of(screen.grabWindow(window.winId()).toImage())[top:bottom, left:right]
    height, width = seen.shape[:2]
    turned = widget.view == TURNED
    expected = np.rot90(noise(height, width)[:, ::-1], -1) if turned else noise(width, height)
    return np.array_equal(seen, expected[:, :, 2::-1])


main()
