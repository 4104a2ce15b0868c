"""The words a program declares its sources with."""

import os
from abc import abstractmethod
from typing import TypedDict, Unpack

from camgraph.base.errors import GraphError
from camgraph.base.redact import split_login
from camgraph.graph.nodes import (
    Clock,
    Decode,
    DeviceSource,
    FileSource,
    HttpSource,
    Node,
    RtspSource,
    SdpSource,
    Speed,
    SyntheticSource,
    Transport,
)
from camgraph.graph.source_values import HTTP, RTSP, Address, check_address
from camgraph.graph.stream import Stream, whole_numbers


class SourceOptions(TypedDict, total=False):
    """What every kind of source can be told.

    `LiveCamera.set` changes `keep_warm`, `decode`, `decode_fps` and `show_damaged` while it runs.
    """

    own_process: bool
    """No other stream runs in its media process, so that neither costs the other anything."""
    keep_warm: bool
    """It is decoded while nobody reads, too: the first frame of a new reader comes sooner."""
    decode: Decode
    """``all`` pictures, or ``keyframes`` only, at a tenth of the cost."""
    decode_fps: float
    """At most so many pictures a second leave the decoder; what need not be decoded for that is not."""
    show_damaged: bool
    """Pictures that data is missing of are shown, too, instead of none up to the next key frame."""
    stalled_after_s: float
    """Without packets for so long, the stream counts as stalled."""
    longest_retry_s: float
    """No attempt waits longer for the next one."""
    decode_threads: int
    """So many threads of FFmpeg decode it (1 to 16, 1 if not told), for pictures that are too large for one
    core; each further one keeps every picture back by a frame."""
    cpu: int
    """The thread that decodes it runs on this CPU only, counted from 0; one that there is not is told in the
    log, and any is used."""


class RtpOptions(SourceOptions, total=False):
    """What a source of RTP can be told, too. A change opens it anew."""

    receive_buffer_bytes: int
    """So large a receive buffer is asked for of the socket that packets come by. By UDP it is to hold what
    comes while a media process is busy. Where the system allows less (``net.core.rmem_max``), the log tells.
    0, if not told: 4 MiB, or what the system allows, by UDP; as the system sees fit by TCP."""
    reorder_ms: int
    """By UDP, and multicast: packets wait so long at most for one before them that comes late, 1 to 5000 ms.
    What is lost costs a delay of so much. 0, if not told: 100 ms."""
    clock: Clock
    """What gives frames their ``capture_ns``: ``capture``, if not told, is when they were taken, as well as
    can be known; ``camera`` what the camera's own clock showed then, right or wrong, as its sender reports
    tell, and before the first one their arrival; ``arrival`` the wall clock's time of their arrival."""


