"""The program of `test_dense_screens.py`: a wall of one camera, whose picture is noise, pixel by pixel.

A number on its standard input is where the window goes, in px from the left; it tells ten times a second at
what rate and size the camera is read.
"""

import json
import sys

from qtpy.QtCore import QSocketNotifier, QTimer
from qtpy.QtWidgets import QApplication
from tests.unit.qt.conftest import DrawnSite, noise

from camgraph.qt import VideoWall

TILE = (160, 90)
TOP = 20
RATE = 10.0


def main() -> None:
    app = QApplication(sys.argv)
    site = DrawnSite({"door": (1280, 720)})
    site.status("door")
    wall = VideoWall(site.streams, rates={2 * TILE[0]: RATE})
    wall.setGeometry(20, TOP, *TILE)
    wall.show()

    def look() -> None:
        site.serve()
        site.show("door", noise)
        asked = [[it.width, it.height, it.fps] for it, ring in site.rings.items() if ring.readers]
        print(json.dumps({"read": asked}), flush=True)

    def obey() -> None:
        line = sys.stdin.readline()
        if line:
            wall.move(int(line), TOP)
        else:
            app.quit()

    looking = QTimer()
    looking.timeout.connect(look)
    looking.start(100)
    orders = QSocketNotifier(sys.stdin.fileno(), QSocketNotifier.Type.Read)
    orders.activated.connect(obey)
    app.exec()
    orders.setEnabled(False)
    wall.close()
    site.close()


if __name__ == "__main__":
    main()
