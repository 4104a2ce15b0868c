"""From FFmpeg's errors at opening to a reason and one sentence for a person."""

import errno
from typing import NamedTuple
from urllib.parse import urlsplit

import av.error

from camgraph.base.errors import SourceError, SourceRefused, SourceTimeout, SourceUnavailable

_NO_WAY = (errno.EHOSTUNREACH, errno.ENETUNREACH, errno.ENETDOWN, errno.EHOSTDOWN)


class Address(NamedTuple):
    """Where a stream is, without login."""

    url: str
    host: str
    port: int

    @property
    def at(self) -> str:
        """``host:port``."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def path(self) -> str:
        """The path as the camera sees it."""
        return urlsplit(self.url).path or "/"


def explain_open(
    error: Exception, address: Address, *, elapsed_s: float, bound_s: float, with_login: bool
) -> SourceError:
    """Return what a failed opening means.

    FFmpeg gives the same error for a camera that says nothing until the bound and for one that closes at
    once; the time tells them apart. The result does not refer to `error`, whose text holds the login.
    """
    at = address.at
    match error:
        case ConnectionRefusedError():
            return SourceUnavailable(
                f"Nothing listens at {at} (connection refused): is the camera on, is the port right?",
                reason="refused",
            )
        case av.error.HTTPUnauthorizedError() if with_login:
            return SourceRefused(
                f"The camera at {at} refuses the login (401 Unauthorized): check user and password.",
                reason="unauthorized",
            )
        case av.error.HTTPUnauthorizedError():
            return SourceRefused(
                f'The camera at {at} asks for a login (401 Unauthorized): give one as login="env:NAME".',
                reason="unauthorized",
            )
        case av.error.HTTPForbiddenError():
            return SourceRefused(
                f"The camera at {at} forbids {address.path} (403 Forbidden): give this user the right to it.",
                reason="unauthorized",
            )
        case av.error.HTTPNotFoundError():
            return SourceRefused(
                f"The camera at {at} has no stream {address.path} (404 Not Found): is the path right?",
                reason="not_found",
            )
        case av.error.HTTPServerError():
            return SourceUnavailable(
                f"The camera at {at} reports a fault of its own (5xx): restart it if that goes on.",
                reason="server_error",
            )
        case av.error.HTTPClientError():
            return SourceRefused(
                f"The camera at {at} refuses to send {address.path} (4xx): does its manual name that path?",
                reason="request_refused",
            )
        case OSError(errno=errno.EPROTONOSUPPORT):
            return SourceRefused(
                f"The camera at {at} does not send over TCP (461): allow that in the camera.",
                reason="transport_refused",
            )
        case OSError(errno=number) if number in _NO_WAY:
            return SourceUnavailable(
                f"No network leads to {address.host} ({error.strerror}): is the address right?",
                reason="unreachable",
            )
        case TimeoutError():
            return SourceTimeout(
                f"{at} does not answer: is the camera on, is the address right, is a firewall in between?",
                reason="no_answer",
            )
        case _ if elapsed_s >= 0.9 * bound_s:
            return SourceTimeout(
                f"{at} accepts connections, but gives no RTSP answer: is that a camera, does it hang?",
                reason="no_answer",
            )
    return SourceUnavailable(
        f"{at} closes the connection or does not speak RTSP: is that the camera's RTSP port?",
        reason="not_rtsp",
    )
