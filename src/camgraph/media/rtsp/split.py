"""What comes over an RTSP connection, split into packets and messages, the packets in few steps."""

from typing import NamedTuple

from camgraph.media.rtsp.message import Interleaved, MessageParser, Request, Response, RtspSyntaxError

_DOLLAR = 0x24
_PREFIX_BYTES = 4


class Data(NamedTuple):
    """One packet of RTP or RTCP between the messages; `data` is its own copy."""

    channel: int
    data: bytes


def is_cut(data: bytes, at: int) -> bool:
    """Tell whether a packet begins at `data[at]` that goes on beyond the end."""
    payload_at, end = at + _PREFIX_BYTES, len(data)
    if at >= end or data[at] != _DOLLAR:
        return False
    return payload_at > end or payload_at + (data[at + 2] << 8 | data[at + 3]) > end


class Splitter:
    """Takes the bytes of a connection, however they were cut up.

    `error` is set at the first bytes that are no RTSP; nothing comes out after that. `messages` counts what
    was no packet.
    """

    def __init__(self) -> None:
        self.error: RtspSyntaxError | None = None
        self.messages = 0
        self._parser = MessageParser()
        self._parsing = False
        self._rest = bytearray()
        self._needed = 0

    @property
    def empty(self) -> bool:
        """Whether nothing is held: the next byte begins a packet or a message."""
        return not self._rest and not self._parsing and self.error is None

    def split(self, data: bytes) -> list[Data | Request | Response]:
        """Return the packets and messages that are complete with `data`, in order."""
        if self.error is not None:
            return []
        if self._rest:
            self._rest += data
            if len(self._rest) < self._needed:
                return []
            data = bytes(self._rest)
            self._rest.clear()
        out: list[Data | Request | Response] = []
        try:
            if self._parsing:
                data = self._parse(data, out)
            self._split(data, out)
        except RtspSyntaxError as error:
            self.error = error
        return out

    def _split(self, data: bytes, out: list[Data | Request | Response]) -> None:
        at, end = 0, len(data)
        while at < end:
            if data[at] != _DOLLAR:
                data = self._parse(data[at:], out)
                at, end = 0, len(data)
                continue
            payload_at = at + _PREFIX_BYTES
            stop = payload_at + (data[at + 2] << 8 | data[at + 3]) if payload_at <= end else payload_at
            if stop > end:
                self._rest += data[at:]
                self._needed = stop - at
                return
            out.append(Data(data[at + 1], data[payload_at:stop]))
            at = stop

    def _parse(self, data: bytes, out: list[Data | Request | Response]) -> bytes:
        """Have the parser take `data` until a message is complete; return the bytes after it."""
        self._parser.feed(data)
        message = self._parser.next_message()
        if message is None:
            self._parsing = self._parser.pending_bytes > 0
            return b""
        self._parsing = False
        if isinstance(message, Interleaved):
            out.append(Data(message.channel, message.payload))
        else:
            self.messages += 1
            out.append(message)
        return self._parser.take_rest()
