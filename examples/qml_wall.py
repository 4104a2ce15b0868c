"""A wall in QML: a tile for each camera with its name and rate; a click shows one of them alone.

Cameras to try: `camgraph cameras`. Start: `python examples/qml_wall.py rtsp://127.0.0.1:8554/1 …`
"""

import argparse
from pathlib import Path

from PySide6.QtGui import QGuiApplication
from PySide6.QtQml import QQmlApplicationEngine

import camgraph as cg
from camgraph.errors import CamgraphError
from camgraph.qt import StreamModel, quit_on_interrupt
from camgraph.qt.quick import register


def main(urls: list[str], login: str | None) -> None:
    """Show the cameras until the window is closed; what it looks like is in qml_wall.qml."""
    graph = cg.Graph()
    for number, url in enumerate(urls, 1):
        graph.rtsp(f"camera-{number}", url, login=login)
    app = QGuiApplication([])
    quit_on_interrupt()
    register()
    with graph.start() as site:
        streams = StreamModel(site)
        engine = QQmlApplicationEngine()
        engine.setInitialProperties({"streams": streams})
        engine.load(str(Path(__file__).with_suffix(".qml")))
        app.exec()
        del engine  # before the model that it shows


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Cameras side by side, in QML.")
    parser.add_argument("urls", metavar="URL", nargs="+", help="rtsp://host[:port]/path")
    parser.add_argument("--login", help="where user:password is: env:NAME or file:/path")
    try:
        main(**vars(parser.parse_args()))
    except CamgraphError as error:
        parser.exit(1, f"{error}\n")
