"""The parser gives the same messages however the bytes were cut, and a clear error for what is none."""

from collections.abc import Iterable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from camgraph.media.rtsp.message import (
    MAX_BODY_BYTES,
    MAX_HEAD_BYTES,
    Headers,
    Interleaved,
    Message,
    MessageParser,
    Request,
    Response,
    RtspSyntaxError,
)

token = st.from_regex(r"[A-Za-z][A-Za-z0-9_-]{0,15}", fullmatch=True).filter(
    lambda name: name.lower() != "content-length"
)
value = st.text(st.characters(blacklist_characters="\r\n", blacklist_categories=["Cs"]), max_size=40).map(
    lambda text: text.strip(" \t")
)
headers = st.lists(st.tuples(token, value), max_size=6).map(Headers)
url = st.from_regex(r"rtsp://[a-z0-9.:]{1,20}/[!-~]{0,20}", fullmatch=True)
body = st.binary(max_size=200)


def with_length(message: Request | Response) -> Request | Response:
    """Return the message as the parser gives it: with the header that encoding adds."""
    if not message.body:
        return message
    lines = Headers([*message.headers, ("Content-Length", str(len(message.body)))])
    if isinstance(message, Request):
        return Request(message.method, message.url, lines, message.body)
    return Response(message.status, message.reason, lines, message.body)


requests = st.builds(Request, token, url, headers, body).map(with_length)
responses = st.builds(Response, st.integers(100, 999), value, headers, body).map(with_length)
packets = st.builds(Interleaved, st.integers(0, 255), st.binary(max_size=300))
messages = st.lists(st.one_of(requests, responses, packets), max_size=8)


def parse(pieces: Iterable[bytes]) -> tuple[list[Message], str | None]:
    """Return the messages of a connection, and the error that ended it."""
    parser = MessageParser()
    found: list[Message] = []
    try:
        for piece in pieces:
            parser.feed(piece)
            found.extend(parser)
    except RtspSyntaxError as error:
        return found, str(error)
    return found, None


def drain(data: bytes) -> tuple[list[Message], str | None]:
    """Return the messages one after the other, so that those before an error are seen."""
    parser = MessageParser()
    found: list[Message] = []
    parser.feed(data)
    try:
        while (message := parser.next_message()) is not None:
            found.append(message)
    except RtspSyntaxError as error:
        return found, str(error)
    return found, None


def cut(data: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[start:end] for start, end in pairwise(edges)]


@given(messages, st.lists(st.integers(0, 1 << 20), max_size=12))
def test_messages_survive_any_cut(sent: list[Message], places: list[int]) -> None:
    data = b"".join(message.encode() for message in sent)
    assert parse(cut(data, places)) == (sent, None)


@given(messages)
def test_messages_survive_single_bytes(sent: list[Message]) -> None:
    data = b"".join(message.encode() for message in sent)
    assert parse(data[at : at + 1] for at in range(len(data))) == (sent, None)


@given(messages, st.binary(min_size=1, max_size=200), st.lists(st.integers(0, 1 << 20), max_size=8))
def test_what_follows_is_judged_the_same_however_cut(
    sent: list[Message], tail: bytes, places: list[int]
) -> None:
    data = b"".join(message.encode() for message in sent) + tail
    whole, error = drain(data)
    assert whole[: len(sent)] == sent
    parser, later = MessageParser(), None
    found: list[Message] = []
    for piece in cut(data, places):
        parser.feed(piece)
        try:
            while (message := parser.next_message()) is not None:
                found.append(message)
        except RtspSyntaxError as caught:
            later = str(caught)
    assert found == whole
    assert later == error


@pytest.mark.parametrize(
    ("garbage", "told"),
    [
        (b"\x16\x03\x01\x02\x00", "byte 0x16"),
        (b"\x80\xe0\x00\x01", "byte 0x80"),
        (b"GET / HTTP/1.1\r\n\r\n", "'GET / HTTP/1.1' is no RTSP"),
        (b"hello\r\n", "'hello' is no RTSP"),
        (b"OPTIONS rtsp://h/a b RTSP/1.0\r\n\r\n", "no request line"),
        (b"RTSP/1.0 2OO OK\r\n\r\n", "'2OO' is no status code"),
        (b"OPTIONS * RTSP/1.0\r\nno header\r\n\r\n", "'no header' is no header"),
        (b"OPTIONS * RTSP/1.0\r\nbad name: x\r\n\r\n", "'bad name' is no header"),
        (b"OPTIONS * RTSP/1.0\r\nContent-Length: -1\r\n\r\n", "Content-Length '-1'"),
        (b"OPTIONS * RTSP/1.0\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", "Content-Length"),
        (b"OPTIONS * RTSP/1.0\r\nContent-Length: %d\r\n\r\n" % (MAX_BODY_BYTES + 1), "Content-Length"),
        (b"OPTIONS * RTSP/1.0\r\n" + b"a: b\r\n" * MAX_HEAD_BYTES, "a head of more than"),
        (b"x" * (MAX_HEAD_BYTES + 1), "a head of more than"),
        (b"DESCRIBE rtsp://user:secret@host/1 HTTP/1.0\r\n", "rtsp://***@host/1"),
    ],
)
def test_garbage_is_told_and_ends_the_parser(garbage: bytes, told: str) -> None:
    parser = MessageParser()
    parser.feed(garbage)
    with pytest.raises(RtspSyntaxError) as raised:
        parser.next_message()
    assert told in str(raised.value)
    assert "secret" not in str(raised.value)
    parser.feed(Request("OPTIONS", "*").encode())
    with pytest.raises(RtspSyntaxError):
        parser.next_message()


def test_lenient_where_the_standard_is() -> None:
    data = (
        b"\r\n\nOPTIONS * RTSP/1.0\nCSeq : 1\nVia: a,\n  b\n\n$\x01\x00\x02ab"
        b"RTSP/1.0 404 Stream Not Found\r\nX:\t1 \r\n\r\n"
    )
    assert drain(data) == (
        [
            Request("OPTIONS", "*", Headers([("CSeq", "1"), ("Via", "a, b")])),
            Interleaved(1, b"ab"),
            Response(404, "Stream Not Found", Headers([("X", "1")])),
        ],
        None,
    )


def test_headers_compare_without_case_and_hide_logins() -> None:
    lines = Headers([("Session", "1"), ("session", "2"), ("Authorization", "Digest response=abc")])
    assert lines.get("SESSION") == "1"
    assert lines.all("session") == ["1", "2"]
    assert lines.get("CSeq") is None
    assert "abc" not in repr(Request("PLAY", "*", lines))


@pytest.mark.parametrize(
    "message",
    [
        Request("PLAY", "rtsp://h/1\r\nInjected: yes"),
        Request("PL AY", "*"),
        Request("$", "*"),
        Request("PLAY", ""),
        Request("PLAY", "*", Headers([("A", "b\nc")])),
        Request("PLAY", "*", Headers([("A:", "b")])),
        Response(200, "OK\r\nInjected: yes"),
        Response(20, "OK"),
        Interleaved(256, b""),
        Interleaved(0, bytes(65536)),
    ],
)
def test_what_cannot_be_sent_is_refused(message: Message) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        message.encode()
