"""OpenCV in processes of its own, one for each camera: what moves comes as a Qt signal and is drawn as boxes.

Cameras to try: `camgraph cameras`. Start: `python examples/opencv_signals.py rtsp://127.0.0.1:8554/1 …/2 …`
"""

import argparse

from PySide6 import QtWidgets

import camgraph as cg
from camgraph.errors import CamgraphError
from camgraph.qt import Box, VideoWall, VideoWidget, quit_on_interrupt, signals

WIDTH, HEIGHT = 320, 180  # px of the frames that are analysed


class Movement(cg.MessageProcess):
    """Finds what moves. All of it runs in the other process, where OpenCV is imported."""

    restart = True  # a crash of OpenCV costs the boxes of one camera, for a moment
    found = cg.message(boxes=list)  # each (x, y, width, height) in px of the frames watched

    def setup(self) -> None:
        import cv2

        cv2.setNumThreads(1)  # there are as many processes as cameras
        self.cv2, self.model = cv2, cv2.createBackgroundSubtractorMOG2(detectShadows=False)

    def on_frame(self, frame: cg.Frame) -> None:
        moving = self.cv2.medianBlur(self.model.apply(frame.array), 21)  # without specks
        contours, _ = self.cv2.findContours(moving, self.cv2.RETR_EXTERNAL, self.cv2.CHAIN_APPROX_SIMPLE)
        self.found.emit(boxes=[self.cv2.boundingRect(contour) for contour in contours])


def analyse(site: cg.Site, widget: VideoWidget) -> None:
    """Start the detector of a widget's camera, and have the widget show what is found."""
    stream = site.streams[widget.stream_name]

    def mark(boxes: list[tuple[int, int, int, int]]) -> None:
        scale_x, scale_y = stream.status.width / WIDTH, stream.status.height / HEIGHT  # to the camera's px
        widget.set_boxes(Box(x * scale_x, y * scale_y, w * scale_x, h * scale_y) for x, y, w, h in boxes)

    detector = site.spawn(Movement)
    detector.watch(stream.frames(size=(WIDTH, HEIGHT), format="bgr24", fps=10))
    signals(detector).found.connect(mark)
    signals(detector).restarted.connect(lambda how: widget.set_boxes(None))


parser = argparse.ArgumentParser(description="Show cameras and mark what moves in them.")
parser.add_argument("urls", nargs="+", metavar="URL", help="rtsp://host[:port]/path")
parser.add_argument("--login", help="where user:password of all is: env:NAME or file:/path")
options = parser.parse_args()
graph = cg.Graph()
try:
    for number, url in enumerate(options.urls, 1):
        graph.rtsp(f"camera-{number}", url, login=options.login)
    site = graph.start()
except CamgraphError as error:
    parser.exit(1, f"{error}\n")
app = QtWidgets.QApplication([])
quit_on_interrupt()
with site:
    wall = VideoWall(site.streams)
    for widget in wall:
        analyse(site, widget)
    wall.resize(960, 540)
    wall.show()
    app.exec()
