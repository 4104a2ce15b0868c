"""How both sides agree on a way for media: the headers Transport and Session (RFC 2326, 12.37, 12.39)."""

import re
from collections.abc import Mapping
from typing import Literal, NamedTuple

from camgraph.media.rtsp.description import Track

TransportKind = Literal["tcp", "udp", "multicast"]

DEFAULT_TIMEOUT_S = 60
_MOST_PORT, _MOST_CHANNEL = 0xFFFF, 0xFF
_PAIR = re.compile(r"\s*(\d{1,5})(?:\s*-\s*(\d{1,5}))?", re.ASCII)
_HEX = re.compile(r"(?:0x)?([0-9a-f]{1,8})", re.IGNORECASE)
_TIMEOUT = re.compile(r"timeout\s*=\s*\"?(\d{1,6})", re.IGNORECASE | re.ASCII)


class Wish(NamedTuple):
    """A track to be set up, and how it is to travel."""

    track: Track
    transport: TransportKind
    ports: tuple[int, int] = (0, 0)
    """UDP: where we receive RTP and RTCP."""


class Answered(NamedTuple):
    """What the camera made of a wish."""

    track: Track
    transport: TransportKind
    """As the camera will send: ``tcp``, perhaps, where UDP was wished for."""
    channels: tuple[int, int]
    """TCP: the channels of RTP and RTCP, which need not be those that were asked for."""
    server_ports: tuple[int, int]
    """UDP: where the camera sends RTP and RTCP from; multicast: the group's ports; 0: not told."""
    source: str
    """The address that the camera sends from; empty: not told."""
    destination: str
    """Multicast: the group."""
    ssrc: int | None


def ask(wish: Wish, index: int) -> str:
    """Return the Transport header of a SETUP for the track number `index` of a session."""
    match wish.transport:
        case "tcp":
            return f"RTP/AVP/TCP;unicast;interleaved={2 * index}-{2 * index + 1}"
        case "udp":
            return f"RTP/AVP;unicast;client_port={wish.ports[0]}-{wish.ports[1]}"
    return "RTP/AVP;multicast"


def read_answer(wish: Wish, index: int, header: str | None) -> Answered | None:
    """Return what a SETUP's answer says; where it says nothing, what was asked for holds.

    None: the camera means to send in a way that was not asked for, and can't be received so.
    """
    profile, told = _transport(header or ask(wish, index))
    tcp = profile.endswith("/tcp") or "interleaved" in told
    transport: TransportKind = "tcp" if tcp else "multicast" if "multicast" in told else "udp"
    if transport != wish.transport and not (wish.transport == "udp" and transport == "tcp"):
        return None
    track = wish.track
    destination = told.get("destination", "")
    ports = _pair(told.get("server_port"), (0, 0), _MOST_PORT)
    if transport == "multicast":
        destination = destination or track.address
        ports = _pair(told.get("port"), ports, _MOST_PORT)
        if not ports[0] and track.port:
            ports = (track.port, track.port + 1)
    ssrc = _HEX.fullmatch(told.get("ssrc", ""))
    return Answered(
        track=track,
        transport=transport,
        channels=_pair(told.get("interleaved"), (2 * index, 2 * index + 1), _MOST_CHANNEL),
        server_ports=ports,
        source=told.get("source", ""),
        destination=destination,
        ssrc=int(ssrc[1], 16) if ssrc else None,
    )


def read_session(header: str) -> tuple[str, int]:
    """Return a session's name, and after how many s of silence the camera gives it up."""
    name, _, rest = header.partition(";")
    timeout = _TIMEOUT.search(rest)
    return name.strip(), (int(timeout[1]) if timeout else 0) or DEFAULT_TIMEOUT_S


def _transport(header: str) -> tuple[str, Mapping[str, str]]:
    """Return the profile and the parameters of the first transport of a header."""
    profile, *parts = [part.strip() for part in header.split(",")[0].split(";")]
    told = {}
    for part in parts:
        name, _, value = part.partition("=")
        told[name.strip().lower()] = value.strip().strip('"').strip()
    return profile.lower(), told


def _pair(text: str | None, default: tuple[int, int], most: int) -> tuple[int, int]:
    """Return the numbers of a range, the next one where it names only one; the default if they can't be."""
    found = _PAIR.match(text or "")
    if found is None:
        return default
    first = int(found[1])
    second = int(found[2]) if found[2] else first + 1
    return (first, second) if max(first, second) <= most else default
