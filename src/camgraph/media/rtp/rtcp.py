"""RTCP: compound packets to reports and back (RFC 3550, 6)."""

import struct
from collections.abc import Iterable, Iterator
from typing import NamedTuple

SENDER_REPORT, RECEIVER_REPORT, DESCRIPTION, GOODBYE = 200, 201, 202, 203

_HEADER = struct.Struct(">BBH")
_SENDER = struct.Struct(">IQIII")
_BLOCK = struct.Struct(">IIIIII")
_CNAME = 1
_NTP_TO_UNIX_S = 2_208_988_800
_ERA_S = 1 << 32
_SIGN_24 = 1 << 23


class ReportBlock(NamedTuple):
    """How a sender is received."""

    ssrc: int
    fraction_lost: int
    """Of the packets since the last report, in 1/256."""
    lost: int
    """Packets, since the beginning; duplicates make it smaller, and even negative."""
    highest: int
    """The highest sequence number that came, extended to 32 bits."""
    jitter: int
    """In ticks of the stream's clock."""
    last_report: int
    """The middle 32 bits of the newest sender report's time; 0: none came."""
    delay: int
    """Since that report came, in 1/65536 s."""


class SenderReport(NamedTuple):
    """Which wall clock time belongs to which timestamp, and how much was sent."""

    ssrc: int
    ntp: int
    """As it came: 32 bits of seconds since 1900, 32 bits of their fraction; 0: the sender has no clock."""
    timestamp: int
    packets: int
    octets: int
    blocks: tuple[ReportBlock, ...]
    arrival_ns: int

    @property
    def ntp_ns(self) -> int:
        """The sender's wall clock, ns since 1970."""
        seconds = self.ntp >> 32
        # The count began anew in 2036: what is too small for this century is of the next one.
        era = 0 if seconds & (1 << 31) else _ERA_S
        fraction = self.ntp & 0xFFFFFFFF
        return (seconds + era - _NTP_TO_UNIX_S) * 1_000_000_000 + (fraction * 1_000_000_000 >> 32)


class ReceiverReport(NamedTuple):
    """How somebody receives."""

    ssrc: int
    blocks: tuple[ReportBlock, ...]


class SourceNames(NamedTuple):
    """Canonical names by SSRC."""

    names: dict[int, str]


class Bye(NamedTuple):
    """Sources that have ended."""

    ssrcs: tuple[int, ...]
    reason: str


ControlPacket = SenderReport | ReceiverReport | SourceNames | Bye


def parse_control(data: bytes | memoryview, arrival_ns: int) -> list[ControlPacket]:
    """Return what a compound packet holds; what is unknown is left out, and what is broken ends it."""
    found: list[ControlPacket] = []
    for kind, count, body in _split(bytes(data)):
        if kind == SENDER_REPORT and len(body) >= _SENDER.size:
            ssrc, ntp, timestamp, packets, octets = _SENDER.unpack_from(body)
            blocks = _blocks(body[_SENDER.size :], count)
            found.append(SenderReport(ssrc, ntp, timestamp, packets, octets, blocks, arrival_ns))
        elif kind == RECEIVER_REPORT and len(body) >= 4:
            found.append(ReceiverReport(_number(body, 0), _blocks(body[4:], count)))
        elif kind == DESCRIPTION:
            found.append(SourceNames(_names(body, count)))
        elif kind == GOODBYE and len(body) >= 4 * count:
            rest = body[4 * count :]
            reason = rest[1 : 1 + rest[0]].decode(errors="replace") if rest else ""
            found.append(Bye(tuple(_number(body, 4 * index) for index in range(count)), reason))
    return found


def receiver_report(ssrc: int, cname: str, blocks: Iterable[ReportBlock]) -> bytes:
    """Return a compound packet: a receiver report and the name of who reports."""
    packed = b"".join(_packed(block) for block in blocks)
    report = _HEADER.pack(0x80 | len(packed) // _BLOCK.size, RECEIVER_REPORT, 1 + len(packed) // 4)
    name = cname.encode()
    item = bytes((_CNAME, len(name))) + name
    # At least one zero byte ends the list of items.
    item += bytes(4 - len(item) % 4)
    description = _HEADER.pack(0x81, DESCRIPTION, 1 + len(item) // 4)
    who = ssrc.to_bytes(4, "big")
    return report + who + packed + description + who + item


def middle_of(ntp: int) -> int:
    """Return the middle 32 bits of a time, by which a receiver report refers to a sender report."""
    return (ntp >> 16) & 0xFFFFFFFF


def _split(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Yield type, count and body of each packet."""
    offset = 0
    while offset + 4 <= len(data):
        first, kind, words = _HEADER.unpack_from(data, offset)
        end = offset + 4 + 4 * words
        if first >> 6 != 2 or end > len(data):
            return
        padding = data[end - 1] if first & 0x20 and words else 0
        yield kind, first & 0x1F, data[offset + 4 : max(end - padding, offset + 4)]
        offset = end


def _blocks(body: bytes, count: int) -> tuple[ReportBlock, ...]:
    blocks = []
    for index in range(min(count, len(body) // _BLOCK.size)):
        ssrc, loss, *rest = _BLOCK.unpack_from(body, index * _BLOCK.size)
        lost = ((loss + _SIGN_24) & 0xFFFFFF) - _SIGN_24
        blocks.append(ReportBlock(ssrc, loss >> 24, lost, *rest))
    return tuple(blocks)


def _packed(block: ReportBlock) -> bytes:
    lost = max(-_SIGN_24, min(block.lost, _SIGN_24 - 1))
    return _BLOCK.pack(block.ssrc, block.fraction_lost << 24 | lost & 0xFFFFFF, *block[3:])


def _names(body: bytes, count: int) -> dict[int, str]:
    names = {}
    offset = 0
    for _ in range(count):
        if offset + 4 > len(body):
            break
        ssrc = _number(body, offset)
        offset += 4
        while offset + 2 <= len(body) and (kind := body[offset]):
            end = offset + 2 + body[offset + 1]
            if kind == _CNAME:
                names[ssrc] = body[offset + 2 : end].decode(errors="replace")
            offset = end
        # The zero byte that ends the chunk, and those that fill its last word.
        offset = (offset | 3) + 1
    return names


def _number(body: bytes, offset: int) -> int:
    return int.from_bytes(body[offset : offset + 4], "big")
