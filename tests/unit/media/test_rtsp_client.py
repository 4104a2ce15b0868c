"""The client machine against answers written down: what it sends, what comes out, what each quirk does."""

import asyncio
import socket
from collections.abc import Iterable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from camgraph.media.rtsp.broadcast import Broadcast
from camgraph.media.rtsp.client import (
    ANSWER_BOUND_NS,
    MAX_EARLY_BYTES,
    MOST_OUTPUT_BYTES,
    Answered,
    Data,
    Described,
    Event,
    Failed,
    Moved,
    Playing,
    RtspClient,
    Wish,
)
from camgraph.media.rtsp.gate import AUTH_KINDS, AuthKind
from camgraph.media.rtsp.locate import base_of, control_urls
from camgraph.media.rtsp.message import MessageParser, Request, Response
from camgraph.media.rtsp.sdp import MediaDescription
from camgraph.media.rtsp.server import RtspServer
from camgraph.media.rtsp.transport import TransportKind

S = 1_000_000_000
URL = "rtsp://cam.local:8554/live"
SDP = (
    "v=0\r\no=- 0 0 IN IP4 0.0.0.0\r\ns=x\r\nt=0 0\r\na=control:*\r\n"
    "m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=control:track0\r\n"
)
PACKETS = b"$\x00\x00\x03abc$\x01\x00\x01d"
DATA = [Data(0, b"abc"), Data(1, b"d")]
DIGEST = 'WWW-Authenticate: Digest realm="cam", nonce="{}"'
REQUEST = "{} * RTSP/1.0\r\nCSeq: 9\r\n\r\n"


class Camera:
    """Plays the camera's part by hand: reads what the client wrote, answers as it is told to."""

    def __init__(self, url: str = URL, login: str | None = None) -> None:
        self.client = RtspClient(url, login, 0)
        self._parser = MessageParser()
        self.request = Request("", "*")

    def read(self) -> Request:
        """Return the next request, and keep it."""
        message = self.read_any()
        assert isinstance(message, Request)
        self.request = message
        return message

    def read_any(self) -> object:
        self._parser.feed(bytes(self.client.output))
        self.client.output.clear()
        return self._parser.next_message()

    def answer(
        self,
        status: int = 200,
        *headers: str,
        body: str = "",
        after: bytes = b"",
        now_ns: int = 0,
        cseq: str | None = "",
    ) -> list[Event]:
        """Answer the request that was read last; `cseq` None: without one."""
        lines = [f"RTSP/1.0 {status} x", *headers]
        if cseq is not None:
            lines.append(f"CSeq: {cseq or self.request.headers.get('CSeq')}")
        if body:
            lines.append(f"Content-Length: {len(body.encode())}")
        return self.client.receive(("\r\n".join([*lines, "", body])).encode() + after, now_ns)

    def options(self, *headers: str) -> None:
        """Go as far as DESCRIBE."""
        self.client.start(0)
        assert self.read().method == "OPTIONS"
        assert self.answer(200, *headers) == []
        assert self.read().method == "DESCRIBE"

    def describe(self, *headers: str, sdp: str = SDP) -> Described:
        """Go as far as the description."""
        self.options("Public: DESCRIBE, SETUP, GET_PARAMETER")
        (event,) = self.answer(200, *headers, body=sdp)
        assert isinstance(event, Described)
        return event

    def set_up(self, transport: TransportKind = "tcp", *headers: str, sdp: str = SDP) -> Request:
        """Go as far as the first SETUP."""
        tracks = self.describe(*headers, sdp=sdp).description.tracks
        self.client.setup([Wish(track, transport, (5000, 5001)) for track in tracks], 0)
        return self.read()

    def play(self) -> Playing:
        """Go on until the first track plays over TCP."""
        assert self.set_up().method == "SETUP"
        answer = self.answer(200, "Session: 12;timeout=20", "Transport: RTP/AVP/TCP;interleaved=0-1")
        assert self.read().method == "PLAY"
        (event,) = self.answer()
        assert isinstance(event, Playing)
        assert list(event.answers) == answer, "it is told before PLAY, too"
        return event


def reasons(events: Iterable[Event]) -> list[str]:
    return [event.reason for event in events if isinstance(event, Failed)]


