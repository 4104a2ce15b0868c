"""A way to a camera that lets its RTSP connections through, and none of its datagrams."""

import re
import socket
import threading
from contextlib import suppress
from types import TracebackType
from typing import Self

_PORTS = re.compile(rb"client_port=\d+-\d+")


class NarrowWay:
    """Passes connections on to a port of this machine; who asks for UDP has it sent where nobody listens.

    `asked` are the transports that clients asked for.
    """

    def __init__(self, port: int) -> None:
        self._port = port
        self._server = socket.create_server(("127.0.0.1", 0))
        self._nowhere = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._nowhere.bind(("127.0.0.1", 0))
        self._lock = threading.Lock()
        self._sockets: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self.asked: list[str] = []
        self._start(self._accept)

    @property
    def port(self) -> int:
        return self._server.getsockname()[1]  # type: ignore[no-any-return]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._lock:
            for sock in (self._server, *self._sockets):
                with suppress(OSError):
                    sock.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        for sock in (self._server, self._nowhere, *self._sockets):
            sock.close()

    def _start(self, target: object, *arguments: object) -> None:
        thread = threading.Thread(target=target, args=arguments)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client = self._server.accept()[0]
                with self._lock:
                    self._sockets.append(client)
                    try:
                        camera = socket.create_connection(("127.0.0.1", self._port), 2)
                    except OSError:
                        client.shutdown(socket.SHUT_RDWR)
                        continue
                    camera.settimeout(None)
                    self._sockets.append(camera)
                    self._start(self._pass_on, client, camera, True)
                    self._start(self._pass_on, camera, client, False)

    def _pass_on(self, source: socket.socket, target: socket.socket, asks: bool) -> None:
        nowhere = self._nowhere.getsockname()[1]
        with suppress(OSError):
            while data := source.recv(65536):
                if asks:
                    # A request is sent whole.
                    self.asked += re.findall(r"Transport: ([^;]*;[^;=]*)", data.decode("latin-1"))
                    data = _PORTS.sub(b"client_port=%d-%d" % (nowhere, nowhere), data)
                target.sendall(data)
        for sock in (source, target):
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
