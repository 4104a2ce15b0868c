"""RTSP on the wire: bytes to messages and back, without any I/O (RFC 2326, with its interleaved data)."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from camgraph.base.redact import redact

MAX_HEAD_BYTES = 64 * 1024
MAX_BODY_BYTES = 1024 * 1024
VERSION = "RTSP/1.0"

_DOLLAR = 0x24
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_METHOD = re.compile(rf"(?!\$){_TOKEN.pattern}")
_TOKEN_BYTES = frozenset(b"!#$%&'*+.^_`|~-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
_VERSION = re.compile(r"RTSP/[0-9]\.[0-9]")
_BLANK_LINE = re.compile(rb"\r?\n\r?\n")
_SPACE = re.compile(r"\s")
_LINE_END = re.compile(r"[\r\n]")
_SECRET_HEADERS = ("authorization", "proxy-authorization")


class RtspSyntaxError(ValueError):
    """The bytes are no RTSP; the text says what was found. The connection can't be used any more."""


class Headers:
    """Header lines in order; names compare without regard to case."""

    __slots__ = ("_lines",)

    def __init__(self, lines: Iterable[tuple[str, str]] = ()) -> None:
        self._lines = tuple(lines)

    def get(self, name: str) -> str | None:
        """Return the value of the first line of that name, None if there is none."""
        return next(iter(self.all(name)), None)

    def all(self, name: str) -> list[str]:
        """Return the values of every line of that name."""
        return [value for key, value in self._lines if key.lower() == name.lower()]

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self._lines)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Headers) and self._lines == other._lines

    def __hash__(self) -> int:
        return hash(self._lines)

    def __repr__(self) -> str:
        shown = ((name, "***" if name.lower() in _SECRET_HEADERS else value) for name, value in self._lines)
        return f"Headers({list(shown)!r})"


@dataclass(frozen=True, slots=True)
class Request:
    """A request of a client (or, rarely, of a server)."""

    method: str
    url: str
    headers: Headers = field(default_factory=Headers)
    body: bytes = b""
    version: str = VERSION

    def encode(self) -> bytes:
        """Return the bytes to send, Content-Length included; ValueError if a part can't be sent."""
        if (
            not _TOKEN.fullmatch(self.method)
            or self.method.startswith("$")
            or not self.url
            or _SPACE.search(self.url)
        ):
            raise ValueError(f"{self.method!r} {self.url!r} is no request line")
        return _encode(f"{self.method} {self.url} {self.version}", self.headers, self.body)


@dataclass(frozen=True, slots=True)
class Response:
    """The answer to a request."""

    status: int
    reason: str
    headers: Headers = field(default_factory=Headers)
    body: bytes = b""
    version: str = VERSION

    def encode(self) -> bytes:
        """Return the bytes to send, Content-Length included; ValueError if a part can't be sent."""
        if not 100 <= self.status <= 999:
            raise ValueError(f"{self.status} is no status code")
        return _encode(f"{self.version} {self.status} {self.reason}", self.headers, self.body)


@dataclass(frozen=True, slots=True)
class Interleaved:
    """A packet between the messages: RTP and RTCP of a session over TCP (RFC 2326, 10.12)."""

    channel: int
    payload: bytes

    def encode(self) -> bytes:
        """Return the bytes to send; ValueError if the channel or the length doesn't fit its field."""
        if not 0 <= self.channel <= 0xFF or len(self.payload) > 0xFFFF:
            raise ValueError(f"channel {self.channel}, {len(self.payload)} bytes: at most 255 and 65535")
        return interleaved_prefix(self.channel, len(self.payload)) + self.payload


Message = Request | Response | Interleaved


def interleaved_prefix(channel: int, length_bytes: int) -> bytes:
    """Return the four bytes that go before an interleaved packet."""
    return bytes((_DOLLAR, channel, length_bytes >> 8, length_bytes & 0xFF))