def test_from_the_first_request_to_the_first_packet() -> None:
    camera = Camera()
    setup = camera.set_up("tcp", "Content-Base: rtsp://cam.local:8554/live/")
    assert (setup.method, setup.url) == ("SETUP", "rtsp://cam.local:8554/live/track0")
    assert setup.headers.get("Transport") == "RTP/AVP/TCP;unicast;interleaved=0-1"
    camera.answer(200, "Session: 12;timeout=20", "Transport: RTP/AVP/TCP;interleaved=0-1;ssrc=0000000A")
    play = camera.read()
    assert (play.method, play.url) == ("PLAY", "rtsp://cam.local:8554/live/")
    assert play.headers.get("Session") == "12"
    playing, *packets = camera.answer(after=PACKETS)
    assert isinstance(playing, Playing)
    assert playing.answers[0].track.encoding == "H264"
    assert playing.answers[0].ssrc == 10
    assert packets == DATA
    assert camera.client.receive(PACKETS, 0) == DATA
    camera.client.teardown(0)
    teardown = camera.read()
    assert (teardown.method, teardown.url) == ("TEARDOWN", play.url)
    assert camera.client.receive(PACKETS, 0) == []
    assert camera.client.due_ns == 0


class TestTransport:
    def test_channels_need_not_be_those_asked_for(self) -> None:
        camera = Camera()
        camera.set_up()
        camera.answer(200, "Session: 1", "Transport: RTP/AVP/TCP; unicast; interleaved = 4-5")
        camera.read()
        (playing,) = camera.answer()
        assert isinstance(playing, Playing)
        assert playing.answers[0].channels == (4, 5)

    def test_without_a_word_what_was_asked_for_holds(self) -> None:
        camera = Camera()
        sdp = SDP + "m=audio 0 RTP/AVP 0\r\na=control:track1\r\n"
        camera.set_up(sdp=sdp)
        assert [type(event) for event in camera.answer()] == [Answered]
        second = camera.read()
        assert second.url.endswith("/live/track1")
        assert second.headers.get("Transport") == "RTP/AVP/TCP;unicast;interleaved=2-3"
        camera.answer()
        assert camera.read().headers.get("Session") is None
        (playing,) = camera.answer()
        assert isinstance(playing, Playing)
        assert [answer.channels for answer in playing.answers] == [(0, 1), (2, 3)]

    def test_udp(self) -> None:
        camera = Camera()
        assert camera.set_up("udp").headers.get("Transport") == "RTP/AVP;unicast;client_port=5000-5001"
        camera.answer(
            200,
            "Session: 1",
            "Transport: RTP/AVP;unicast;client_port=5000-5001;server_port=6000;source=10.0.0.9;ssrc=zz",
        )
        camera.read()
        (playing,) = camera.answer()
        assert isinstance(playing, Playing)
        answer = playing.answers[0]
        assert (answer.transport, answer.server_ports, answer.source) == ("udp", (6000, 6001), "10.0.0.9")
        assert answer.ssrc is None

    @pytest.mark.parametrize(
        "told", ["RTP/AVP;multicast;destination=239.1.2.3;port=7000-7001;ttl=5", "RTP/AVP;multicast"]
    )
    def test_multicast_from_the_answer_or_the_description(self, told: str) -> None:
        camera = Camera()
        sdp = SDP.replace("video 0", "video 7000").replace("a=rtpmap", "c=IN IP4 239.1.2.3/5\r\na=rtpmap")
        assert camera.set_up("multicast", sdp=sdp).headers.get("Transport") == "RTP/AVP;multicast"
        camera.answer(200, "Session: 1", f"Transport: {told}")
        camera.read()
        (playing,) = camera.answer()
        assert isinstance(playing, Playing)
        answer = playing.answers[0]
        assert (answer.destination, answer.server_ports) == ("239.1.2.3", (7000, 7001))

    @pytest.mark.parametrize(
        ("wished", "told", "channels", "ports"),
        [
            ("tcp", "RTP/AVP/TCP;interleaved=254-256", (0, 1), (0, 0)),
            ("tcp", "RTP/AVP/TCP;interleaved=255", (0, 1), (0, 0)),
            ("udp", "RTP/AVP;server_port=65535", (0, 1), (0, 0)),
            ("udp", "RTP/AVP;server_port=99999-6", (0, 1), (0, 0)),
            ("multicast", "RTP/AVP;multicast;port=65535", (0, 1), (0, 0)),
        ],
    )
    def test_numbers_that_can_not_be(
        self, wished: TransportKind, told: str, channels: tuple[int, int], ports: tuple[int, int]
    ) -> None:
        camera = Camera()
        camera.set_up(wished)
        (answer,) = camera.answer(200, f"Transport: {told}")
        assert isinstance(answer, Answered)
        assert (answer.channels, answer.server_ports) == (channels, ports)

    def test_another_way_than_asked_for(self) -> None:
        for wished, answered, reason in [
            ("tcp", "RTP/AVP;unicast;client_port=1-2;server_port=3-4", ["transport_refused"]),
            ("multicast", "RTP/AVP;unicast;server_port=3-4", ["transport_refused"]),
            ("udp", "RTP/AVP/TCP;unicast;interleaved=0-1", []),
        ]:
            camera = Camera()
            camera.set_up(wished)  # type: ignore[arg-type]
            assert reasons(camera.answer(200, f"Transport: {answered}")) == reason

    def test_refused(self) -> None:
        camera = Camera()
        camera.set_up("udp")
        assert reasons(camera.answer(461)) == ["transport_refused"]


