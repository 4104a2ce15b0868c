"""A thread of C++ in a Qt program: it reads frames and computes, and what it finds are Qt signals.

Cameras to try: `camgraph cameras`. Start: `python examples/native_thread.py rtsp://127.0.0.1:8554/1`
"""

import argparse
import atexit
import subprocess
import tempfile
from contextlib import closing
from ctypes import CDLL, CFUNCTYPE, c_char_p, c_double, c_uint64, c_void_p
from pathlib import Path

from PySide6 import QtCore, QtWidgets

import camgraph as cg
import camgraph.ring
from camgraph.errors import CamgraphError
from camgraph.qt import VideoWidget, quit_on_interrupt

CALLBACK = CFUNCTYPE(None, c_void_p, c_uint64, c_uint64, c_double, c_char_p)


def load() -> CDLL:
    """Compile native_thread.cpp and load it; a CDLL lets go of the GIL while C++ runs."""
    source, header = Path(__file__).with_suffix(".cpp"), Path(camgraph.ring.__path__[0], "include")
    with tempfile.TemporaryDirectory() as folder:
        compile_it = f"c++ -std=c++17 -O2 -pthread -fPIC -shared -o {folder}/native.so -I".split()
        subprocess.run([*compile_it, header, source], check=True)
        native = CDLL(f"{folder}/native.so")
    native.analyser_start.restype = c_void_p
    return native


class Brightness(QtCore.QObject):
    """The thread's findings; emitted there, and queued by Qt into the thread of who is connected."""

    measured = QtCore.Signal(object, object, float)  # epoch and number of the frame, its mean (0 to 255)
    failed = QtCore.Signal(str)

    def __init__(self, native: CDLL, site: str, stream: str, width: int, height: int) -> None:
        super().__init__()
        self.native, self.callback = native, CALLBACK(self.hear)  # to be kept until the thread has ended
        what = site.encode(), stream.encode(), width, height
        self.handle = c_void_p(native.analyser_start(*what, self.callback, None))
        if not self.handle:
            raise OSError("the system has no thread for it")
        atexit.register(self.close)  # the thread must not meet an interpreter that has ended

    def hear(self, _: object, epoch: int, seq: int, brightness: float, error: bytes | None) -> None:
        if error is None:
            self.measured.emit(epoch, seq, brightness)
        else:
            self.failed.emit(error.decode())

    def close(self) -> None:
        """End the thread and wait for its end; not in a function that it calls."""
        handle, self.handle = self.handle, c_void_p()
        if handle:
            self.native.analyser_stop(handle)
            self.native.analyser_join(handle)
            atexit.unregister(self.close)


def main(url: str, login: str | None) -> None:
    """Show a camera; how bright it is stands in the title."""
    graph = cg.Graph()
    graph.rtsp("door", url, login=login)
    with graph.start() as site:
        app = QtWidgets.QApplication([])
        quit_on_interrupt()
        widget = VideoWidget(site.streams["door"])
        widget.show()
        with closing(Brightness(load(), site.name, "door", 320, 180)) as thread:
            thread.measured.connect(lambda epoch, seq, mean: widget.setWindowTitle(f"brightness {mean:.1f}"))
            thread.failed.connect(widget.setWindowTitle)
            app.exec()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Show a camera, and in the title how bright it is.")
    parser.add_argument("url", metavar="URL", help="rtsp://host[:port]/path")
    parser.add_argument("--login", help="where user:password is: env:NAME or file:/path")
    try:
        main(**vars(parser.parse_args()))
    except (CamgraphError, OSError, subprocess.SubprocessError) as error:
        parser.exit(1, f"{error}\n")
