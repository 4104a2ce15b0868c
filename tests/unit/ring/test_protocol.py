import socket
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from camgraph.base.pixels import PIXEL_FORMATS
from camgraph.ring.protocol import (
    MAX_DATAGRAM_BYTES,
    MAX_LEASES,
    VERSION,
    WHOLE,
    FrameNotice,
    Hello,
    Refused,
    Ring,
    RingRequest,
    decode_answer,
    refuse,
)

sides = st.integers(1, 16384)
requests = st.builds(
    lambda name, pixel_format, size, fps, roi: RingRequest(name, pixel_format, size[0], size[1], fps, roi),
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=64),
    st.none() | st.sampled_from(PIXEL_FORMATS),
    st.just((0, 0)) | st.tuples(sides, sides),
    st.floats(0, 1000),
    st.just(WHOLE) | st.tuples(st.integers(0, 16383), st.integers(0, 16383), sides, sides),
)


@given(st.builds(Hello, requests, st.integers(1, MAX_LEASES)))
def test_a_greeting_survives_the_way(hello: Hello) -> None:
    data = hello.encode()
    assert len(data) <= MAX_DATAGRAM_BYTES
    assert Hello.decode(data) == hello


@given(st.binary(max_size=80))
def test_garbage_is_no_greeting(data: bytes) -> None:
    for greeting in (data, Hello(RingRequest("door")).encode()[:4] + data):
        try:
            Hello.decode(greeting)
        except ValueError:
            continue


GOOD = Hello(RingRequest("door", "bgra", 640, 360, 5.0, (8, 6, 320, 180))).encode()


def changed(offset: int, layout: str, value: float) -> bytes:
    data = bytearray(GOOD)
    struct.pack_into(layout, data, offset, value)
    return bytes(data)


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "greeting"),
        (changed(0, "<I", 3), "greeting"),
        (changed(4, "<I", VERSION + 1), f"version {VERSION + 1}"),
        (changed(8, "<I", 0), "1 to 64 frames, not 0"),
        (changed(8, "<I", 65), "1 to 64 frames, not 65"),
        (changed(12, "<I", 99), "code 99"),
        (changed(16, "<I", 0), "0x360"),
        (changed(16, "<I", 16385), "16385x360"),
        (changed(24, "<d", -1.0), "fps"),
        (changed(24, "<d", float("nan")), "fps"),
        (changed(40, "<I", 0), "no region"),
        (changed(44, "<I", 16385), "no region"),
        (changed(48, "<I", 5), "damaged"),
        (GOOD[:-1], "damaged"),
        (GOOD[:20], "damaged"),
        (GOOD[:-1] + b"\xff", "damaged"),
    ],
)
def test_a_greeting_that_cant_be_served_says_why(data: bytes, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        Hello.decode(data)


def test_the_bytes_are_those_that_the_description_promises() -> None:
    assert struct.pack("<6Id6I4s", 1, VERSION, 3, 5, 640, 360, 5.0, 8, 6, 320, 180, 4, 0, b"door") == GOOD
    ring = Ring(7, 2, 3, 256, 123, 4096, 9, bytes(range(16)))
    assert ring.encode() == struct.pack("<6I3Q16s", 2, 7, 2, 3, 256, 0, 123, 4096, 9, bytes(range(16)))
    assert FrameNotice(5, 2, 1 << 40).encode() == struct.pack("<IIIIQ", 3, 5, 2, 0, 1 << 40)
    assert Refused("no").encode() == struct.pack("<II2s", 4, 2, b"no")


@pytest.mark.parametrize(
    "answer",
    [Ring(255, 1, 64, 256, 1 << 60, 1 << 30, 1 << 47, b"u" * 16), FrameNotice(3, 4, 5), Refused("warum? ä")],
)
def test_answers_survive_the_way(answer: Ring | FrameNotice | Refused) -> None:
    assert decode_answer(answer.encode()) == answer


@given(st.binary(max_size=100))
def test_damaged_answers_are_told_apart(data: bytes) -> None:
    try:
        answer = decode_answer(data)
    except ValueError:
        return
    assert isinstance(answer, Refused) or answer.encode()[:4] == data[:4]


def test_a_reason_that_is_too_long_is_cut() -> None:
    data = Refused("x" * 10_000).encode()
    assert len(data) <= MAX_DATAGRAM_BYTES
    assert set(decode_answer(data).reason) == {"x"}  # type: ignore[union-attr]


def test_a_reader_that_left_can_be_refused() -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.close()
    refuse(theirs, "too late")
    assert theirs.fileno() == -1