class TestAddresses:
    @pytest.mark.parametrize(
        ("place", "sent"),
        [
            ("/1?user={user}&pwd={password}", "/1?user=m%20e&pwd=p@ss%2Fw"),
            ("/user={user}&password={password}&channel=1", "/user=m%20e&password=p@ss%2Fw&channel=1"),
        ],
    )
    def test_a_login_in_the_url_is_sent_and_never_told(self, place: str, sent: str) -> None:
        camera = Camera(f"rtsp://cam{place}", "m e:p@ss/w")
        camera.options()
        assert camera.request.url == f"rtsp://cam{sent}"
        camera.answer(401, DIGEST.format("n"))
        assert camera.read().url == f"rtsp://cam{sent}"
        assert f'uri="rtsp://cam{sent}"' in (camera.request.headers.get("Authorization") or "")
        (described,) = camera.answer(200, f"Content-Base: rtsp://cam{sent}/", body=SDP)
        assert isinstance(described, Described)
        camera.client.setup([Wish(described.description.tracks[0], "tcp")], 0)
        assert camera.read().url == f"rtsp://cam{sent}/track0"
        (failed,) = camera.answer(403)
        assert isinstance(failed, Failed)
        assert f"forbids {place.partition('?')[0]} (" in failed.sentence
        assert "ss/w" not in failed.sentence
        assert "ss%2F" not in failed.sentence

    @pytest.mark.parametrize(
        ("control", "base", "requested", "first"),
        [
            ("track1", "rtsp://c/live/", "rtsp://c/live", "rtsp://c/live/track1"),
            ("track1", "rtsp://c/live", "rtsp://c/live", "rtsp://c/live/track1"),
            ("/track1", "rtsp://c/live/", "rtsp://c/live", "rtsp://c/live/track1"),
            ("*", "rtsp://c/live/", "rtsp://c/live", "rtsp://c/live/"),
            ("", "rtsp://c/live/", "rtsp://c/live", "rtsp://c/live/"),
            ("rtsp://d:1/x?a=b", "rtsp://c/live/", "rtsp://c/live", "rtsp://d:1/x?a=b"),
            ("t=1", "rtsp://c/r?ch=1&s=0/", "rtsp://c/r?ch=1&s=0", "rtsp://c/r?ch=1&s=0/t=1"),
            ("t=1", "rtsp://c/r?ch=1", "rtsp://c/r?ch=1", "rtsp://c/r?ch=1/t=1"),
            ("a b", "rtsp://c/", "rtsp://c", "rtsp://c/a%20b"),
            ("http://c/[", "rtsp://c/", "rtsp://c/", "rtsp://c/["),
            ("http://[c/", "rtsp://c/", "rtsp://c/", "rtsp://c/"),
        ],
    )
    def test_the_likeliest_comes_first(self, control: str, base: str, requested: str, first: str) -> None:
        assert control_urls(control, base, requested)[0] == first

    @pytest.mark.parametrize(
        ("told", "base"),
        [
            (["rtsp://c/x/"], "rtsp://c/x/"),
            (["rtsp://user:sesame@c/x/"], "rtsp://c/x/"),
            ([None, "rtsp://c/y/"], "rtsp://c/y/"),
            (["/live/", "10.0.0.1/live", "", "rtsp://[c/", "rtsp://c:x/"], URL),
        ],
    )
    def test_the_base_is_what_can_be_used(self, told: list[str | None], base: str) -> None:
        assert base_of(told, URL) == base

    def test_a_wrong_base_is_made_up_for(self) -> None:
        camera = Camera()
        setup = camera.set_up("tcp", "Content-Base: rtsp://0.0.0.0/other/")
        assert setup.url == "rtsp://0.0.0.0/other/track0"
        assert camera.answer(404) == []
        assert camera.read().url == f"{URL}/track0"
        camera.answer(200, "Session: 1")
        assert camera.read().url == "rtsp://0.0.0.0/other/"
        assert camera.answer(404) == []
        assert camera.read().url == URL
        (playing,) = camera.answer()
        assert isinstance(playing, Playing)
        camera.client.teardown(0)
        assert camera.read().url == URL

    def test_in_the_end_it_is_not_found(self) -> None:
        camera = Camera("rtsp://cam.local/live?channel=1")
        camera.set_up()
        while (events := camera.answer(404)) == []:
            tried = camera.read().url
        assert reasons(events) == ["not_found"]
        assert tried == "rtsp://cam.local/live/track0?channel=1"

    def test_where_only_tracks_can_be_played(self) -> None:
        camera = Camera()
        track = camera.set_up().url
        camera.answer(200, "Session: 1")
        assert camera.read().url == URL
        camera.answer(459)
        assert camera.read().url == track
        assert isinstance(camera.answer()[0], Playing)

    def test_what_is_no_address(self) -> None:
        for url in ("http://cam/1", "cam", "rtsp://", "rtsp://cam:x/", "rtsp://[cam/"):
            with pytest.raises(ValueError, match="no address"):
                RtspClient(url, None, 0)


