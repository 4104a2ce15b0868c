"""Whether the values that sources are declared with can be followed."""

import re
from typing import NamedTuple, get_args
from urllib.parse import urlsplit

from camgraph.base.errors import GraphError
from camgraph.base.geometry import MAX_SIDE_PX
from camgraph.base.redact import has_places, redact, split_login
from camgraph.graph.nodes import (
    Clock,
    Decode,
    DeviceSource,
    FileSource,
    HttpSource,
    RtspSource,
    SdpSource,
    Source,
    Speed,
    SyntheticSource,
    Transport,
)
from camgraph.graph.values import MAX_FPS, is_size

SHORTEST_TIME_S, LONGEST_TIME_S = 0.1, 3600.0
"""Bounds of the times that a source can be declared with."""
MOST_BUFFER_BYTES = 1 << 30
MOST_REORDER_MS = 5000
MOST_THREADS = 16
MAX_CPU = 4095
_REFERENCE = re.compile(r"env:[A-Za-z_][A-Za-z0-9_]*|file:.+")


class Address(NamedTuple):
    """A kind of addresses."""

    name: str
    schemes: tuple[str, ...]


RTSP = Address("RTSP", ("rtsp",))
HTTP = Address("HTTP", ("http", "https"))


def check_source(node: Source) -> None:
    """Raise GraphError if the source can't be what is declared; the text names it and the remedy."""
    for option, value, known in (
        ("decode", node.decode, get_args(Decode)),
        ("transport", getattr(node, "transport", "tcp"), get_args(Transport)),
        ("speed", getattr(node, "speed", "own"), get_args(Speed)),
        ("clock", getattr(node, "clock", "capture"), get_args(Clock)),
    ):
        if value not in known:
            raise GraphError(
                f"stream {node.id!r}: {option} {value!r} is unknown; choose one of {', '.join(known)}"
            )
    if isinstance(node, FileSource | DeviceSource | SdpSource) and not _is_path(node.path):
        raise GraphError(f"stream {node.id!r}: path {node.path!r} names no file")
    _check_fps(node.id, "decode_fps", node.decode_fps)
    _check_times(node)
    for option, least, most in (
        ("receive_buffer_bytes", 0, MOST_BUFFER_BYTES),
        ("reorder_ms", 0, MOST_REORDER_MS),
        ("decode_threads", 1, MOST_THREADS),
        ("cpu", -1, MAX_CPU),
    ):
        if not least <= (number := getattr(node, option, least)) <= most:
            raise GraphError(f"stream {node.id!r}: {option} {number!r} must be {least} to {most}")
    match node:
        case RtspSource() | HttpSource():
            _check_login(node)
        case DeviceSource(size=size, fps=fps) | SyntheticSource(size=size, fps=fps):
            if size is not None and not is_size(size):
                raise GraphError(
                    f"stream {node.id!r}: size {size!r} must be (width, height), each 1 to {MAX_SIDE_PX} px"
                )
            _check_fps(node.id, "fps", fps)


def check_address(stream: str, url: str, kind: Address) -> None:
    """Raise GraphError if the URL is no such address; the text names the stream, and shows no login."""
    try:
        parts = urlsplit(url)
        # An "@" after the host: what is taken for the port may be the beginning of a password with a slash.
        where_expected = "@" in parts.netloc or "@" not in url
        usable = parts.scheme in kind.schemes and bool(parts.hostname) and parts.port != 0 and where_expected
    except ValueError:
        usable = False
    if not usable:
        # What is not understood may hide a login anywhere, so it is shown only when it has no "@".
        shown = "its url" if "@" in url else repr(redact(url))
        raise GraphError(
            f"stream {stream!r}: {shown} is not an {kind.name} address; write "
            f"{kind.schemes[0]}://host[:port]/path, "
            "special characters of a login percent-encoded"
        )


def _check_fps(stream: str, option: str, fps: float | None) -> None:
    if fps is not None and not 0 < fps <= MAX_FPS:
        raise GraphError(f"stream {stream!r}: {option} {fps!r} must be above 0 and at most {MAX_FPS}")


def _check_times(node: Source) -> None:
    for option, value in (
        ("stalled_after_s", node.stalled_after_s),
        ("longest_retry_s", node.longest_retry_s),
    ):
        if value is not None and not SHORTEST_TIME_S <= value <= LONGEST_TIME_S:
            raise GraphError(
                f"stream {node.id!r}: {option} {value!r} must be {SHORTEST_TIME_S:g} to {LONGEST_TIME_S:g} s"
            )


def _check_login(node: RtspSource | HttpSource) -> None:
    urls = [node.url]
    if isinstance(node, RtspSource) and node.sub_url is not None:
        urls.append(node.sub_url)
    for url in urls:
        check_address(node.id, url, HTTP if isinstance(node, HttpSource) else RTSP)
        if _has_login(url):
            raise GraphError(
                f"stream {node.id!r}: the url of a stored graph carries a password; tell where that is: "
                'login "env:NAME" or "file:/path", with {user} and {password} where a query or path had it'
            )
        if has_places(url) and node.login is None:
            raise GraphError(f'stream {node.id!r}: {url} needs a login: give it as login "env:NAME"')
    # Nor is a login shown, or stored, that somebody took for the name: "env:user:password".
    if node.login not in (None, f"url:{node.id}") and not _REFERENCE.fullmatch(node.login):
        raise GraphError(f'stream {node.id!r}: login must be a reference: "env:NAME" or "file:/path"')


def _has_login(url: str) -> bool:
    try:
        return split_login(url)[1] is not None
    except ValueError:
        return True


def _is_path(value: object) -> bool:
    return isinstance(value, str) and bool(value) and "\0" not in value