class SourceWords:
    """Declares sources. Passwords given in URLs stay in this object and out of the declaration."""

    def __init__(self) -> None:
        self._url_logins: dict[str, str] = {}

    @abstractmethod
    def _add(self, node: Node) -> None: ...

    def rtsp(
        self,
        name: str,
        url: str,
        *,
        login: str | None = None,
        transport: Transport = "tcp",
        sub_url: str | None = None,
        **options: Unpack[RtpOptions],
    ) -> Stream:
        """Declare a camera reached by RTSP, and return its stream.

        `login` refers to ``user:password``: ``env:NAME`` or ``file:/path``. A login written into the URL
        works too; to a camera that wants it in query or path it goes in place of ``{user}`` and
        ``{password}``: ``"rtsp://10.0.0.5/1?user={user}&pwd={password}"``.

        `transport` is ``tcp``, ``udp`` or ``multicast``; where packets don't arrive, or too many are lost,
        the stream changes to TCP by itself. `sub_url` is the camera's smaller stream, received instead while
        nobody asks for more than that has.

        Of the options that all sources have, `own_process` keeps other streams out of its media process;
        `keep_warm` has it decoded while nobody reads, too; `decode` is ``all`` or ``keyframes``; `decode_fps`
        bounds the pictures a second that are decoded; `show_damaged` shows pictures that data is missing of;
        without packets for `stalled_after_s` seconds it counts as stalled; no attempt waits longer than
        `longest_retry_s` for the next; `decode_threads` of FFmpeg decode it, on CPU number `cpu` only.

        Of those that RTP has, `receive_buffer_bytes` is asked for as the socket's buffer; `reorder_ms` is how
        long a late packet is waited for; `clock`, which gives frames their capture time, is ``capture``,
        ``camera`` or ``arrival``. Raises GraphError if the name is taken, the address is none, or an option
        can't be.
        """
        bare, login = self._split(name, url, login, RTSP)
        if sub_url is not None:
            check_address(name, sub_url, RTSP)
            sub_url, sub_login = _split(name, sub_url)
            if sub_login not in (None, split_login(url)[1]):
                raise GraphError(f"stream {name!r}: url and sub_url have one login; give it in the url")
        node = RtspSource(
            id=name, url=bare, login=login, transport=transport, sub_url=sub_url, **_plain(options)
        )
        self._add_with_login(node, url)
        return Stream(name)

    def sdp(self, name: str, path: str | os.PathLike[str], **options: Unpack[RtpOptions]) -> Stream:
        """Declare RTP that somebody sends to this machine, or to a multicast group, and return its stream.

        The file at `path` is the session description of it (RFC 8866), as senders write it. `options` are as
        in `rtsp`. Raises GraphError if the name is taken, or an option can't be.
        """
        path = os.path.abspath(os.fspath(path)) if os.fspath(path) else ""
        self._add(SdpSource(id=name, path=path, **_plain(options)))
        return Stream(name)

    def http(
        self, name: str, url: str, *, login: str | None = None, **options: Unpack[SourceOptions]
    ) -> Stream:
        """Declare a stream over HTTP or HTTPS, and return it: MJPEG of a camera, or what else FFmpeg reads.

        What has times of its own is played at their pace. `login`, with ``{user}`` and ``{password}`` in the
        URL where the camera wants it there, and `options` are as in `rtsp`. Raises GraphError if the name is
        taken, the address is none, or an option can't be.
        """
        bare, login = self._split(name, url, login, HTTP)
        self._add_with_login(HttpSource(id=name, url=bare, login=login, **_plain(options)), url)
        return Stream(name)

    def file(
        self,
        name: str,
        path: str | os.PathLike[str],
        *,
        loop: bool = False,
        speed: Speed = "own",
        **options: Unpack[SourceOptions],
    ) -> Stream:
        """Declare a file of any kind that FFmpeg reads, and return its stream.

        With `loop` it begins again at the end, and its times go on; else the stream is ``stopped`` then, with
        the reason ``ended``. Speed ``own`` plays it at the pace of its timestamps from the start of the site
        on, whoever looks. With speed ``fast`` its pictures come as fast as they can be decoded, beginning
        with the first reader, and wait while there is none; a reader that is slower than that misses some.
        `options` are as in `rtsp`. Raises GraphError if the name is taken, or an option can't be.
        """
        if "://" in os.fspath(path):
            # Not shown: it may hold a login.
            raise GraphError(f"stream {name!r}: its path is an address; declare it with `http` or `rtsp`")
        path = os.path.abspath(os.fspath(path)) if os.fspath(path) else ""
        self._add(FileSource(id=name, path=path, loop=loop, speed=speed, **_plain(options)))
        return Stream(name)

    def device(
        self,
        name: str,
        path: str | os.PathLike[str] = "/dev/video0",
        *,
        size: tuple[int, int] | None = None,
        fps: float | None = None,
        **options: Unpack[SourceOptions],
    ) -> Stream:
        """Declare a camera at this machine (Video4Linux), and return its stream.

        `size`, (width, height) in px, and `fps` are asked of it; what it does not offer, the driver rounds to
        what it does. None: as it stands. `options` are as in `rtsp`, but that it has a media process of its
        own unless you say ``own_process=False``: a driver that gives no pictures can be ended in no other
        way. Raises GraphError if the name is taken, or an option can't be.
        """
        self._add(
            DeviceSource(
                id=name,
                path=os.fspath(path),
                size=whole_numbers(size),
                fps=None if fps is None else float(fps),
                **_plain(options),
            )
        )
        return Stream(name)

    def test_picture(
        self,
        name: str,
        *,
        size: tuple[int, int] = (640, 360),
        fps: float = 25.0,
        **options: Unpack[SourceOptions],
    ) -> Stream:
        """Declare a moving test picture, and return its stream: a camera that needs none.

        `size` is (width, height) in px, `options` are as in `rtsp`. Raises GraphError if the name is taken,
        or an option can't be.
        """
        self._add(SyntheticSource(id=name, size=whole_numbers(size), fps=float(fps), **_plain(options)))
        return Stream(name)

    def _split(self, name: str, url: str, login: str | None, kind: Address) -> tuple[str, str | None]:
        """Return the URL without its login, and the reference to the login."""
        check_address(name, url, kind)
        bare, url_login = _split(name, url)
        if url_login is None:
            return bare, login
        if login is not None:
            raise GraphError(f"stream {name!r}: give the login once, in the url or as login=")
        return bare, f"url:{name}"

    def _add_with_login(self, node: RtspSource | HttpSource, url: str) -> None:
        self._add(node)
        url_login = split_login(url)[1]
        if url_login is not None:
            self._url_logins[f"url:{node.id}"] = url_login


def _split(name: str, url: str) -> tuple[str, str | None]:
    try:
        return split_login(url)
    except ValueError as error:
        raise GraphError(f"stream {name!r}: give the login once, not in two places of the url") from error


def _plain(options: SourceOptions) -> SourceOptions:
    """Return the options with plain numbers: numpy's are numbers, too; a graph is plain data."""
    if options.get("decode_fps") is not None:
        options["decode_fps"] = float(options["decode_fps"])
    return options