class TestLogin:
    def test_asked_for_at_describe(self) -> None:
        camera = Camera(login="user:pass")
        camera.options()
        assert camera.request.headers.get("Authorization") is None
        assert camera.answer(401, DIGEST.format("n1")) == []
        assert 'nonce="n1"' in (camera.read().headers.get("Authorization") or "")
        assert isinstance(camera.answer(200, body=SDP)[0], Described)

    def test_asked_for_at_options_costs_no_further_round(self) -> None:
        camera = Camera("rtsp://user:p%40ss@cam.local/live")
        camera.client.start(0)
        assert "ss" not in camera.read().url
        camera.answer(401, 'WWW-Authenticate: Basic realm="x"')
        assert camera.read().headers.get("Authorization") == "Basic dXNlcjpwQHNz"

    def test_a_new_nonce_for_every_request(self) -> None:
        camera = Camera(login="user:pass")
        camera.options()
        for number, method in enumerate(["DESCRIBE", "SETUP", "PLAY", "GET_PARAMETER"]):
            if method == "GET_PARAMETER":
                camera.client.tick(10 * S)
                camera.read()
            assert camera.request.method == method.replace("GET_PARAMETER", "OPTIONS")
            assert camera.answer(401, DIGEST.format(f"n{number}")) == []
            assert f'nonce="n{number}"' in (camera.read().headers.get("Authorization") or "")
            for event in camera.answer(200, "Session: 1;timeout=20", body=SDP):
                if isinstance(event, Described):
                    camera.client.setup([Wish(event.description.tracks[0], "tcp")], 0)
            if method in ("DESCRIBE", "SETUP"):
                camera.read()
        assert camera.client.receive(PACKETS, 0) == DATA

    def test_stale_nonces_are_replaced_but_not_for_ever(self) -> None:
        camera = Camera(login="user:pass")
        camera.options()
        rounds = 0
        while (events := camera.answer(401, DIGEST.format(rounds) + ", stale=TRUE")) == []:
            camera.read()
            rounds += 1
        assert rounds == 3
        assert reasons(events) == ["unauthorized"]

    @pytest.mark.parametrize(
        ("login", "challenge", "told"),
        [
            ("user:sesame", DIGEST.format(1), "refuses the login"),
            ("user:sesame", 'WWW-Authenticate: Basic realm="x"', "refuses the login"),
            (None, DIGEST.format(1), "asks for a login"),
            ("user:sesame", "WWW-Authenticate: Negotiate", "not known here"),
            ("user:sesame", "X: y", "not known here"),
        ],
    )
    def test_refused(self, login: str | None, challenge: str, told: str) -> None:
        camera = Camera(login=login)
        camera.options()
        sent = 1
        while (events := camera.answer(401, challenge)) == []:
            assert camera.read().method == "DESCRIBE"
            sent += 1
        (failed,) = events
        assert isinstance(failed, Failed)
        assert failed.reason == "unauthorized"
        assert told in failed.sentence
        assert "sesame" not in failed.sentence + repr(camera.client)
        assert sent <= 2, "wrong passwords lock cameras"


