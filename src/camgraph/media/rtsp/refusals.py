"""What it means when a camera refuses, is silent or ends: a reason and one sentence for a person."""

from typing import NamedTuple
from urllib.parse import urlsplit

_DEFAULT_PORT = 554


class Failed(NamedTuple):
    """The end of a client: it sends and understands nothing more."""

    reason: str
    """As in `StreamStatus.reason`."""
    sentence: str
    """One sentence fit to show, without credentials."""


class Place(NamedTuple):
    """Where a client is connected to, as sentences name it."""

    at: str
    """``host:port``."""
    path: str


def place_of(url: str) -> Place:
    """Return what to call an address without login; ValueError if it is none."""
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or _DEFAULT_PORT
    return Place(f"[{host}]:{port}" if ":" in host else f"{host}:{port}", parts.path or "/")


def refused(place: Place, method: str, status: int, *, with_login: bool) -> Failed:
    """Return what a final answer other than 2xx to a request means."""
    at, path = place
    match status:
        case 401 | 407 if with_login:
            return Failed(
                "unauthorized",
                f"The camera at {at} refuses the login ({status} Unauthorized): check user and password.",
            )
        case 401 | 407:
            return Failed(
                "unauthorized",
                f'The camera at {at} asks for a login ({status} Unauthorized): give one as login="env:NAME".',
            )
        case 403:
            return Failed(
                "unauthorized",
                f"The camera at {at} forbids {path} (403 Forbidden): give this user the right to it.",
            )
        case 404 | 410:
            return Failed(
                "not_found",
                f"The camera at {at} has no stream {path} ({status} Not Found): is the path right?",
            )
        case 453:
            return Failed(
                "busy",
                f"The camera at {at} serves no more viewers (453 Not Enough Bandwidth): close another one.",
            )
        case 461:
            return transport_refused(place)
        case _ if status >= 500:
            return Failed(
                "server_error",
                f"The camera at {at} reports a fault of its own ({status}): restart it if that goes on.",
            )
    return Failed(
        "request_refused",
        f"The camera at {at} refuses to send {path} ({status} to {method}): does its manual name that path?",
    )


def transport_refused(place: Place) -> Failed:
    """Return what it means when the camera doesn't send the way it was asked to."""
    return Failed(
        "transport_refused",
        f"The camera at {place.at} does not send in the way asked for (461): "
        "choose another transport, or allow this one in the camera.",
    )


def unknown_login(place: Place) -> Failed:
    """Return what a request for a login means that can't be answered."""
    return Failed(
        "unauthorized",
        f"The camera at {place.at} asks for a kind of login that is not known here: "
        "set it to digest or basic authentication.",
    )


def no_answer(place: Place, method: str, *, first: bool) -> Failed:
    """Return what silence after a request means; `first`: there was no answer to any."""
    if first:
        return Failed(
            "no_answer",
            f"{place.at} accepts connections, but gives no RTSP answer: is that a camera, does it hang?",
        )
    return Failed(
        "no_answer",
        f"The camera at {place.at} does not answer {method} within 2.5 s: restart it if that goes on.",
    )


def too_slow(place: Place) -> Failed:
    """Return what it means when each answer came, and all of them took too long."""
    return Failed(
        "no_answer",
        f"The camera at {place.at} did not start its stream within 10 s: restart it if that goes on.",
    )


def not_rtsp(place: Place) -> Failed:
    """Return what bytes mean that are no RTSP, or a connection closed before any came."""
    return Failed(
        "not_rtsp",
        f"{place.at} closes the connection or does not speak RTSP: is that the camera's RTSP port?",
    )


def garbled(place: Place) -> Failed:
    """Return what it means when RTSP turns into something else."""
    return Failed(
        "not_rtsp",
        f"The camera at {place.at} sent something that is no RTSP amid its stream: "
        "restart it if that goes on.",
    )


def camera_closed(place: Place) -> Failed:
    """Return what the end of a session by the camera means."""
    return Failed(
        "camera_closed",
        f"{place.at} closed the connection: was the camera restarted or switched off?",
    )


def broken_sdp(place: Place) -> Failed:
    """Return what a description means that can't be read."""
    return Failed(
        "broken_sdp",
        f"The camera at {place.at} describes {place.path} in a way that can't be understood: "
        "restart it, or choose another path.",
    )


def lost_way(place: Place) -> Failed:
    """Return what a redirection means that leads nowhere."""
    return Failed(
        "request_refused",
        f"The camera at {place.at} sends its viewers of {place.path} to no RTSP address: "
        "set its redirection right, or switch it off.",
    )
