"""The payload is found behind whatever header, and never outside of the packet."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from camgraph.media.rtp.packet import payload_bounds


@given(
    sources=st.integers(0, 15),
    extension=st.none() | st.integers(0, 20),
    padding=st.integers(0, 40),
    payload=st.binary(max_size=50),
    second=st.integers(0, 255),
    tail=st.binary(min_size=10, max_size=10),
)
def test_the_payload_is_what_the_header_and_the_padding_leave(
    sources, extension, padding, payload, second, tail
):
    first = 0x80 | sources | (0x10 if extension is not None else 0) | (0x20 if padding else 0)
    data = bytes([first, second]) + tail + bytes(4 * sources)
    if extension is not None:
        data += b"\xab\xac" + extension.to_bytes(2, "big") + bytes(4 * extension)
    data += payload + (bytes(padding - 1) + bytes([padding]) if padding else b"")
    for packet in (data, memoryview(data)):
        bounds = payload_bounds(packet)
        assert bounds is not None
        assert bytes(packet[slice(*bounds)]) == payload


@given(data=st.binary(max_size=80))
def test_any_bytes_have_a_payload_inside_them_or_none(data):
    bounds = payload_bounds(data)
    if bounds is not None:
        assert 12 <= bounds[0] <= bounds[1] <= len(data)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x80" * 11,
        b"\x40" + bytes(11),  # Version 1.
        b"\x8f" + bytes(20),  # Ends within its list of sources.
        b"\x90" + bytes(13),  # Ends within the head of its extension.
        b"\x90" + bytes(13) + b"\x00\x09" + bytes(8),  # Ends within its extension.
        b"\xa0" + bytes(12) + b"\xff",  # More padding than packet.
    ],
)
def test_what_is_cut_off_or_of_another_version_is_none(data):
    assert payload_bounds(data) is None