class TestRefusals:
    @pytest.mark.parametrize(
        ("status", "reason"),
        [
            (400, "request_refused"),
            (403, "unauthorized"),
            (404, "not_found"),
            (453, "busy"),
            (454, "request_refused"),
            (461, "transport_refused"),
            (500, "server_error"),
            (503, "server_error"),
            (999, "server_error"),
            (304, "request_refused"),
        ],
    )
    def test_of_the_description(self, status: int, reason: str) -> None:
        camera = Camera()
        camera.options()
        assert reasons(camera.answer(status)) == [reason]
        assert camera.answer(200, body=SDP) == []

    def test_options_may_be_refused(self) -> None:
        for status in (401, 404, 405, 501):
            camera = Camera()
            camera.client.start(0)
            camera.read()
            assert camera.answer(status) == []
            assert camera.read().method == "DESCRIBE"

    def test_moved(self) -> None:
        for location, url in [
            ("rtsp://user:pw@other/x", "rtsp://other/x"),
            ("/elsewhere", "rtsp://cam.local:8554/elsewhere"),
            ("rtsp://other/?user=a&pwd=b", "rtsp://other/?user=a&pwd=b"),
        ]:
            camera = Camera()
            camera.options()
            assert camera.answer(302, f"Location: {location}") == [Moved(url)]
            assert camera.client.due_ns == 0

    def test_moved_to_nowhere(self) -> None:
        for header in (
            "X: y",
            "Location: http://other/x",
            f"Location: {URL}",
            "Location: rtsp://[x",
            "Location: /?pwd=a&pwd=b",
        ):
            camera = Camera()
            camera.client.start(0)
            camera.read()
            assert reasons(camera.answer(301, header)) == ["request_refused"]

    def test_no_description(self) -> None:
        for body in ("", "<html>"):
            camera = Camera()
            camera.options()
            assert reasons(camera.answer(200, body=body)) == ["broken_sdp"]

    @pytest.mark.parametrize(
        "garbage", [b"\x16\x03\x01", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"RTSP/1.0 2OO OK\r\n"]
    )
    def test_no_rtsp(self, garbage: bytes) -> None:
        camera = Camera()
        camera.client.start(0)
        assert reasons(camera.client.receive(garbage, 0)) == ["not_rtsp"]
        assert camera.client.receive(PACKETS, 0) == []

    def test_garbage_amid_the_stream_comes_after_what_was_good(self) -> None:
        camera = Camera()
        camera.play()
        *good, failed = camera.client.receive(PACKETS + b"\x00\x01", 0)
        assert good == DATA
        assert reasons([failed]) == ["not_rtsp"]


class TestTime:
    @pytest.mark.parametrize("method", ["OPTIONS", "DESCRIBE", "SETUP", "PLAY"])
    def test_no_answer(self, method: str) -> None:
        camera = Camera()
        camera.client.start(0)
        answers = {"OPTIONS": (), "DESCRIBE": (), "SETUP": ("Session: 1",)}
        while camera.read().method != method:
            for event in camera.answer(200, *answers[camera.request.method], body=SDP, now_ns=S):
                if isinstance(event, Described):
                    camera.client.setup([Wish(event.description.tracks[0], "tcp")], S)
        asked_ns = 0 if method == "OPTIONS" else S
        assert camera.client.due_ns == asked_ns + ANSWER_BOUND_NS
        camera.client.receive(b"RTSP/1.0 2", asked_ns + 2 * S)
        assert camera.client.tick(camera.client.due_ns - 1) == []
        (failed,) = camera.client.tick(camera.client.due_ns)
        assert isinstance(failed, Failed)
        assert failed.reason == "no_answer"
        assert (method in failed.sentence) == (method != "OPTIONS")

    def test_too_slow_in_all(self) -> None:
        camera = Camera()
        sdp = SDP + "m=audio 0 RTP/AVP 0\r\na=control:track1\r\n" * 6
        camera.set_up(sdp=sdp)
        now_ns = 0
        while not (events := camera.client.tick(now_ns)):
            now_ns += 2 * S
            camera.answer(200, "Session: 1", now_ns=now_ns)
            camera.read()
        assert reasons(events) == ["no_answer"]
        assert now_ns == 10 * S

    def test_the_session_is_kept(self) -> None:
        camera = Camera()
        camera.play()
        for now_ns in (10 * S, 20 * S):
            assert camera.client.due_ns == now_ns
            assert camera.client.tick(now_ns) == []
            request = camera.read()
            assert (request.method, request.headers.get("Session")) == ("GET_PARAMETER", "12")
            assert camera.answer(200, now_ns=now_ns + 1) == []
        assert camera.answer(200) == [], "an answer to nothing"

    def test_what_is_refused_as_keep_alive_is_replaced(self) -> None:
        camera = Camera()
        camera.play()
        camera.client.tick(10 * S)
        assert camera.read().method == "GET_PARAMETER"
        assert camera.answer(405) == []
        camera.client.tick(20 * S)
        assert camera.read().method == "OPTIONS"

    def test_keep_alives_need_no_answer(self) -> None:
        camera = Camera()
        camera.play()
        camera.client.tick(10 * S)
        unanswered = camera.read()
        assert camera.client.tick(camera.client.due_ns) == []
        assert camera.client.tick(camera.client.due_ns) == []
        assert camera.read().method == "OPTIONS"
        assert camera.answer(454, cseq=unanswered.headers.get("CSeq")) == [], "too late to mean anything"
        assert camera.client.receive(PACKETS, 0) == DATA

    def test_a_session_that_is_lost(self) -> None:
        camera = Camera()
        camera.play()
        camera.client.tick(10 * S)
        camera.read()
        assert reasons(camera.answer(454)) == ["camera_closed"]

    def test_odd_timeouts(self) -> None:
        for told, interval_s in [
            ("1; timeout = 30", 15),
            ("1;timeout=0", 30),
            ("1;timeout=x", 30),
            ("1", 30),
        ]:
            camera = Camera()
            camera.set_up()
            camera.answer(200, f"Session: {told}")
            assert camera.read().headers.get("Session") == "1"
            camera.answer()
            assert camera.client.due_ns == interval_s * S


