"""What the built-in cameras can do wrong on command, and what then becomes of a client's request: pure."""

import random
import re
from dataclasses import dataclass
from typing import Literal

import msgspec

from camgraph.cli.camera_child import Codec
from camgraph.media.rtsp.message import Headers, Request, Response

GARBAGE_BYTES = 4096
_REASONS = {
    302: "Moved Temporarily",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    453: "Not Enough Bandwidth",
    500: "Internal Server Error",
    503: "Service Unavailable",
}
_SOUND_ONLY = "m=audio 0 RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\na=control:track0\r\n"

Step = Literal["DESCRIBE", "SETUP", "PLAY"]


def _snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


class _Fault(msgspec.Struct, frozen=True, tag_field="kind", tag=_snake, forbid_unknown_fields=True):
    pass


class SilentConnect(_Fault, frozen=True):
    """Accepts connections, and answers nothing that is asked of this camera."""


class SilentDescribe(_Fault, frozen=True):
    """Does not answer DESCRIBE."""


class SilentSetup(_Fault, frozen=True):
    """Does not answer SETUP."""


class SilentPlay(_Fault, frozen=True):
    """Does not answer PLAY."""


class NoRtp(_Fault, frozen=True):
    """Answers PLAY and sends nothing; sessions that play go on."""


class Silent(_Fault, frozen=True):
    """Sends nothing more, and keeps the connections and sessions; healed, these go on."""


class Bye(_Fault, frozen=True):
    """Ends each stream by an RTCP BYE, a new one after its first picture, and keeps the connection."""


class Teardown(_Fault, frozen=True):
    """Ends each session by a TEARDOWN of its own, a new one after PLAY, and keeps the connection."""


class Reset(_Fault, frozen=True):
    """Resets each connection (RST), a new one at its first request."""


class Status(_Fault, frozen=True):
    """Answers `step` with `code`; "" is SETUP for 453, DESCRIBE for others. Sessions that play go on."""

    code: int
    location: str = ""
    step: Step | Literal[""] = ""


class BrokenSdp(_Fault, frozen=True):
    """Describes itself by bytes that are no session description."""


class NoVideo(_Fault, frozen=True):
    """Describes a stream of sound, and no other."""


class FirstKeyframeAfter(_Fault, frozen=True):
    """Sends no keyframe for so long after the command, or after the first viewer came if that is later."""

    seconds: float


class Loss(_Fault, frozen=True):
    """Drops RTP packets, each with the same chance; the same ones for the same seed, over TCP, too."""

    percent: float
    seed: int = 1


class Reorder(_Fault, frozen=True):
    """Sends some RTP packets after `by` later ones."""

    percent: float = 10.0
    by: int = 3
    seed: int = 1


class Duplicate(_Fault, frozen=True):
    """Sends some RTP packets twice."""

    percent: float = 10.0
    seed: int = 1


class Jitter(_Fault, frozen=True):
    """Sends each picture late by up to so much, each delay as likely as another, in order."""

    ms: float
    seed: int = 1


class Jump(_Fault, frozen=True):
    """Has its timestamps jump once, sender reports included; healing is no jump back."""

    seconds: float


class Drift(_Fault, frozen=True):
    """Has a clock that goes too fast (or slow: negative), timestamps and sender reports."""

    ppm: float


class WrongClock(_Fault, frozen=True):
    """Has a wall clock that is wrong by so much, in sender reports."""

    seconds: float


class OtherSize(_Fault, frozen=True):
    """Goes on at once within the session with pictures of another size (px)."""

    width: int
    height: int


class OtherCodec(_Fault, frozen=True):
    """Goes on at once within the session with another codec, from a new source (SSRC).

    `payload_type` 0 keeps the number that the session has, as many cameras do.
    """

    codec: Codec = "h265"
    payload_type: int = 0


class OtherRate(_Fault, frozen=True):
    """Goes on at once within the session with so many pictures a second."""

    fps: int


class Clients(_Fault, frozen=True):
    """Has no more than `limit` sessions: 453 for others. Those that are there go on."""

    limit: int


class Dribble(_Fault, frozen=True):
    """Answers one byte a second. Sessions that play go on."""


class Garbage(_Fault, frozen=True):
    """Sends random bytes: at once to who has a session, and in place of each answer."""

    seed: int = 1


