"""Session descriptions read (RFC 4566, as cameras write it): what DESCRIBE answers, or an SDP file holds."""

import re
from dataclasses import dataclass, field
from typing import NamedTuple

_STATIC = {
    0: ("PCMU", 8000, 1),
    8: ("PCMA", 8000, 1),
    14: ("MPA", 90000, 0),
    26: ("JPEG", 90000, 0),
}
"""Payload types that need no rtpmap (RFC 3551): encoding, clock in Hz, channels."""
_CLOCKS = {"video": 90000, "audio": 8000}
_FIELD = re.compile(r"\s*([A-Za-z])\s*=(.*)", re.DOTALL)
_PAIR = re.compile(r"(\d{1,5})\s*[x,\- ]\s*(\d{1,5})")
_MAX_LINES = 10_000
_MOST_PORT = 0xFFFF - 1
"""RTCP has the next one."""
_MOST_SIDE = 0xFFFF
_MOST_FPS = 240.0
"""More is another number, mostly the clock's, in the wrong place."""


class Track(NamedTuple):
    """One stream of a session."""

    kind: str
    """``video``, ``audio``, ``application`` …"""
    payload_type: int
    encoding: str
    """In capitals: ``H264``, ``MPEG4-GENERIC``; empty: not told."""
    clock_rate: int
    """In Hz."""
    channels: int
    """Of sound; 0: not told."""
    parameters: dict[str, str]
    """The fmtp line; names in small letters."""
    control: str
    """As it was written; empty: none."""
    port: int
    """0: to be agreed on."""
    address: str
    """Where to, without ``/ttl``; empty: not told."""
    width: int
    height: int
    """In px; 0: not told."""
    fps: float
    """Frames per second; 0.0: not told."""


class Description(NamedTuple):
    """What a session consists of."""

    control: str
    """The session's own control address as it was written; empty: none."""
    tracks: tuple[Track, ...]


@dataclass(slots=True)
class _Section:
    """The lines of the session, or of one ``m=``."""

    media: str = ""
    connection: str = ""
    attributes: list[tuple[str, str]] = field(default_factory=list)

    def first(self, name: str) -> str:
        return next((value for key, value in self.attributes if key == name), "")

    def of_type(self, name: str, payload_type: int) -> str:
        """Return the text of an attribute that begins with this payload type."""
        for key, value in self.attributes:
            number, _, rest = value.strip().partition(" ")
            if key == name and number == str(payload_type):
                return rest.strip()
        return ""


def parse_description(text: str) -> Description:
    """Return what a description tells, taking what cameras get wrong as they meant it.

    Media that can't be read are left out. Raises ValueError, in one sentence, if the text is none at all.
    """
    session, media = _Section(), list[_Section]()
    section, known = session, False
    for line in re.split(r"[\r\n\0]+", text)[:_MAX_LINES]:
        if (found := _FIELD.fullmatch(line)) is None:
            continue
        name, value = found[1].lower(), found[2].strip()
        known = known or name == "v" or (name == "m" and bool(value))
        if name == "m":
            section = _Section(media=value)
            media.append(section)
        elif name == "c":
            section.connection = section.connection or value
        elif name == "a":
            key, _, rest = value.partition(":")
            section.attributes.append((key.strip().lower(), rest.strip()))
    if not known:
        raise ValueError("it has neither a version nor media")
    tracks = (_track(section, session) for section in media)
    return Description(session.first("control"), tuple(track for track in tracks if track is not None))


def _track(section: _Section, session: _Section) -> Track | None:
    words = section.media.split()
    if len(words) < 4 or not re.fullmatch("[0-9]{1,3}", words[3]) or int(words[3]) > 127:
        return None
    kind, payload_type = words[0].lower(), int(words[3])
    encoding, clock_rate, channels = _encoding(section, kind, payload_type)
    width, height = _size(section, payload_type)
    return Track(
        kind=kind,
        payload_type=payload_type,
        encoding=encoding,
        clock_rate=clock_rate,
        channels=channels,
        parameters=_parameters(section.of_type("fmtp", payload_type)),
        control=section.first("control"),
        port=_whole(words[1].partition("/")[0], most=_MOST_PORT),
        address=_address(section.connection or session.connection),
        width=width,
        height=height,
        fps=_fps(section.first("framerate")),
    )


def _encoding(section: _Section, kind: str, payload_type: int) -> tuple[str, int, int]:
    told = section.of_type("rtpmap", payload_type)
    encoding, clock_rate, channels = _STATIC.get(payload_type, ("", 0, 0))
    if told:
        name, clock, number = [part.strip() for part in (told + "//").split("/")[:3]]
        encoding = name.upper()
        clock_rate = _whole(clock, most=1_000_000_000)
        channels = _whole(number, most=255) or (kind == "audio")
    return encoding, clock_rate or _CLOCKS.get(kind, 90000), int(channels)


def _parameters(text: str) -> dict[str, str]:
    found = {}
    for part in text.split(";"):
        name, _, value = part.partition("=")
        if name.strip():
            found[name.strip().lower()] = value.strip()
    return found


def _address(connection: str) -> str:
    words = connection.split()
    return words[2].partition("/")[0] if len(words) > 2 else ""


def _size(section: _Section, payload_type: int) -> tuple[int, int]:
    texts = (section.first("x-dimensions"), section.of_type("framesize", payload_type))
    pairs = (_PAIR.match(text) for text in texts)
    sizes = [(int(pair[1]), int(pair[2])) for pair in pairs if pair]
    return next((size for size in sizes if max(size) <= _MOST_SIDE), (0, 0))


def _fps(text: str) -> float:
    found = re.match(r"(\d{1,9}(?:\.\d{1,9})?)(?:/(\d{1,9}))?", text)
    fps = float(found[1]) / (int(found[2] or 1) or 1) if found else 0.0
    return fps if fps <= _MOST_FPS else 0.0


def _whole(text: str, *, most: int) -> int:
    """Return the number at the beginning of a text; 0 if there is none, or a larger one than `most`."""
    found = re.match(r"\d{1,10}", text, re.ASCII)
    return int(found[0]) if found and int(found[0]) <= most else 0
