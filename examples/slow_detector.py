"""A detector that takes 120 ms for a frame, and boxes that lie where they belong all the same.

What it finds is drawn on the very picture in which it was found: the widget holds pictures back for so long.
With `--hold 0` nothing is held back, and the boxes lag behind what moves.

Cameras to try: `camgraph cameras`. Start: `python examples/slow_detector.py rtsp://127.0.0.1:8554/1`
"""

import argparse
import time

from PySide6 import QtWidgets

import camgraph as cg
from camgraph.errors import CamgraphError
from camgraph.qt import Box, VideoWidget, quit_on_interrupt, signals

WIDTH, HEIGHT = 320, 180  # px of the frames that are analysed
TAKES_S = 0.12


class SlowDetector(cg.MessageProcess):
    """Finds the largest thing that moves, no faster than a large neural network would."""

    found = cg.message(key=tuple, boxes=list)  # which frame it was, and (x, y, width, height) in its px

    def setup(self) -> None:
        import cv2

        cv2.setNumThreads(1)
        self.cv2, self.model = cv2, cv2.createBackgroundSubtractorMOG2(detectShadows=False)

    def on_frame(self, frame: cg.Frame) -> None:
        done_s = time.monotonic() + TAKES_S
        moving = self.cv2.medianBlur(self.model.apply(frame.array), 25)  # without specks, and letters
        contours, _ = self.cv2.findContours(moving, self.cv2.RETR_EXTERNAL, self.cv2.CHAIN_APPROX_SIMPLE)
        largest = sorted(contours, key=self.cv2.contourArea)[-1:]
        time.sleep(max(0.0, done_s - time.monotonic()))
        self.found.emit(key=frame.key, boxes=[self.cv2.boundingRect(contour) for contour in largest])


parser = argparse.ArgumentParser(description="Mark what moves, in time, by a detector that is slow.")
parser.add_argument("url", metavar="URL", help="rtsp://host[:port]/path")
parser.add_argument("--hold", type=int, default=400, metavar="MS", help="hold back at most so long (400)")
parser.add_argument("--login", help="where user:password is: env:NAME or file:/path")
options = parser.parse_args()
graph = cg.Graph()
try:
    graph.rtsp("camera", options.url, login=options.login)
    site = graph.start()
except CamgraphError as error:
    parser.exit(1, f"{error}\n")
app = QtWidgets.QApplication([])
quit_on_interrupt()
with site:
    camera = site.streams["camera"]
    widget = VideoWidget(camera)
    widget.hold_results(options.hold)

    def mark(key: tuple[int, int, int | None], boxes: list[tuple[int, int, int, int]]) -> None:
        """Draw what was found on its own picture."""
        widget.add_result(key, [Box(*box) for box in boxes], size=(WIDTH, HEIGHT))

    detector = site.spawn(SlowDetector)
    detector.watch(camera.frames(size=(WIDTH, HEIGHT), format="bgr24"))
    signals(detector).found.connect(mark)
    widget.resize(640, 360)
    widget.show()
    app.exec()
    print(widget.result_statistics())