class NoMarker(_Fault, frozen=True):
    """Never sets the marker bit."""


class MarkerAlways(_Fault, frozen=True):
    """Sets the marker bit of each packet."""


ClipFault = OtherSize | OtherCodec | OtherRate
PacketFault = (
    Silent
    | Bye
    | FirstKeyframeAfter
    | Loss
    | Reorder
    | Duplicate
    | Jitter
    | Jump
    | Drift
    | WrongClock
    | NoMarker
    | MarkerAlways
)
SignallingFault = (
    SilentConnect
    | SilentDescribe
    | SilentSetup
    | SilentPlay
    | NoRtp
    | Teardown
    | Reset
    | Status
    | BrokenSdp
    | NoVideo
    | Clients
    | Dribble
    | Garbage
)
Fault = SignallingFault | PacketFault | ClipFault


class Command(msgspec.Struct, frozen=True):
    """Give a camera a fault, in place of the one it has; None: heal it."""

    camera: int
    fault: Fault | None


class Done(msgspec.Struct, frozen=True):
    """The command was carried out, or not: then a sentence says why."""

    error: str = ""


@dataclass(frozen=True, slots=True)
class Treatment:
    """What becomes of a connection: bytes are sent, the session or the connection ends."""

    send: bytes = b""
    a_byte_a_second: bool = False
    end_session: bool = False
    reset: bool = False


MUTE = Treatment()


def treat_request(fault: Fault | None, request: Request, session: str, sessions: int) -> Treatment | None:
    """Return what to do with a request; None: what is usual.

    `session` is the name of the client's session ("": none), `sessions` how many the camera has.
    """
    step = request.method
    match fault:
        case SilentConnect():
            return MUTE
        case SilentDescribe() if step == "DESCRIBE":
            return MUTE
        case SilentSetup() if step == "SETUP":
            return MUTE
        case SilentPlay() if step == "PLAY":
            return MUTE
        case NoRtp() if step == "PLAY":
            return Treatment(_answer(request, 200, ("Session", session)))
        case Teardown() if step == "PLAY":
            ending = _teardown(request.url, session)
            return Treatment(_answer(request, 200, ("Session", session)) + ending, end_session=True)
        case Reset():
            return Treatment(reset=True)
        case Status() if step == (fault.step or ("SETUP" if fault.code == 453 else "DESCRIBE")):
            return Treatment(_answer(request, fault.code, *_status_headers(fault)))
        case Clients() if step == "SETUP" and not session and sessions >= fault.limit:
            return Treatment(_answer(request, 453))
        case Dribble() if not session or step == "PLAY":
            return Treatment(_answer(request, 200), a_byte_a_second=True)
        case Garbage():
            return Treatment(garbage(fault.seed))
    return None


def treat_session(fault: Fault, url: str, session: str) -> Treatment | None:
    """Return what to do at once, at the command, with a connection that has a session; None: nothing."""
    match fault:
        case Teardown():
            return Treatment(_teardown(url, session), end_session=True)
        case Reset():
            return Treatment(reset=True)
        case Garbage():
            return Treatment(garbage(fault.seed))
    return None


def described(fault: Fault | None, description: str) -> str:
    """Return what to send in place of the session description."""
    match fault:
        case BrokenSdp():
            return "this is no <session> description\r\nv\r\n=\r\nm=\r\n"
        case NoVideo():
            return description[: description.index("m=")] + _SOUND_ONLY
    return description


def garbage(seed: int) -> bytes:
    """Return `GARBAGE_BYTES` random bytes, the same for the same seed."""
    return random.Random(seed).randbytes(GARBAGE_BYTES)


def _status_headers(fault: Status) -> list[tuple[str, str]]:
    headers = [("Location", fault.location)] if fault.location else []
    if fault.code == 401:
        headers.append(("WWW-Authenticate", 'Digest realm="camgraph", nonce="0123456789abcdef"'))
    return headers


def _answer(request: Request, status: int, *headers: tuple[str, str]) -> bytes:
    lines = [("CSeq", request.headers.get("CSeq") or "0"), *headers]
    return Response(
        status, _REASONS.get(status, "OK" if status < 300 else "Refused"), Headers(lines)
    ).encode()


def _teardown(url: str, session: str) -> bytes:
    return Request("TEARDOWN", url, Headers([("CSeq", "1"), ("Session", session)])).encode()
