"""Layouts of walls: tiles lie in the wall, beside each other, where their names and drawings say."""

import math
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from camgraph.base.geometry import Area
from camgraph.qt.wall.layouts import Arrangement, drawn, layout_of, named, normal

NAMES = st.one_of(
    st.just("auto"),
    st.builds("{}x{}".format, st.integers(1, 12), st.integers(1, 12)),
    st.builds(lambda half: f"1+{2 * half + 1}", st.integers(2, 9)),
)


@st.composite
def drawings(draw: st.DrawFn) -> tuple[str, ...]:
    """A raster that is cut in two again and again; some of the pieces are left empty."""
    columns, rows = draw(st.integers(1, 8)), draw(st.integers(1, 8))
    pieces = [(0, 0, columns, rows)]
    for _ in range(draw(st.integers(0, 6))):
        x, y, width, height = pieces.pop(draw(st.integers(0, len(pieces) - 1)))
        if width > 1 and (height == 1 or draw(st.booleans())):
            cut = draw(st.integers(1, width - 1))
            pieces += [(x, y, cut, height), (x + cut, y, width - cut, height)]
        elif height > 1:
            cut = draw(st.integers(1, height - 1))
            pieces += [(x, y, width, cut), (x, y + cut, width, height - cut)]
        else:
            pieces.append((x, y, width, height))
    picture = [["."] * columns for _ in range(rows)]
    for number, (x, y, width, height) in enumerate(pieces):
        letter = "." if number and draw(st.booleans()) else chr(ord("A") + number)
        for row in range(y, y + height):
            picture[row][x : x + width] = [letter] * width
    return tuple(map("".join, picture))


def covered(areas: list[Area]) -> Counter[tuple[int, int]]:
    return Counter(
        (x, y) for left, top, w, h in areas for x in range(left, left + w) for y in range(top, top + h)
    )


@given(NAMES, st.integers(0, 70), st.integers(24, 90), st.integers(24, 90))
def test_named_layouts_fill_the_wall_and_no_tile_overlaps_another(
    name: str, count: int, width: int, height: int
) -> None:
    layout = layout_of(name, count)
    seen = covered(layout.areas(width, height))
    assert len(seen) == width * height
    assert set(seen.values()) == {1}
    if name == "auto":
        assert count <= len(layout.cells) < max(count, 1) + layout.columns
        assert layout.columns == max(1, math.ceil(math.sqrt(count)))


@given(drawings(), st.integers(24, 90), st.integers(24, 90))
def test_a_drawing_has_its_tiles_where_its_letters_are(
    rows: tuple[str, ...], width: int, height: int
) -> None:
    assert normal(list(rows)) == rows
    layout = drawn(rows)
    letters = list(dict.fromkeys("".join(rows).replace(".", "")))
    assert len(letters) == len(layout.cells)
    areas = layout.areas(width, height)
    assert set(covered(areas).values()) == {1}
    for letter, (left, top, w, h) in zip(letters, areas, strict=True):
        for x, y in ((left, top), (left + w - 1, top + h - 1)):
            # A pixel belongs to the column whose edges it lies between.
            column = max(c for c in range(len(rows[0])) if width * c // len(rows[0]) <= x)
            row = max(r for r in range(len(rows)) if height * r // len(rows) <= y)
            assert rows[row][column] == letter


@given(st.one_of(NAMES, drawings()), st.integers(1, 40), st.sampled_from([(1, 0), (-1, 0), (0, 1), (0, -1)]))
def test_a_neighbour_touches_the_row_or_column_that_one_leaves(
    arrangement: Arrangement, count: int, way: tuple[int, int]
) -> None:
    layout = layout_of(arrangement, count)
    for number, here in enumerate(layout.cells):
        found = layout.neighbour(number, *way)
        beside = [
            there
            for there in layout.cells
            if (
                (there.column - here.column) * way[0] > 0
                and there.row < here.row + here.rows
                and here.row < there.row + there.rows
            )
            or (
                (there.row - here.row) * way[1] > 0
                and there.column < here.column + here.columns
                and here.column < there.column + there.columns
            )
        ]
        assert (found is None) == (not beside)
        assert found is None or layout.cells[found] in beside


def test_one_large_tile_and_five_small_ones() -> None:
    assert named("1+5", 0).areas(300, 300) == [
        (0, 0, 200, 200),
        (200, 0, 100, 100),
        (200, 100, 100, 100),
        (0, 200, 100, 100),
        (100, 200, 100, 100),
        (200, 200, 100, 100),
    ]
    assert len(named("1+7", 0).cells) == 8


def test_walking_a_layout_of_one_large_tile() -> None:
    layout = drawn(("AAB", "AAC", "DEF"))
    assert layout.neighbour(0, 1, 0) == 1
    assert layout.neighbour(0, 0, 1) == 3
    assert layout.neighbour(2, -1, 0) == 0
    assert layout.neighbour(4, 0, -1) == 0
    assert layout.neighbour(5, 0, -1) == 2
    assert layout.neighbour(5, 1, 0) is None


@pytest.mark.parametrize(
    ("arrangement", "told"),
    [
        ("", "no layout is named ''"),
        ("5+1", "no layout is named '5\\+1'"),
        ("1+6", "'1\\+5', '1\\+7'"),
        ("0x3", "named '0x3'"),
        ("65x1", "named '65x1'"),
        ([], "1 to 64 columns and rows, not 0 and 0"),
        ([""], "not 0 and 1"),
        (["A" * 65], "not 65 and 1"),
        (["AB", "A"], "one length; these are not: AB, A"),
        (["..", ".."], "one tile at least"),
        (["AB", "BA"], "tile 'A' of the layout is not a rectangle"),
        (["AA", "AB"], "tile 'A'"),
        (3, "rows of letters, not 3"),
        (["AB", 3], "rows of letters"),
    ],
)
def test_what_is_no_layout_is_told(arrangement: object, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        normal(arrangement)  # type: ignore[arg-type]
