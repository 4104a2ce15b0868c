"""How a picture lies in a tile, whatever the view."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from camgraph.base.geometry import MAX_SIDE_PX, Area, letterbox
from camgraph.qt.video.view import View, Wanted

parts = st.floats(0, 1)
views = st.builds(
    View,
    fit=st.sampled_from(["contain", "cover", "stretch"]),
    quarter_turns=st.integers(0, 3),
    mirrored=st.booleans(),
    zoom=st.floats(1, 200),
    center=st.tuples(parts, parts),
)
any_sizes = st.tuples(st.integers(1, 4000), st.integers(1, 3000))
cameras = st.tuples(st.integers(160, 4000), st.integers(120, 3000))
tiles = st.tuples(st.integers(100, 3000), st.integers(100, 2000))


@given(any_sizes, any_sizes)
def test_all_of_a_picture_is_letterboxed(source, tile):
    area = letterbox(*source, *tile)
    placed = View().place(source, tile)
    assert placed.wanted == Wanted(None, area[2:])
    assert placed.area == placed.target == area


@pytest.mark.parametrize(
    ("view", "wanted", "target"),
    [
        (View(), Wanted(None, (400, 225)), Area(0, 87, 400, 225)),
        (View(quarter_turns=1), Wanted(None, (400, 225)), Area(87, 0, 225, 400)),
        (View("stretch"), Wanted(None, (400, 400)), Area(0, 0, 400, 400)),
        (View("stretch", 3), Wanted(None, (400, 400)), Area(0, 0, 400, 400)),
        (View("cover"), Wanted(None, (712, 400)), Area(-156, 0, 712, 400)),
        (View("cover", center=(0, 0.5)), Wanted(None, (711, 400)), Area(0, 0, 711, 400)),
        (View("cover", 1, center=(0, 0.5)), Wanted(None, (711, 400)), Area(0, 0, 400, 711)),
        (View(zoom=2), Wanted((320, 40, 640, 640), (400, 400)), Area(0, 0, 400, 400)),
        (View("stretch", zoom=2, center=(0, 0)), Wanted((0, 0, 640, 360), (400, 400)), Area(0, 0, 400, 400)),
        (
            # 426 2/3 px are in sight, from 426 2/3: what is read begins before and reaches beyond the tile.
            View("stretch", zoom=3),
            Wanted((426, 240, 428, 240), (402, 400)),
            Area(-1, 0, 402, 400),
        ),
    ],
)
def test_places_by_example(view, wanted, target):
    placed = view.place((1280, 720), (400, 400))
    assert (placed.wanted, placed.target) == (wanted, target)


def test_a_picture_that_is_cut_a_lot_is_read_in_part():
    wanted = View("cover").place((720, 1280), (640, 360)).wanted
    assert wanted == Wanted((0, 436, 720, 408), (640, 362))


@given(views, any_sizes, any_sizes)
def test_what_is_read_lies_within_the_picture_at_even_edges(view, source, tile):
    roi, size = view.place(source, tile).wanted
    assert all(1 <= side <= MAX_SIDE_PX for side in size)
    if roi is not None:
        for begin, length, side in zip(roi[:2], roi[2:], source, strict=True):
            assert begin >= 0
            assert begin % 2 == 0
            assert length >= 1
            assert begin + length == side or (begin + length < side and length % 2 == 0)


@given(views, cameras, tiles)
def test_what_is_read_lies_pixel_by_pixel_on_its_target(view, source, tile):
    (roi, size), area, to_tile, target = view.place(source, tile)
    x, y, width, height = roi or (0, 0, *source)
    assert to_tile.area(x, y, width, height) == target
    assert size == (target[:1:-1] if view.quarter_turns % 2 else target[2:])
    # It covers what is seen of it, and not much is read in vain.
    scale = max(map(abs, to_tile[:4]))
    for begin, length, first, seen in zip(target[:2], target[2:], area[:2], area[2:], strict=True):
        assert begin <= first
        assert first + seen <= begin + length
        assert length <= seen + 4 * scale + 2 or view.zoom == 1
    if view.zoom == 1:
        assert target.width * target.height <= 2.2 * tile[0] * tile[1] + 20 * scale * max(tile)


@given(views, cameras, tiles, st.floats(0, 0.5))
def test_what_is_beyond_the_edges_is_wanted_where_there_is_more(view, source, tile, beyond):
    near, far = view.place(source, tile), view.place(source, tile, beyond)
    assert far.area == near.area
    scale = max(map(abs, near.to_tile[:4]))
    assert far.to_tile.map(0, 0) == pytest.approx(near.to_tile.map(0, 0), abs=0.02 * scale * max(source))
    for axis in (0, 1):
        first, last = far.target[axis], far.target[axis] + far.target[axis + 2]
        assert first <= near.target[axis]
        assert first >= near.target[axis] - tile[axis] * beyond - 4 * scale - 2
        assert last >= near.target[axis] + near.target[axis + 2]
    assert View().place(source, tile, beyond) == View().place(source, tile)


@given(views, cameras, tiles)
def test_no_edge_is_free_that_the_picture_can_cover(view, source, tile):
    area = view.place(source, tile).area
    lying = source[::-1] if view.quarter_turns % 2 else source
    if view.fit != "contain":
        assert area == (0, 0, *tile)
    elif view.zoom == 1:
        assert area == letterbox(*lying, *tile)
    else:
        assert area.width == tile[0] or area.height == tile[1]


@given(views, cameras, tiles, parts, parts)
def test_every_place_leads_back(view, source, tile, x, y):
    to_tile = view.place(source, tile).to_tile
    point = x * source[0], y * source[1]
    assert to_tile.inverse().map(*to_tile.map(*point)) == pytest.approx(point, abs=1e-6)


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("quarter_turns", range(4))
def test_a_picture_is_mirrored_then_turned_clockwise(quarter_turns, mirrored):
    picture = np.arange(12).reshape(3, 4)
    expected = np.rot90(picture[:, ::-1] if mirrored else picture, -quarter_turns)
    placed = View("stretch", quarter_turns, mirrored).place((4, 3), expected.shape[::-1])
    seen = np.zeros_like(expected)
    for (row, column), value in np.ndenumerate(picture):
        x, y, width, height = placed.to_tile.area(column, row, 1, 1)
        assert (width, height) == (1, 1)
        seen[y, x] = value
    np.testing.assert_array_equal(seen, expected)


@given(views, cameras, tiles)
def test_flipping_exchanges_left_and_right_of_the_screen(view, source, tile):
    before, after = (one.place(source, tile).to_tile for one in (view, view.flipped()))
    middle = tile[0] / 2, tile[1] / 2
    assert after.map(*before.inverse().map(*middle)) == pytest.approx(middle, abs=3)
    assert view.flipped().flipped() == view
    assert view.rotated().rotated().rotated().rotated() == view


@given(views, cameras, tiles, parts, parts, st.floats(1, 8))
def test_zooming_in_leaves_what_is_under_the_cursor(view, source, tile, x, y, factor):
    at = x * tile[0], y * tile[1]
    before = view.place(source, tile)
    zoomed = view.zoomed(factor, at, source, tile)
    after = zoomed.place(source, tile)
    if before.area == (0, 0, *tile):
        point = before.to_tile.inverse().map(*at)
        # Both places are rounded to whole pixels, of a part that is enlarged.
        assert after.to_tile.map(*point) == pytest.approx(at, abs=1 + 2 * factor)
    assert zoomed.zoom <= max(view.zoom * factor, 1)


@given(views, cameras, tiles, parts, parts, st.floats(1, 4))
def test_zooming_out_again_shows_what_was_there(view, source, tile, x, y, factor):
    at = x * tile[0], y * tile[1]
    settled = view.panned(0, 0, source, tile)
    there = settled.zoomed(1, at, source, tile)
    back = there.zoomed(factor, at, source, tile)
    if there.place(source, tile).area == (0, 0, *tile):
        back = back.zoomed(there.zoom / back.zoom, at, source, tile)
        assert back.zoom == pytest.approx(there.zoom)
        assert back.center == pytest.approx(there.center, abs=1e-6)
    assert View().zoomed(factor, at, source, tile).zoomed(0.01, at, source, tile) == View()


@given(views, cameras, tiles, st.integers(-5000, 5000), st.integers(-5000, 5000))
def test_panning_moves_the_picture_up_to_its_edges(view, source, tile, right, down):
    before, panned = view.place(source, tile), view.panned(right, down, source, tile)
    after = panned.place(source, tile)
    assert after.area == before.area
    middle = tile[0] / 2, tile[1] / 2
    there = after.to_tile.map(*before.to_tile.inverse().map(*middle))
    for moved, by in zip(np.subtract(there, middle), (right, down), strict=True):
        assert abs(moved) <= 1.02 * abs(by) + 3
    assert panned.panned(0, 0, source, tile).center == pytest.approx(panned.center)


def test_panning_by_example():
    source, tile = (1280, 720), (640, 360)
    view = View(zoom=4)
    assert view.place(source, tile).wanted.roi == (480, 270, 320, 180)
    assert view.panned(200, -80, source, tile).place(source, tile).wanted.roi == (380, 310, 320, 180)
    assert view.panned(9999, 9999, source, tile).place(source, tile).wanted.roi == (0, 0, 320, 180)
    roi = view.rotated().panned(0, -9999, source, tile).place(source, tile).wanted.roi
    assert roi is not None
    assert sum(roi[::2]) == 1280, "the camera's right is below"
    assert View().panned(50, 50, source, tile) == View()


@pytest.mark.parametrize("zoom", [60, 1e300])
def test_some_of_the_picture_stays_in_sight(zoom):
    roi, size = View(zoom=zoom).place((1280, 720), (640, 360)).wanted
    assert roi == (624, 352, 32, 16)
    assert size == (720, 360)
    assert View().zoomed(zoom, (320, 180), (1280, 720), (640, 360)).zoom == 45
    assert View(zoom=zoom).zoomed(0.5, (320, 180), (1280, 720), (640, 360)).zoom == 22.5


@pytest.mark.parametrize(
    "wrong",
    [
        {"fit": "fill"},
        {"quarter_turns": 4},
        {"quarter_turns": -1},
        {"zoom": 0.5},
        {"zoom": float("nan")},
        {"zoom": float("inf")},
        {"center": (0.5, 1.5)},
    ],
)
def test_what_can_not_be_is_refused_by_name(wrong):
    with pytest.raises(ValueError, match=f"^{next(iter(wrong))} "):
        View(**wrong)
