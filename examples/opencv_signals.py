"""OpenCV in another process: what moves comes as a Qt signal, and is drawn as boxes in the widget.

Cameras to try: `camgraph cameras`. Start: `python examples/opencv_signals.py rtsp://127.0.0.1:8554/1`
"""

import argparse
import signal

from PySide6 import QtCore, QtWidgets

import camgraph as cg
from camgraph.errors import CamgraphError
from camgraph.qt import Box, VideoWidget, signals


class Movement(cg.MessageProcess):
    """Finds what moves. All of it runs in the other process, where OpenCV is imported."""

    found = cg.message(boxes=list)  # each (x, y, width, height) in px of the frames watched

    def setup(self) -> None:
        import cv2

        self.cv2, self.model = cv2, cv2.createBackgroundSubtractorMOG2(detectShadows=False)

    def on_frame(self, frame: cg.Frame) -> None:
        moving = self.cv2.medianBlur(self.model.apply(frame.array), 21)  # without specks
        contours, _ = self.cv2.findContours(moving, self.cv2.RETR_EXTERNAL, self.cv2.CHAIN_APPROX_SIMPLE)
        self.found.emit(boxes=[self.cv2.boundingRect(contour) for contour in contours])


parser = argparse.ArgumentParser(description="Show a camera and mark what moves in it.")
parser.add_argument("url", metavar="URL", help="rtsp://host[:port]/path")
parser.add_argument("--login", help="where user:password is: env:NAME or file:/path")
options = parser.parse_args()
graph = cg.Graph()
try:
    door = graph.rtsp("door", options.url, login=options.login)
    site = graph.start()
except CamgraphError as error:
    parser.exit(1, f"{error}\n")
app = QtWidgets.QApplication([])
signal.signal(signal.SIGINT, lambda *_: QtCore.QTimer.singleShot(0, app.quit))
awake = QtCore.QTimer(interval=200)  # Python hears of Ctrl-C only when Qt calls it
awake.timeout.connect(lambda: None)
awake.start()
with site:
    widget = VideoWidget(site.streams["door"])
    widget.resize(960, 540)
    widget.show()

    def mark(boxes: list[tuple[int, int, int, int]]) -> None:
        scale = widget.stream.status.width / 320  # a Box is in px of the camera's picture
        widget.set_boxes(Box(x * scale, y * scale, w * scale, h * scale) for x, y, w, h in boxes)

    detector = site.spawn(Movement)
    detector.watch(door.frames(size=(320, 180), format="bgr24", fps=10))
    signals(detector).found.connect(mark)
    app.exec()
