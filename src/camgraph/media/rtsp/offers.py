"""What a client's Transport header offers (RFC 2326, 12.39), as a server reads it."""

import re
from typing import NamedTuple

_PAIR = re.compile(r"(\d{1,5})(?:-(\d{1,5}))?", re.ASCII)


class TcpOffer(NamedTuple):
    """Interleaved with the signalling, on these channels."""

    rtp_channel: int
    rtcp_channel: int


class UdpOffer(NamedTuple):
    """To these ports of the client."""

    rtp_port: int
    rtcp_port: int


class MulticastOffer(NamedTuple):
    """To a group of the server's choice."""


Offer = TcpOffer | UdpOffer | MulticastOffer


def first_offer(header: str) -> Offer | None:
    """Return the first transport of a header that can be served, None if none can."""
    return next((found for offer in header.split(",") if (found := _offer(offer)) is not None), None)


def _offer(text: str) -> Offer | None:
    profile, *parts = [part.strip().lower() for part in text.split(";")]
    told = dict(part.partition("=")[::2] for part in parts)
    if told.get("mode", "play").strip('"') != "play":
        return None
    if profile == "rtp/avp/tcp" and "multicast" not in told:
        channels = _pair(told.get("interleaved") or "0-1", most=255)
        return TcpOffer(*channels) if channels else None
    if profile not in ("rtp/avp", "rtp/avp/udp"):
        return None
    if "unicast" not in told and "client_port" not in told:
        # Neither word means multicast, the standard says.
        return MulticastOffer()
    ports = _pair(told.get("client_port", ""), most=65535)
    return UdpOffer(*ports) if ports and all(ports) else None


def _pair(text: str, *, most: int) -> tuple[int, int] | None:
    found = _PAIR.fullmatch(text)
    if found is None:
        return None
    first = int(found[1])
    second = int(found[2]) if found[2] else first + 1
    return (first, second) if max(first, second) <= most else None
