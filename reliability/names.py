"""A name server of our own, and a view of the file system in which it is the only one."""

import fcntl
import os
import socket
import struct
import subprocess
import tempfile
import threading
from pathlib import Path

_FILES = {"/etc/resolv.conf": "nameserver {}\n", "/etc/nsswitch.conf": "hosts: files dns\n"}
_PORT = 53
_HEADER = struct.Struct("!HHHHHH")
_FOUND, _NO_SUCH_NAME = 0x8180, 0x8183
_TYPE_A, _CLASS_IN = 1, 1
_RECORD = struct.Struct("!HHHIH4s")
_NAME_OF_QUESTION = 0xC00C
_INTERFACE = struct.Struct("16sh14x")
_GET_FLAGS, _SET_FLAGS, _UP = 0x8913, 0x8914, 1


def in_own_view(command: list[str]) -> list[str]:
    """Return how to start a program that may put files in the place of the system's, for itself only."""
    # Who is not root gets the rights to that, and to a low port, in a network of its own only.
    rights = [] if os.geteuid() == 0 else ["--map-root-user", "--net"]
    return ["unshare", "--mount", *rights, *command]


class NameServer:
    """Tells `address` for any name; "": that there is none; None: nothing.

    It is the only one for this process and its children, which must have a view of their own
    (`in_own_view`). Raises OSError or CalledProcessError where that is not allowed.
    """

    def __init__(self, address: str) -> None:
        self.address: str | None = address
        pid = os.getpid()
        self._host = f"127.{64 + (pid >> 16)}.{pid >> 8 & 255}.{pid & 255}"
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._over = False
        try:
            _raise_loopback(self._socket)
            self._socket.bind((self._host, _PORT))
            for path, text in _FILES.items():
                _cover(path, text.format(self._host))
        except BaseException:
            self._socket.close()
            raise
        self._thread = threading.Thread(target=self._serve, name="name-server")
        self._thread.start()

    def close(self) -> None:
        """End it."""
        self._over = True
        self._socket.sendto(b"", (self._host, _PORT))
        self._thread.join()
        self._socket.close()

    def _serve(self) -> None:
        while True:
            question, sender = self._socket.recvfrom(4096)
            if self._over:
                return
            if self.address is not None:
                self._socket.sendto(answer(question, self.address), sender)


def answer(question: bytes, address: str) -> bytes:
    """Return the answer to a question for any name: the IPv4 address, or "" for none."""
    number, _, questions, _, _, _ = _HEADER.unpack_from(question)
    end = question.index(0, _HEADER.size) + 5
    asked = question[_HEADER.size : end]
    wants_address = asked[-4:] == struct.pack("!HH", _TYPE_A, _CLASS_IN)
    record = b""
    if address and wants_address:
        record = _RECORD.pack(_NAME_OF_QUESTION, _TYPE_A, _CLASS_IN, 0, 4, socket.inet_aton(address))
    flags = _FOUND if address else _NO_SUCH_NAME
    return _HEADER.pack(number, flags, questions, bool(record), 0, 0) + asked + record


def _raise_loopback(anything: socket.socket) -> None:
    """Have 127.0.0.1 in a network that is new."""
    request = _INTERFACE.pack(b"lo", 0)
    name, flags = _INTERFACE.unpack(fcntl.ioctl(anything, _GET_FLAGS, request))
    if not flags & _UP:
        fcntl.ioctl(anything, _SET_FLAGS, _INTERFACE.pack(name, flags | _UP))


def _cover(path: str, text: str) -> None:
    """Have this text in the place of a file, in our view."""
    with tempfile.NamedTemporaryFile("w") as file:
        file.write(text)
        file.flush()
        Path(file.name).chmod(0o644)
        subprocess.run(["mount", "--bind", file.name, path], check=True, capture_output=True)
