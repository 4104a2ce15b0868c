"""A Qt application without a screen, and a site whose cameras are drawn by the test into real rings."""

import os
import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from qtpy.QtCore import QEvent
from qtpy.QtGui import QImage
from qtpy.QtWidgets import QApplication, QWidget
from tests.unit.qt.played_back import Back, Detector, qthreads

from camgraph.base.descriptors import site_address
from camgraph.base.errors import ClosedError
from camgraph.base.loop import Loop
from camgraph.client.requests import open_reader
from camgraph.client.statuses import StatusBoard
from camgraph.client.streams import LiveStream, StreamTable
from camgraph.graph.spec import FrameRequest
from camgraph.process.declare import MessageProcess
from camgraph.qt import VideoWidget
from camgraph.qt.video.player import Player
from camgraph.ring.protocol import MAX_DATAGRAM_BYTES, Hello, RingRequest, refuse
from camgraph.ring.reader import Reader
from camgraph.ring.writer import FrameMeta, RingWriter

Pixels = npt.NDArray[np.uint8]


def quarters(width: int, height: int) -> Pixels:
    """Red and green above blue and white, as bgra."""
    picture = np.zeros((height, width, 4), np.uint8)
    middle_x, middle_y = width // 2, height // 2
    picture[:middle_y, :middle_x] = (0, 0, 255, 0)
    picture[:middle_y, middle_x:] = (0, 255, 0, 0)
    picture[middle_y:, :middle_x] = (255, 0, 0, 0)
    picture[middle_y:, middle_x:] = (255, 255, 255, 0)
    return picture


def noise(width: int, height: int) -> Pixels:
    """A picture no two pixels of which are alike, the same for every call."""
    return np.random.default_rng(7).integers(0, 256, (height, width, 4), dtype=np.uint8)


class DrawnSite:
    """Has what widgets use of a `Site`; its rings, statuses, readers and sockets are real.

    Everything happens in the test's own thread: connections are accepted by `serve`.
    """

    def __init__(self, sizes: dict[str, tuple[int, int]]) -> None:
        self.name = f"test-{os.getpid()}-{secrets.token_hex(4)}"
        self.sizes = sizes
        self.board = StatusBoard(list(sizes))
        self.streams = StreamTable(self, self.board)  # type: ignore[arg-type]
        self.streams.set_names(sizes)
        self.rings: dict[RingRequest, RingWriter] = {}
        self.refusal = ""
        self.epoch = 1
        self.closed = False
        self.close_callbacks: list[Callable[[], None]] = []
        self._readers: list[Reader] = []
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_CLOEXEC)
        self._listener.bind(site_address(self.name))
        self._listener.listen(64)
        self._listener.setblocking(False)

    def status(self, stream: str, state: Any = "live", **fields: Any) -> None:
        width, height = self.sizes[stream]
        known = {"width": width, "height": height} if state == "live" else {}
        current = self.board.status_of(stream)
        self.board.publish(type(current)(stream=stream, state=state, **{**known, **fields}))

    def become(self, **sizes: tuple[int, int]) -> None:
        """Have other cameras; those that are new are live at once."""
        new = sizes.keys() - self.sizes
        self.sizes = sizes
        self.streams.set_names(sizes)
        self.board.set_names(sizes)
        for stream in new:
            self.status(stream)

    def read(self, request: FrameRequest) -> Reader:
        if self.closed:
            raise ClosedError("site is closed")
        reader = open_reader(self.name, request)
        self._readers.append(reader)
        return reader

    def subscribe(self, callback: Callable[[Any], None]) -> Callable[[], None]:
        return self.board.subscribe(callback)

    def on_close(self, callback: Callable[[], None]) -> Callable[[], None]:
        self.close_callbacks.append(callback)

        def forget() -> None:
            with suppress(ValueError):
                self.close_callbacks.remove(callback)

        return forget

    def close(self) -> None:
        if self.closed:
            return
        self.closed = True
        callbacks, self.close_callbacks = self.close_callbacks, []
        for callback in callbacks:
            callback()
        for reader in self._readers:
            reader.close()
        self.media_dies()
        self._listener.close()
        self.board.publish_all(state="stopped", reason="closed", sentence="The site is closed.")

    def serve(self) -> None:
        """Give every reader that has connected its ring."""
        while not self.closed:
            try:
                sock, _ = self._listener.accept()
            except BlockingIOError:
                return
            try:
                hello = Hello.decode(sock.recv(MAX_DATAGRAM_BYTES))
            except (OSError, ValueError):
                sock.close()
                continue
            sock.setblocking(False)
            if self.refusal:
                refuse(sock, self.refusal)
                continue
            request = hello.request
            ring = self.rings.get(request)
            if ring is None:
                ring = self.rings[request] = RingWriter(
                    request.stream,
                    request.format or "bgra",
                    *self.size_of(request),
                    epoch=self.epoch,
                    max_bytes=1 << 26,
                )
            ring.add_reader(sock, hello)

    def size_of(self, request: RingRequest) -> tuple[int, int]:
        """How large the pictures of a ring are: the camera's own where no size was asked for."""
        return (request.width, request.height) if request.width else self.sizes[request.stream]

    def show(self, stream: str, draw: Callable[[int, int], Pixels] = quarters) -> int:
        """Publish one frame in every ring of the stream; return in how many."""
        published = 0
        for request, ring in list(self.rings.items()):
            if request.stream == stream:
                picture = draw(*self.size_of(request))
                published += ring.publish([picture], FrameMeta(arrival_ns=time.monotonic_ns()))
        return published

    def readers(self, stream: str) -> dict[tuple[int, int], int]:
        """How many readers the rings of a stream have, by size."""
        self.serve()
        found = {}
        for request, ring in self.rings.items():
            for sock in ring.sockets():
                # Nothing comes from a reader after its HELLO but the end.
                with suppress(BlockingIOError):
                    with suppress(ConnectionResetError):
                        sock.recv(1, socket.MSG_PEEK)
                    ring.remove_reader(sock)
            if request.stream == stream and ring.readers:
                found[self.size_of(request)] = ring.readers
        return found

    def media_dies(self) -> None:
        for ring in self.rings.values():
            ring.close()
        self.rings.clear()
        self.epoch += 1


