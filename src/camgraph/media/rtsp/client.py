"""The client's side of RTSP (RFC 2326) as a machine: bytes in, events out. No socket, thread or clock."""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from camgraph.base.redact import fill_login, split_login
from camgraph.media.rtsp import refusals
from camgraph.media.rtsp.auth import Login
from camgraph.media.rtsp.description import Description, parse_description
from camgraph.media.rtsp.locate import base_of, clean, control_urls, join
from camgraph.media.rtsp.message import Headers, Request, Response
from camgraph.media.rtsp.refusals import Failed
from camgraph.media.rtsp.split import Data, Splitter
from camgraph.media.rtsp.transport import DEFAULT_TIMEOUT_S, Answered, Wish, ask, read_answer, read_session

__all__ = ["Answered", "Data", "Described", "Event", "Failed", "Moved", "Playing", "RtspClient", "Wish"]

_S = 1_000_000_000
ANSWER_BOUND_NS = 5 * _S // 2
"""How long any one answer may take."""
OPENING_BOUND_NS = 10 * _S
"""How long it may take from `start` until `Playing`."""
MAX_EARLY_BYTES = 4 * 1024 * 1024
"""How much is kept of what comes before the answer to PLAY."""
_MOST_EARLY = 10_000
"""Packets of it: empty ones take memory, too."""
MOST_OUTPUT_BYTES = 256 * 1024
"""A camera that asks on and on and takes no answer is left."""
_MOST_GIVEN_UP = 8
"""Keep-alives whose answers may still come, and mean nothing any more."""
_MAX_LOGINS = 3
"""How often one request is sent with a new nonce before the login is taken for wrong."""
_FINAL = frozenset({401, 403, 407, 453, 461})
"""Refusals that no other way of writing the address would change."""
_METHODS = ("OPTIONS", "GET_PARAMETER", "SET_PARAMETER")


class Described(NamedTuple):
    """What the camera can send; `setup` is to follow."""

    description: Description


class Playing(NamedTuple):
    """The camera sends: one answer for each wish, in their order."""

    answers: tuple[Answered, ...]


class Moved(NamedTuple):
    """The camera is to be found elsewhere; this client is at its end. `url` may have a login in its query."""

    url: str


Event = Described | Answered | Playing | Data | Moved | Failed
"""`Answered` comes for each track; the PLAY that follows is then in `output`, and not sent yet: what the
camera sends must find its receiver ready."""


@dataclass(slots=True)
class _Pending:
    """A request that waits for its answer; `urls` are its possible addresses, the first of them tried now."""

    method: str
    urls: list[str]
    headers: list[tuple[str, str]] = field(default_factory=list)
    cseq: int = 0
    due_ns: int = 0
    logins: int = 0