class MessageParser:
    """Turns the bytes of a connection into messages, however they were cut up.

    `feed` takes what was received; iterating gives the messages that are complete. A head has at most
    `MAX_HEAD_BYTES`, a body `MAX_BODY_BYTES`.
    """

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._at = 0
        self._searched = 0
        self._error: RtspSyntaxError | None = None

    def feed(self, data: bytes | bytearray | memoryview) -> None:
        """Append received bytes."""
        del self._buffer[: self._at]
        self._searched -= self._at
        self._at = 0
        self._buffer += data

    def next_message(self) -> Message | None:
        """Return the next complete message, None if more bytes are needed.

        Raises RtspSyntaxError at the first message that is none, after all those before it, and then always.
        """
        if self._error is not None:
            raise self._error
        try:
            return self._interleaved() if self._skip_to_message() == _DOLLAR else self._message()
        except RtspSyntaxError as error:
            self._error = error
            raise

    def __iter__(self) -> Iterator[Message]:
        """Return the complete messages one after the other."""
        return iter(self.next_message, None)

    @property
    def pending_bytes(self) -> int:
        """How many bytes wait for the rest of their message."""
        return len(self._buffer) - self._at

    def take_rest(self) -> bytes:
        """Return the bytes after the last message, which the parser then no longer has."""
        rest = bytes(self._buffer[self._at :])
        self._buffer.clear()
        self._at = self._searched = 0
        return rest

    def _skip_to_message(self) -> int | None:
        """Skip empty lines between messages; return the first byte after them."""
        buffer, at = self._buffer, self._at
        while at < len(buffer) and buffer[at] in b"\r\n":
            at += 1
        self._at = at
        if at == len(buffer):
            return None
        if buffer[at] != _DOLLAR and buffer[at] not in _TOKEN_BYTES:
            raise RtspSyntaxError(f"byte 0x{buffer[at]:02x} where an RTSP message should begin")
        return buffer[at]

    def _interleaved(self) -> Interleaved | None:
        buffer, payload_at = self._buffer, self._at + 4
        if len(buffer) < payload_at:
            return None
        end = payload_at + (buffer[payload_at - 2] << 8 | buffer[payload_at - 1])
        if len(buffer) < end:
            return None
        channel, self._at = buffer[self._at + 1], end
        return Interleaved(channel, bytes(buffer[payload_at:end]))

    def _message(self) -> Request | Response | None:
        buffer, at = self._buffer, self._at
        blank = _BLANK_LINE.search(buffer, max(at, self._searched - 2))
        if (blank.end() if blank else len(buffer)) - at > MAX_HEAD_BYTES:
            raise RtspSyntaxError(f"a head of more than {MAX_HEAD_BYTES} bytes")
        if blank is None:
            self._searched = len(buffer)
            if (newline := buffer.find(b"\n", at)) >= 0:
                _start_line(_text(buffer[at:newline]))
            return None
        lines = _unfolded(_text(buffer[at : blank.start()]))
        message = _start_line(lines[0])
        headers = Headers(_header(line) for line in lines[1:])
        end = blank.end() + _content_length(headers)
        if len(buffer) < end:
            return None
        self._at = end
        return replace(message, headers=headers, body=bytes(buffer[blank.end() : end]))


def _text(data: bytes | bytearray) -> str:
    return data.decode("utf-8", "surrogateescape")


def _unfolded(head: str) -> list[str]:
    """Return the lines of a head, each with the lines that continue it."""
    lines: list[str] = []
    for line in head.split("\n"):
        if line[:1] in (" ", "\t") and len(lines) > 1:
            lines[-1] += " " + line.strip()
        else:
            lines.append(line.rstrip("\r"))
    return lines


def _start_line(line: str) -> Request | Response:
    """Return the message a first line begins, still without headers and body."""
    line = line.rstrip("\r")
    first, _, rest = line.partition(" ")
    if _VERSION.fullmatch(first):
        status, _, reason = rest.partition(" ")
        if not re.fullmatch("[1-9][0-9]{2}", status):
            raise RtspSyntaxError(f"{status[:20]!r} is no status code")
        return Response(int(status), reason, version=first)
    url, _, version = rest.rpartition(" ")
    if not _VERSION.fullmatch(version):
        raise RtspSyntaxError(f"{redact(line)[:80]!r} is no RTSP request or status line")
    if not _METHOD.fullmatch(first) or not url or _SPACE.search(url):
        raise RtspSyntaxError(f"{redact(line)[:80]!r} is no request line")
    return Request(first, url, version=version)


def _header(line: str) -> tuple[str, str]:
    name, colon, value = line.partition(":")
    name = name.rstrip(" \t")
    if not colon or not _TOKEN.fullmatch(name):
        raise RtspSyntaxError(f"{name[:40]!r} is no header")
    return name, value.strip(" \t")


def _content_length(headers: Headers) -> int:
    values = set(headers.all("Content-Length"))
    if not values:
        return 0
    value = values.pop()
    if values or not re.fullmatch("[0-9]{1,9}", value) or int(value) > MAX_BODY_BYTES:
        raise RtspSyntaxError(f"Content-Length {value[:20]!r}: one number up to {MAX_BODY_BYTES} is possible")
    return int(value)


def _encode(start_line: str, headers: Headers, body: bytes) -> bytes:
    lines = [(name, value) for name, value in headers if name.lower() != "content-length"]
    if body:
        lines.append(("Content-Length", str(len(body))))
    for name, value in lines:
        if not _TOKEN.fullmatch(name) or _LINE_END.search(value):
            raise ValueError(f"{name!r} is no header line")
    if _LINE_END.search(start_line):
        raise ValueError("a line end within the first line")
    head = "".join([f"{start_line}\r\n", *(f"{name}: {value}\r\n" for name, value in lines), "\r\n"])
    return head.encode("utf-8", "surrogateescape") + body
