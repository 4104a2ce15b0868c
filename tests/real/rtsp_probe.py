"""A bare RTSP client for tests: every request and every packet in the test's own hands."""

import socket
import struct
import time
from collections.abc import Iterator
from types import TracebackType
from typing import NamedTuple, Self

from camgraph.media.rtsp.auth import DigestLogin, find_challenge
from camgraph.media.rtsp.message import Headers, Interleaved, Message, MessageParser, Request, Response
from camgraph.testing.cameras import Cameras


class Rtp(NamedTuple):
    """The header of an RTP packet, and the type of the NAL unit that it carries, whole or a part of."""

    sequence: int
    timestamp: int
    source: int
    marker: bool
    nal_type: int
    begins_nal: bool


def parse_rtp(packet: bytes) -> Rtp:
    _, kind, sequence, timestamp, source = struct.unpack_from("!BBHII", packet)
    nal_type, begins = packet[12] & 0x1F, True
    if nal_type == 28:
        nal_type, begins = packet[13] & 0x1F, bool(packet[13] & 0x80)
    elif nal_type == 24:
        nal_type = packet[15] & 0x1F
    return Rtp(sequence, timestamp, source, bool(kind & 0x80), nal_type, begins)


class Probe:
    """One connection to the cameras. Everything it waits for is bounded."""

    def __init__(self, cameras: Cameras, *, receive_buffer_bytes: int | None = None) -> None:
        self.base = f"rtsp://127.0.0.1:{cameras.port}"
        self._socket = socket.socket()
        if receive_buffer_bytes is not None:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer_bytes)
        self._socket.settimeout(10)
        self._socket.connect(("127.0.0.1", cameras.port))
        self._parser = MessageParser()
        self._cseq = 0
        self.ended = False

    def wait_at_most(self, seconds: float) -> None:
        """Raise TimeoutError when nothing comes for so long, from now on."""
        self._socket.settimeout(seconds)

    def send(self, data: bytes) -> None:
        self._socket.sendall(data)

    def receive(self) -> Message | None:
        """Return the next message or packet; None at the end of the connection."""
        while (message := self._parser.next_message()) is None:
            data = self._socket.recv(65536)
            if not data:
                self.ended = True
                return None
            self._parser.feed(data)
        return message

    def receive_some(self) -> bytes:
        """Return the next bytes as they come."""
        return self._socket.recv(65536)

    def ask(self, method: str, url: str, *headers: tuple[str, str]) -> Response:
        """Send a request and return its answer; packets in between are passed over."""
        self._cseq += 1
        self.send(Request(method, url, Headers([("CSeq", str(self._cseq)), *headers])).encode())
        while not isinstance(message := self.receive(), Response):
            assert message is not None, "the server closed the connection"
        assert message.headers.get("CSeq") == str(self._cseq)
        return message

    def ask_with_login(self, method: str, url: str, login: DigestLogin) -> Response:
        """Send a request, and again with the login when the server asks for it."""
        response = self.ask(method, url)
        challenge = find_challenge(response.headers.all("WWW-Authenticate"))
        assert response.status == 401
        assert challenge is not None
        return self.ask(method, url, ("Authorization", login.answer(challenge, method, url)))

    def play(self, path: str) -> str:
        """Start the stream of a path; return the name of the session."""
        response = self.ask(
            "SETUP", f"{self.base}{path}/track0", ("Transport", "RTP/AVP/TCP;unicast;interleaved=0-1")
        )
        assert response.status == 200
        assert response.headers.get("Transport") == "RTP/AVP/TCP;unicast;interleaved=0-1"
        session = (response.headers.get("Session") or "").partition(";")[0]
        assert self.ask("PLAY", f"{self.base}{path}", ("Session", session)).status == 200
        return session

    def packets(self) -> Iterator[Interleaved]:
        """Yield packets until the connection ends."""
        while (message := self.receive()) is not None:
            if isinstance(message, Interleaved):
                yield message

    def frames(self, count: int) -> list[list[Rtp]]:
        """Return the RTP packets of the next `count` frames, each up to its marker."""
        frames: list[list[Rtp]] = [[]]
        for packet in self.packets():
            if packet.channel != 0:
                continue
            frames[-1].append(parse_rtp(packet.payload))
            if frames[-1][-1].marker:
                if len(frames) == count:
                    return frames
                frames.append([])
        raise AssertionError(f"the stream ended after {len(frames) - 1} frames")

    def wait_for_end(self, timeout_s: float = 10) -> None:
        """Read on until the server closes the connection."""
        deadline = time.monotonic() + timeout_s
        for _ in self.packets():
            assert time.monotonic() < deadline, "the server keeps the connection"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()
