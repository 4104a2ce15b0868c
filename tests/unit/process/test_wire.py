import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from camgraph.base.errors import BrokenError
from camgraph.process.wire import MAX_DATAGRAM_BYTES, MAX_INLINE_BYTES, Kind, pack, unpack


@given(st.sampled_from(Kind), st.text(max_size=100), st.binary(max_size=2000), st.integers(0, 2**64 - 1))
def test_what_is_packed_is_unpacked(kind: Kind, name: str, body: bytes, token: int) -> None:
    data, memfd = pack(kind, name, body, token)
    assert memfd == -1
    assert unpack(data, []) == ((kind, name, body, token, ()), 0)


def test_a_large_body_goes_in_a_sealed_memfd() -> None:
    body = os.urandom(MAX_INLINE_BYTES + 1)
    data, memfd = pack(Kind.MESSAGE, "picture", body)
    assert len(data) < 100
    with pytest.raises(PermissionError):
        os.pwrite(memfd, b"x", 0)
    with pytest.raises(PermissionError):
        os.ftruncate(memfd, 0)
    assert unpack(data, [memfd, 1000]) == ((Kind.MESSAGE, "picture", body, 0, (1000,)), len(body))
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(memfd)


def test_the_largest_inline_datagram_fits() -> None:
    data, _ = pack(Kind.CALL, "x" * 1024, bytes(MAX_INLINE_BYTES))
    assert len(data) == MAX_DATAGRAM_BYTES


@given(st.binary(max_size=200))
def test_garbage_is_a_broken_error(data: bytes) -> None:
    with pytest.raises(BrokenError):
        unpack(data, [])


@given(st.integers(0, 200), st.integers(0, 255))
def test_a_damaged_header_is_a_broken_error_or_still_a_message(position: int, value: int) -> None:
    data = bytearray(pack(Kind.MESSAGE, "moved", b"body")[0])
    data[position % len(data)] = value
    try:
        envelope, _ = unpack(bytes(data), [])
    except BrokenError:
        return
    assert envelope.kind in Kind.__members__.values()


def test_an_unsealed_memfd_is_refused_and_closed() -> None:
    data, memfd = pack(Kind.MESSAGE, "picture", bytes(MAX_INLINE_BYTES + 1))
    os.close(memfd)
    forged = os.memfd_create("forged", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.ftruncate(forged, MAX_INLINE_BYTES + 1)
    with pytest.raises(BrokenError, match="no sealed message"):
        unpack(data, [forged])
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(forged)


def test_something_else_than_a_memfd_is_refused_and_closed() -> None:
    data, memfd = pack(Kind.MESSAGE, "picture", bytes(MAX_INLINE_BYTES + 1))
    os.close(memfd)
    reading, writing = os.pipe()
    os.close(writing)
    with pytest.raises(BrokenError, match="no sealed message"):
        unpack(data, [reading])


def test_an_overlong_name_is_refused() -> None:
    with pytest.raises(ValueError, match="too long"):
        pack(Kind.CALL, "x" * 1025, b"")