def player_of(widget: VideoWidget) -> Player:
    """Return what reads a widget's stream."""
    player = widget._scene.player
    assert player is not None
    return player


class Gui:
    """Runs the event loop by steps, and looks at widgets."""

    def __init__(self, app: QApplication) -> None:
        self.app = app
        self.serving: list[DrawnSite] = []

    def turn(self) -> None:
        """Let everything happen that is due."""
        for site in self.serving:
            site.serve()
        self.app.sendPostedEvents()
        self.app.processEvents()

    def delete_later(self) -> None:
        """Delete what waits for it; only a running event loop would do that by itself."""
        self.app.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
        self.turn()

    def settle(self) -> None:
        """Let all that has been published arrive, and be painted."""
        for _ in range(3):
            self.turn()

    def until(self, condition: Callable[[], object], timeout_s: float = 5.0) -> None:
        """Run until the condition holds; raise AssertionError if it never does."""
        deadline = time.monotonic() + timeout_s
        while not condition():
            assert time.monotonic() < deadline, "waited in vain"
            self.turn()
            time.sleep(0.001)

    def play(self, stream: LiveStream, widget: Any, draw: Callable[[int, int], Pixels] = quarters) -> None:
        """Publish frames until the widget shows one that was published now, at its own size."""
        site: Any = stream.site
        shown = widget.statistics().shown
        self.until(lambda: site.show(stream.name, draw) and widget.statistics().shown > shown + 1)
        self.settle()

    @staticmethod
    def rgb_of(image: QImage) -> Pixels:
        """The pixels of an image, as (height, width, 3) rgb."""
        # Converting to another format would start threads of Qt's own.
        assert image.depth() == 32
        bits: Any = image.constBits()
        if hasattr(bits, "setsize"):  # PyQt6
            bits.setsize(image.sizeInBytes())
        rows = np.frombuffer(bits, np.uint8).reshape(image.height(), image.width(), 4)
        return rows[:, :, 2::-1].copy()

    def pixels(self, widget: QWidget) -> Pixels:
        """What the widget shows now, in device pixels."""
        return self.rgb_of(widget.grab().toImage())


@pytest.fixture(scope="session")
def application() -> QApplication:
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    existing = QApplication.instance()
    return existing if isinstance(existing, QApplication) else QApplication(["tests"])


@pytest.fixture
def gui(application: QApplication) -> Iterator[Gui]:
    """The event loop; closes what windows the test has left open."""
    gui = Gui(application)
    yield gui
    for widget in application.topLevelWidgets():
        widget.close()
        widget.deleteLater()
    gui.delete_later()


@pytest.fixture
def make_site(gui: Gui) -> Iterator[Callable[..., DrawnSite]]:
    """Make sites of cameras ``door=(1280, 720)``, live from the beginning."""

    def make(**sizes: tuple[int, int]) -> DrawnSite:
        site = DrawnSite(sizes)
        gui.serving.append(site)
        for stream in sizes:
            site.status(stream)
        return site

    yield make
    for site in gui.serving:
        site.close()


@pytest.fixture
def home() -> Iterator[Loop]:
    """The loop of a site, in its thread."""
    loop = Loop()
    thread = threading.Thread(target=loop.run)
    thread.start()
    yield loop
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


@pytest.fixture
def spawn(home: Loop, gui: Gui) -> Iterator[Callable[..., Back]]:
    backs: list[Back] = []

    def make(kind: type[MessageProcess] = Detector) -> Back:
        back = Back(kind, home)
        backs.append(back)
        return back

    yield make
    for back in backs:
        back.end()
    gui.until(lambda: not any(back.front.alive for back in backs))
    gui.until(lambda: qthreads() == 0)
    gui.settle()
