"""The limit: one blocking socket, and the decoder at each marker bit; for the built-in cameras alone.

``python -m benchmarks.latency.bare url``
"""

import re
import socket
import sys
from urllib.parse import urlsplit

import av

from benchmarks.latency.stamping import Stamps

_START_CODE = b"\0\0\0\1"
_STAP_A, _FU_A = 24, 28
_RECEIVE_BYTES = 65536


class _Connection:
    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        assert parts.hostname is not None
        self._sock = socket.create_connection((parts.hostname, parts.port or 554))
        self._data = bytearray()
        self._asked = 0

    def ask(self, method: str, url: str, *headers: str) -> str:
        """Return what the camera answers before the stream begins."""
        self._asked += 1
        lines = (f"{method} {url} RTSP/1.0", f"CSeq: {self._asked}", *headers, "", "")
        self._sock.sendall("\r\n".join(lines).encode())
        while b"\r\n\r\n" not in self._data:
            self._more()
        end = self._data.index(b"\r\n\r\n") + 4
        length = re.search(rb"(?i)content-length: *(\d+)", self._data[:end])
        return self._take(end + (int(length[1]) if length else 0)).decode()

    def packet(self) -> tuple[int, bytes]:
        """Return the channel and the data of the next packet."""
        _, channel, high, low = self._take(4)
        return channel, self._take(high << 8 | low)

    def _take(self, count: int) -> bytes:
        while len(self._data) < count:
            self._more()
        taken = bytes(self._data[:count])
        del self._data[:count]
        return taken

    def _more(self) -> None:
        data = self._sock.recv(_RECEIVE_BYTES)
        if not data:
            raise EOFError("the camera has closed the connection")
        self._data += data


def _nal_units(payload: bytes) -> bytes:
    kind = payload[0] & 31
    if kind == _FU_A:
        if not payload[1] & 0x80:
            return payload[2:]
        return _START_CODE + bytes((payload[0] & 0xE0 | payload[1] & 31,)) + payload[2:]
    if kind != _STAP_A:
        return _START_CODE + payload
    units, at = b"", 1
    while at < len(payload):
        end = at + 2 + int.from_bytes(payload[at : at + 2], "big")
        units += _START_CODE + payload[at + 2 : end]
        at = end
    return units


def main(url: str) -> None:
    """Decode until standard input ends."""
    stamps = Stamps()

    def work() -> None:
        camera = _Connection(url)
        description = camera.ask("DESCRIBE", url, "Accept: application/sdp")
        control = re.findall(r"a=control:(\S+)", description)[-1]
        track = control if "://" in control else f"{url.rstrip('/')}/{control}"
        answer = camera.ask("SETUP", track, "Transport: RTP/AVP/TCP;unicast;interleaved=0-1")
        session = re.findall(r"(?i)session: *([^;\s]+)", answer)[0]
        camera.ask("PLAY", url, f"Session: {session}")
        decoder = av.VideoCodecContext.create("h264", "r")
        assert isinstance(decoder, av.VideoCodecContext)
        decoder.thread_type, decoder.thread_count = "NONE", 1
        picture = b""
        while True:
            channel, data = camera.packet()
            if channel:
                continue
            picture += _nal_units(data[12:])
            if data[1] & 0x80:
                for frame in decoder.decode(av.Packet(picture)):
                    stamps.note(frame)
                picture = b""

    stamps.serve(work)


if __name__ == "__main__":
    main(sys.argv[1])
