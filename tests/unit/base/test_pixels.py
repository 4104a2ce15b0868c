import pytest
from hypothesis import given
from hypothesis import strategies as st

from camgraph.base.pixels import (
    ITEM_FORMATS,
    PIXEL_FORMATS,
    format_code,
    format_of_code,
    picture_bytes,
    planes_of,
)

FORMATS = (*PIXEL_FORMATS, *ITEM_FORMATS)

sides = st.integers(1, 5000)


@given(name=st.sampled_from(FORMATS), width=sides, height=sides)
def test_planes_follow_one_another_without_gaps(name, width: int, height: int) -> None:
    end = 0
    for plane in planes_of(name, width, height):
        assert plane.offset == end
        assert plane.stride == plane.width * plane.channels
        end += plane.stride * plane.height
    assert picture_bytes(name, width, height) == end


def test_codes_round_trip_and_unknown_ones_are_named() -> None:
    assert [format_of_code(format_code(name)) for name in FORMATS] == list(FORMATS)
    with pytest.raises(ValueError, match="77"):
        format_of_code(77)


def test_known_sizes() -> None:
    assert picture_bytes("yuv420p", 1280, 720) == 1280 * 720 * 3 // 2
    assert picture_bytes("nv12", 3, 3) == 9 + 8
    assert picture_bytes("bgra", 640, 360) == 640 * 360 * 4
    assert picture_bytes("nal", 1000, 1) == 1000