class RtspClient:
    """One session with a camera over one connection.

    Call `start` once connected, `setup` after `Described`, `receive` with what comes, `tick` when `due_ns`
    (CLOCK_MONOTONIC; 0: never) has come, `closed` when the camera has closed. After each of these, send what
    is in `output` and take it out of there. `Failed` and `Moved` are the last events there are.

    `login` is ``user:password``, None if there is none; a login in `url` serves where none is given. `url`
    may have places for it, which are filled in what is sent and nowhere else.
    Raises ValueError if `url` is no rtsp address.
    """

    def __init__(self, url: str, login: str | None, now_ns: int) -> None:
        requested = clean(url)
        if requested is None:
            raise ValueError("this is no address of the form rtsp://host[:port]/path")
        login = login if login is not None else split_login(url)[1]
        shown = split_login(requested)[0]
        self.output = bytearray()
        self._url = self._base = self._aggregate = fill_login(shown, login)
        self._place = refusals.place_of(shown)
        self._login = Login(login) if login is not None else None
        self._splitter = Splitter()
        self._after: Callable[[_Pending, Response, int], list[Event]] = self._after_options
        self._pending: _Pending | None = None
        self._given_up: deque[str] = deque(maxlen=_MOST_GIVEN_UP)
        self._cseq = 0
        self._opening_until_ns = now_ns + OPENING_BOUND_NS
        self._keep_alive_ns = 0
        self._keep_alive = "OPTIONS"
        self._session = ""
        self._timeout_s = DEFAULT_TIMEOUT_S
        self._heard = self._playing = self._ended = False
        self._wishes: list[Wish] = []
        self._answers: list[Answered] = []
        self._description = Description("", ())
        self._early: list[Event] = []
        self._early_bytes = 0

    @property
    def has_session(self) -> bool:
        """Whether the camera keeps something for us, which `teardown` gives back."""
        return bool(self._session)

    @property
    def due_ns(self) -> int:
        """When `tick` is to be called; 0: not at all."""
        if self._ended:
            return 0
        times = (self._pending.due_ns if self._pending else self._keep_alive_ns, self._opening_until_ns)
        return min((time for time in times if time), default=0)

    def start(self, now_ns: int) -> None:
        """Ask what the camera can do, then for its description."""
        self._opening_until_ns = now_ns + OPENING_BOUND_NS
        self._send(_Pending("OPTIONS", [self._url]), now_ns)

    def setup(self, wishes: Sequence[Wish], now_ns: int) -> None:
        """Ask for tracks of the description, at least one, then have the camera play them."""
        self._wishes = list(wishes)
        self._set_up_next(now_ns)

    def receive(self, data: bytes, now_ns: int) -> list[Event]:
        """Take what the camera sent."""
        if self._ended:
            return []
        messages = self._splitter.messages
        items = self._splitter.split(data)
        if self._playing and self._splitter.messages == messages and self._splitter.error is None:
            return items  # type: ignore[return-value]  # Packets alone: nothing else is done for each of them.
        events: list[Event] = []
        for item in items:
            if isinstance(item, Data):
                self._take_data(item, events)
            elif isinstance(item, Response):
                self._heard = True
                events += self._answered(item, now_ns)
            else:
                self._heard = True
                events += self._asked(item)
            if self._ended:
                return events
        if self._splitter.error is not None:
            events.append(self._fail((refusals.garbled if self._heard else refusals.not_rtsp)(self._place)))
        return events

    @property
    def expects_packets(self) -> bool:
        """Whether the next byte begins a packet or a message, while the camera plays.

        Packets up to the next message may then be taken without `receive`.
        """
        return self._playing and not self._ended and self._splitter.empty

    def tick(self, now_ns: int) -> list[Event]:
        """Do what is due: give up, or tell the camera that somebody is still there."""
        if self._ended:
            return []
        pending = self._pending
        if pending is not None and now_ns >= pending.due_ns:
            if not self._playing:
                return [self._fail(refusals.no_answer(self._place, pending.method, first=not self._heard))]
            # Cameras that don't answer keep-alives send all the same; whether they do is for others to watch.
            self._given_up.append(str(pending.cseq))
            self._pending, self._keep_alive = None, "OPTIONS"
        if self._opening_until_ns and now_ns >= self._opening_until_ns:
            return [self._fail(refusals.too_slow(self._place))]
        if self._keep_alive_ns and now_ns >= self._keep_alive_ns and self._pending is None:
            self._keep_alive_ns = now_ns + self._interval_ns
            self._send(_Pending(self._keep_alive, [self._aggregate]), now_ns)
        return []

    def closed(self, now_ns: int) -> list[Event]:
        """Take note that the camera has closed the connection."""
        if self._ended:
            return []
        self._session = ""
        return [self._fail((refusals.camera_closed if self._heard else refusals.not_rtsp)(self._place))]

    def teardown(self, now_ns: int) -> None:
        """Leave: put TEARDOWN into `output` if there is a session. Nothing comes out after that."""
        if self._session:
            self._send(_Pending("TEARDOWN", [self._aggregate]), now_ns)
        self._session, self._ended = "", True

    @property
    def _interval_ns(self) -> int:
        return max(_S, self._timeout_s * _S // 2)

    def _send(self, pending: _Pending, now_ns: int) -> None:
        self._cseq += 1
        pending.cseq, pending.due_ns = self._cseq, now_ns + ANSWER_BOUND_NS
        self._pending = pending
        url = pending.urls[0]
        headers = [("CSeq", str(pending.cseq)), ("User-Agent", "camgraph"), *pending.headers]
        if self._session:
            headers.append(("Session", self._session))
        if self._login and (authorization := self._login.authorization(pending.method, url)) is not None:
            headers.append(("Authorization", authorization))
        lines = Headers((name, _in_one_line(value)) for name, value in headers)
        self.output += Request(pending.method, url, lines).encode()

    def _fail(self, failed: Failed) -> Failed:
        self._ended = True
        return failed

    def _take_data(self, item: Data, events: list[Event]) -> None:
        if self._playing:
            events.append(item)
        elif (
            self._after == self._after_play
            and self._early_bytes + len(item.data) <= MAX_EARLY_BYTES
            and len(self._early) < _MOST_EARLY
        ):
            self._early_bytes += len(item.data)
            self._early.append(item)

    def _asked(self, request: Request) -> list[Event]:
        """Serve a request of the camera's."""
        known = request.method in (*_METHODS, "ANNOUNCE", "TEARDOWN", "REDIRECT")
        cseq = request.headers.get("CSeq")
        headers = [("CSeq", _in_one_line(cseq))] if cseq is not None else []
        if request.method == "OPTIONS":
            headers.append(("Public", ", ".join(_METHODS)))
        response = Response(200, "OK", Headers(headers))
        self.output += (response if known else Response(501, "Not Implemented", Headers(headers))).encode()
        if request.method == "REDIRECT":
            return [self._moved(request.headers)]
        if request.method in ("ANNOUNCE", "TEARDOWN"):
            return [self._fail(refusals.camera_closed(self._place))]
        if len(self.output) > MOST_OUTPUT_BYTES:
            return [self._fail(refusals.garbled(self._place))]
        return []

    def _answered(self, response: Response, now_ns: int) -> list[Event]:
        # One request at a time waits, so its answer is known even from cameras that count wrongly.
        cseq = response.headers.get("CSeq")
        if cseq is not None and cseq in self._given_up:
            self._given_up.remove(cseq)
            return []
        pending = self._pending
        if response.status < 200 or pending is None:
            return []
        self._pending = None
        if response.status == 401 and self._again_with_login(pending, response, now_ns):
            return []
        if response.status < 300 and (session := response.headers.get("Session")):
            self._session, self._timeout_s = read_session(session)
        return self._after(pending, response, now_ns)

    def _again_with_login(self, pending: _Pending, response: Response, now_ns: int) -> bool:
        """Send a request again with the login if that may help; OPTIONS at the beginning need none."""
        if self._login is None or not self._login.take(response.headers.all("WWW-Authenticate")):
            return False
        if self._after == self._after_options or pending.logins >= _MAX_LOGINS:
            return False
        # Once with what was just asked for; more often only as the camera says that the nonce was too old.
        if pending.logins and not self._login.stale:
            return False
        pending.logins += 1
        self._send(pending, now_ns)
        return True

    def _after_options(self, pending: _Pending, response: Response, now_ns: int) -> list[Event]:
        if response.status // 100 == 3:
            return [self._refused(pending, response)]
        if "GET_PARAMETER" in (response.headers.get("Public") or "").upper():
            self._keep_alive = "GET_PARAMETER"
        self._after = self._after_describe
        self._send(_Pending("DESCRIBE", [self._url], [("Accept", "application/sdp")]), now_ns)
        return []

    def _after_describe(self, pending: _Pending, response: Response, now_ns: int) -> list[Event]:
        if response.status // 100 != 2:
            return [self._refused(pending, response)]
        try:
            self._description = parse_description(response.body.decode("utf-8", "replace"))
        except ValueError:
            return [self._fail(refusals.broken_sdp(self._place))]
        told = (response.headers.get("Content-Base"), response.headers.get("Content-Location"))
        self._base = base_of(told, self._url)
        return [Described(self._description)]

    def _set_up_next(self, now_ns: int) -> None:
        index = len(self._answers)
        urls = control_urls(self._wishes[index].track.control, self._base, self._url)
        self._after = self._after_setup
        self._send(_Pending("SETUP", urls, [("Transport", ask(self._wishes[index], index))]), now_ns)

    def _after_setup(self, pending: _Pending, response: Response, now_ns: int) -> list[Event]:
        if response.status // 100 != 2:
            return self._elsewhere_or_refused(pending, response, now_ns)
        index = len(self._answers)
        answer = read_answer(self._wishes[index], index, response.headers.get("Transport"))
        if answer is None:
            return [self._fail(refusals.transport_refused(self._place))]
        self._answers.append(answer)
        if len(self._answers) < len(self._wishes):
            self._set_up_next(now_ns)
            return [answer]
        urls = control_urls(self._description.control, self._base, self._url)
        if len(self._answers) == 1 and pending.urls[0] not in urls:
            urls.append(pending.urls[0])
        self._aggregate, self._after = urls[0], self._after_play
        self._send(_Pending("PLAY", urls, [("Range", "npt=0.000-")]), now_ns)
        return [answer]

    def _after_play(self, pending: _Pending, response: Response, now_ns: int) -> list[Event]:
        if response.status // 100 != 2:
            return self._elsewhere_or_refused(pending, response, now_ns)
        self._aggregate, self._after, self._playing = pending.urls[0], self._after_keep_alive, True
        self._opening_until_ns, self._keep_alive_ns = 0, now_ns + self._interval_ns
        early, self._early = self._early, []
        return [Playing(tuple(self._answers)), *early]

    def _after_keep_alive(self, pending: _Pending, response: Response, now_ns: int) -> list[Event]:
        if response.status == 454:
            self._session = ""
            return [self._fail(refusals.camera_closed(self._place))]
        if response.status >= 400:
            self._keep_alive = "OPTIONS"
        return []

    def _elsewhere_or_refused(self, pending: _Pending, response: Response, now_ns: int) -> list[Event]:
        if response.status // 100 == 4 and response.status not in _FINAL and len(pending.urls) > 1:
            del pending.urls[0]
            self._send(pending, now_ns)
            return []
        return [self._refused(pending, response)]

    def _refused(self, pending: _Pending, response: Response) -> Failed | Moved:
        if response.status // 100 == 3:
            return self._moved(response.headers)
        if response.status == 401 and self._login is not None and not self._login.ready:
            return self._fail(refusals.unknown_login(self._place))
        return self._fail(
            refusals.refused(self._place, pending.method, response.status, with_login=self._login is not None)
        )

    def _moved(self, headers: Headers) -> Failed | Moved:
        url = join(self._url, headers.get("Location") or "")
        if url is None or url == self._url:
            return self._fail(refusals.lost_way(self._place))
        try:
            split_login(url)
        except ValueError:
            return self._fail(refusals.lost_way(self._place))
        self._ended = True
        return Moved(url)


def _in_one_line(value: str) -> str:
    """Return a value as a header can hold it; a camera's may have had a bare carriage return in it."""
    return value.replace("\r", " ").replace("\n", " ")
