"""The client machine against answers written down: what it sends, what comes out, what each quirk does."""

from camgraph.media.rtsp.client import Data, Described, Event, Playing, RtspClient, Wish
from camgraph.media.rtsp.message import MessageParser, Request

S = 1_000_000_000
URL = "rtsp://cam.local:8554/live"
SDP = (
    "v=0\r\no=- 0 0 IN IP4 0.0.0.0\r\ns=x\r\nt=0 0\r\na=control:*\r\n"
    "m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=control:track0\r\n"
)
PACKETS = b"$\x00\x00\x03abc$\x01\x00\x01d"


class Camera:
    """Plays the camera's part by hand: reads what the client wrote, answers as it is told to."""

    def __init__(self, url: str = URL, login: str | None = None) -> None:
        self.client = RtspClient(url, login, 0)
        self._parser = MessageParser()
        self.request = Request("", "*")

    def read(self) -> Request:
        """Return the next request, and keep it."""
        self._parser.feed(bytes(self.client.output))
        self.client.output.clear()
        message = self._parser.next_message()
        assert isinstance(message, Request)
        self.request = message
        return message

    def answer(
        self, status: int = 200, *headers: str, body: str = "", after: bytes = b"", now_ns: int = 0
    ) -> list[Event]:
        cseq = self.request.headers.get("CSeq")
        lines = [f"RTSP/1.0 {status} x", f"CSeq: {cseq}", *headers]
        if body:
            lines.append(f"Content-Length: {len(body.encode())}")
        return self.client.receive(("\r\n".join([*lines, "", body])).encode() + after, now_ns)

    def describe(self, *headers: str, sdp: str = SDP) -> Described:
        """Go as far as the description."""
        self.client.start(0)
        assert self.read().method == "OPTIONS"
        assert self.answer(200, "Public: DESCRIBE, SETUP, GET_PARAMETER") == []
        assert self.read().method == "DESCRIBE"
        (event,) = self.answer(200, *headers, body=sdp)
        assert isinstance(event, Described)
        return event

    def play(self) -> Playing:
        """Go on from there, with the first track over TCP, until it plays."""
        described = self.describe()
        self.client.setup([Wish(described.description.tracks[0], "tcp")], 0)
        assert self.read().method == "SETUP"
        assert self.answer(200, "Session: 12;timeout=20", "Transport: RTP/AVP/TCP;interleaved=0-1") == []
        assert self.read().method == "PLAY"
        (event,) = self.answer()
        assert isinstance(event, Playing)
        return event


def test_from_the_first_request_to_the_first_packet() -> None:
    camera = Camera()
    described = camera.describe("Content-Base: rtsp://cam.local:8554/live/")
    track = described.description.tracks[0]
    camera.client.setup([Wish(track, "tcp")], 0)
    setup = camera.read()
    assert (setup.method, setup.url) == ("SETUP", "rtsp://cam.local:8554/live/track0")
    assert setup.headers.get("Transport") == "RTP/AVP/TCP;unicast;interleaved=0-1"
    camera.answer(200, "Session: 12;timeout=20", "Transport: RTP/AVP/TCP;interleaved=4-5;ssrc=0000000A")
    play = camera.read()
    assert (play.method, play.url) == ("PLAY", "rtsp://cam.local:8554/live/")
    assert play.headers.get("Session") == "12"
    playing, *packets = camera.answer(after=PACKETS)
    assert isinstance(playing, Playing)
    assert playing.answers[0].track == track
    assert playing.answers[0].channels == (4, 5)
    assert playing.answers[0].ssrc == 10
    assert packets == [Data(0, b"abc"), Data(1, b"d")]
    assert camera.client.receive(PACKETS, 0) == packets
    camera.client.teardown(0)
    assert camera.read().method == "TEARDOWN"