class TestQuirks:
    def test_answers_without_a_number_or_with_a_wrong_one(self) -> None:
        for cseq in (None, "77"):
            camera = Camera()
            camera.client.start(0)
            camera.read()
            camera.answer(cseq=cseq)
            assert camera.read().method == "DESCRIBE"
            assert isinstance(camera.answer(200, body=SDP, cseq=cseq)[0], Described)

    def test_bare_carriage_returns_are_not_sent_back(self) -> None:
        camera = Camera()
        camera.set_up()
        camera.answer(200, "Session: a\rb")
        assert camera.read().headers.get("Session") == "a b"
        camera.client.receive(b"OPTIONS * RTSP/1.0\r\nCSeq: 1\r2\r\n\r\n", 0)
        response = camera.read_any()
        assert isinstance(response, Response)
        assert response.headers.get("CSeq") == "1 2"

    def test_preliminary_answers_are_passed_over(self) -> None:
        camera = Camera()
        camera.options()
        assert camera.answer(100) == []
        assert isinstance(camera.answer(200, body=SDP)[0], Described)

    def test_data_before_the_answer_to_play_comes_after_it(self) -> None:
        camera = Camera()
        camera.set_up()
        camera.client.receive(PACKETS, 0)  # Of a former session.
        camera.answer(200, "Session: 1")
        camera.read()
        assert camera.client.receive(PACKETS, 0) == []
        playing, *packets = camera.answer(after=PACKETS)
        assert isinstance(playing, Playing)
        assert packets == DATA + DATA

    def test_not_too_much_of_it(self) -> None:
        camera = Camera()
        camera.set_up()
        camera.answer(200, "Session: 1")
        camera.read()
        packet = b"$\x00\xff\xff" + bytes(65535)
        for _ in range(80):
            camera.client.receive(packet, 0)
        _, *packets = camera.answer()
        assert len(packets) == MAX_EARLY_BYTES // 65535

    def test_nor_too_many_empty_ones(self) -> None:
        camera = Camera()
        camera.set_up()
        camera.answer(200, "Session: 1")
        camera.read()
        for _ in range(20):
            camera.client.receive(b"$\0\0\0" * 1000, 0)
        assert len(camera.answer()) == 1 + 10_000

    def test_requests_of_the_camera_are_answered(self) -> None:
        camera = Camera()
        camera.play()
        for method, status in [
            ("OPTIONS", 200),
            ("GET_PARAMETER", 200),
            ("SET_PARAMETER", 200),
            ("RECORD", 501),
        ]:
            received = PACKETS + REQUEST.format(method).encode() + PACKETS
            assert camera.client.receive(received, 0) == DATA + DATA
            response = camera.read_any()
            assert isinstance(response, Response)
            assert (response.status, response.headers.get("CSeq")) == (status, "9")

    def test_who_asks_on_and_on_and_takes_no_answer_is_left(self) -> None:
        camera = Camera()
        camera.play()
        requests = REQUEST.format("OPTIONS").encode() * 100
        events: list[Event] = []
        while not events and len(camera.client.output) < 2 * MOST_OUTPUT_BYTES:
            events = camera.client.receive(requests, 0)
        assert reasons(events) == ["not_rtsp"]
        camera = Camera()
        camera.play()
        for _ in range(MOST_OUTPUT_BYTES // 1000):
            assert camera.client.receive(requests, 0) == []
            camera.client.output.clear()

    @pytest.mark.parametrize("method", ["TEARDOWN", "ANNOUNCE"])
    def test_the_camera_ends_the_session(self, method: str) -> None:
        camera = Camera()
        camera.play()
        *packets, failed = camera.client.receive(PACKETS + REQUEST.format(method).encode() + PACKETS, 0)
        assert packets == DATA
        assert reasons([failed]) == ["camera_closed"]
        assert isinstance(camera.read_any(), Response)

    def test_the_camera_sends_us_away(self) -> None:
        camera = Camera()
        camera.play()
        assert camera.client.receive(
            b"REDIRECT * RTSP/1.0\r\nCSeq: 1\r\nLocation: rtsp://other/\r\n\r\n", 0
        ) == [Moved("rtsp://other/")]

    def test_closed(self) -> None:
        camera = Camera()
        camera.client.start(0)
        assert reasons(camera.client.closed(0)) == ["not_rtsp"]
        camera = Camera()
        camera.play()
        assert reasons(camera.client.closed(0)) == ["camera_closed"]
        assert camera.client.closed(0) == []
        camera.client.teardown(0)
        assert not camera.client.output

    def test_a_session_is_left_even_after_a_failure(self) -> None:
        camera = Camera()
        camera.set_up()
        camera.answer(200, "Session: 1")
        camera.read()
        assert reasons(camera.client.tick(ANSWER_BOUND_NS)) == ["no_answer"]
        camera.client.teardown(ANSWER_BOUND_NS)
        assert camera.read().headers.get("Session") == "1"


def cut(data: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[start:end] for start, end in pairwise(edges)]


def converse(before: list[bytes], after: list[bytes]) -> tuple[list[Event], bytes]:
    """Return what comes out, and what is sent, where a camera says these things before SETUP and after."""
    client = RtspClient(URL, "user:pass", 0)
    client.start(0)
    events: list[Event] = []
    for piece in before:
        events += client.receive(piece, 0)
    described = next((event for event in events if isinstance(event, Described)), None)
    if described is not None and described.description.tracks and not reasons(events):
        client.setup([Wish(track, "tcp") for track in described.description.tracks[:2]], 0)
    for piece in after:
        events += client.receive(piece, 0)
    client.tick(S)
    client.teardown(S)
    return events, bytes(client.output)


OPENING = (
    b"RTSP/1.0 200 OK\r\nCSeq: 1\r\nPublic: PLAY\r\n\r\n"
    b"RTSP/1.0 200 OK\r\nCSeq: 2\r\nContent-Base: rtsp://cam.local:8554/live/\r\nContent-Length: %d\r\n\r\n%s"
) % (len(SDP), SDP.encode())
SET_UP = (
    b"RTSP/1.0 200 OK\r\nCSeq: 3\r\nSession: 1;timeout=9\r\nTransport: RTP/AVP/TCP;interleaved=0-1\r\n\r\n"
)
PLAYED = b"RTSP/1.0 200 OK\r\nCSeq: 4\r\nRange: npt=0-\r\n\r\n"

places = st.lists(st.integers(0, 1 << 20), max_size=12)
lines = st.one_of(
    st.text(st.characters(blacklist_characters="\n"), max_size=60),
    st.text('a1;=", \r\t/:*[]é\udc80', max_size=20),
    st.just('Digest realm="a\rb", nonce="c\rd"'),
)
rest = st.lists(
    st.one_of(
        st.builds(
            lambda channel, data: b"$" + bytes([channel]) + len(data).to_bytes(2) + data,
            st.integers(0, 255),
            st.binary(max_size=300),
        ),
        st.sampled_from([b"\r\n", REQUEST.format("OPTIONS").encode(), PACKETS, PLAYED]),
        st.binary(max_size=6),
    ),
    max_size=10,
).map(b"".join)


@given(st.booleans(), rest, places, places)
def test_any_cut_gives_the_same(early: bool, rest: bytes, before: list[int], after: list[int]) -> None:
    data = SET_UP + (PACKETS if early else b"") + PLAYED + rest
    whole = converse([OPENING], [data])
    assert any(isinstance(event, Playing) for event in whole[0])
    assert converse(cut(OPENING, before), cut(data, after)) == whole
    assert converse([OPENING], [data[at : at + 1] for at in range(len(data))]) == whole


@given(st.binary(max_size=300), st.integers(0, 2))
def test_any_bytes_are_judged(data: bytes, step: int) -> None:
    before, after = [(data, b""), (OPENING, data), (OPENING, SET_UP + PLAYED + data)][step]
    events, _ = converse([before], [after])
    assert set(reasons(events)) <= {"not_rtsp", "camera_closed"}
    assert reasons(events) == [] or isinstance(events[-1], Failed)


@given(st.data())
def test_damaged_answers_are_judged(data: st.DataObject) -> None:
    whole = bytearray(OPENING + SET_UP + PLAYED + PACKETS)
    for place in data.draw(st.lists(st.integers(0, len(whole) - 1), min_size=1, max_size=6)):
        whole[place] = data.draw(st.integers(0, 255))
    events, _ = converse([bytes(whole[: len(OPENING)])], [bytes(whole[len(OPENING) :])])
    assert len([event for event in events if isinstance(event, Failed | Moved)]) <= 1


HEADERS = ("Content-Base", "Session", "Transport", "WWW-Authenticate", "Location", "Public", "CSeq", "Range")


@given(st.sampled_from([200, 301, 401, 404, 454, 461]), st.sampled_from(HEADERS), lines, lines, lines)
def test_any_header_is_judged(status: int, name: str, value: str, control: str, cseq: str) -> None:
    body = (SDP + f"a=control:{control}\r\nm=audio 0 RTP/AVP 0\r\na=control:{control}\r\n").encode(
        "utf-8", "surrogatepass"
    )
    head = f"{name}: {value}\r\nContent-Length: {len(body)}\r\n\r\n".encode("utf-8", "surrogatepass")
    answer = f"RTSP/1.0 {status} OK\r\n".encode() + head + body
    request = f"OPTIONS * RTSP/1.0\r\nCSeq: {cseq}\r\n\r\n".encode("utf-8", "surrogatepass")
    for steps in ([answer, answer], [OPENING]):
        events, _ = converse(steps, [answer, request, answer, PACKETS])
        assert len([event for event in events if isinstance(event, Failed | Moved)]) <= 1


@pytest.mark.parametrize("auth", AUTH_KINDS)
def test_with_our_own_server(auth: AuthKind) -> None:
    asyncio.run(asyncio.wait_for(receive_from_own_server(auth), 10))


async def receive_from_own_server(auth: AuthKind) -> None:
    media = MediaDescription("video", 96, "H264/90000", "packetization-mode=1")
    begun = asyncio.Event()
    broadcast = Broadcast(media, lambda there: begun.set() if there else begun.clear())
    server = RtspServer({"/1": broadcast}, login="user:pä ss:%/@", auth=auth)
    sock = socket.create_server(("127.0.0.1", 0))
    port = sock.getsockname()[1]
    await server.start(sock)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    client = RtspClient(f"rtsp://127.0.0.1:{port}/1", "user:pä ss:%/@", 0)
    events: list[Event] = []

    async def until(kind: type[Event]) -> Event:
        while True:
            writer.write(bytes(client.output))
            client.output.clear()
            found = client.receive(await reader.read(65536), 0)
            events.extend(found)
            for event in found:
                if isinstance(event, kind):
                    return event

    client.start(0)
    described = await until(Described)
    assert isinstance(described, Described)
    (track,) = described.description.tracks
    assert (track.encoding, track.parameters) == ("H264", {"packetization-mode": "1"})
    client.setup([Wish(track, "tcp")], 0)
    await until(Playing)
    await begun.wait()
    packet = bytes([0x80, 96, 0, 1]) + bytes(100)
    broadcast.send([packet], keyframe=True)
    assert await until(Data) == Data(0, packet)
    client.tick(client.due_ns)
    client.teardown(0)
    writer.write(bytes(client.output))
    while begun.is_set():
        await reader.read(65536)
    assert reasons(events) == []
    writer.close()
    await writer.wait_closed()
    await server.close()
