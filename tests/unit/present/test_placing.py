"""Where pictures lie in windows."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from camgraph.base.geometry import Area
from camgraph.present.placing import Place, around, centred, lines_of, wanted

sides = st.integers(1, 3000)
sizes = st.tuples(sides, sides)


@pytest.mark.parametrize(
    ("fit", "window", "roi", "size"),
    [
        ("contain", (640, 360), None, (640, 360)),
        ("contain", (640, 480), None, (640, 360)),
        ("stretch", (640, 480), None, (640, 480)),
        ("cover", (640, 360), None, (640, 360)),
        ("cover", (480, 480), (280, 0, 720, 720), (480, 480)),
        ("cover", (640, 180), (0, 180, 1280, 360), (640, 180)),
    ],
)
def test_what_is_wanted_of_720p(fit, window, roi, size) -> None:
    assert wanted(fit, (1280, 720), window) == (roi, size)


@given(sizes, sizes)
def test_picture_and_bars_make_the_window(picture, window) -> None:
    place = centred(picture, window)
    areas = [Area(place.x, place.y, place.width, place.height), *around(place, window)]
    assert sum(area.width * area.height for area in areas) == window[0] * window[1]
    assert all(0 <= area.x <= area.x + area.width <= window[0] for area in areas)
    assert all(0 <= area.y <= area.y + area.height <= window[1] for area in areas)
    assert 0 <= place.from_x <= place.from_x + place.width <= picture[0]
    assert 0 <= place.from_y <= place.from_y + place.height <= picture[1]


@given(sizes, sizes)
def test_a_part_that_covers_lies_in_the_picture(source, window) -> None:
    roi, size = wanted("cover", source, window)
    assert size == window
    if roi is not None:
        x, y, width, height = roi
        assert 0 <= x < x + width <= source[0]
        assert 0 <= y < y + height <= source[1]


def test_boxes_are_relative_to_the_lower_left_corner_of_the_whole_picture() -> None:
    place, picture, source = Place(0, 0, 10, 20, 100, 50), (100, 50), (1000, 500)
    (line,) = lines_of([(0.1, 0.5, 0.8, 0.2)], place, picture, source, None)
    assert line == Area(20, 30, 40, 30)
    # The middle half of the picture is shown: what was 0.5 to 0.75 of it is 0.5 to 1 of that.
    (line,) = lines_of([(0.5, 0.75, 0.75, 0.25)], place, picture, source, Area(250, 125, 500, 250))
    assert line == Area(60, 20, 49, 49)
    assert lines_of([(0.0, 0.2, 0.9, 0.8)], place, picture, source, Area(250, 125, 500, 250)) == []
