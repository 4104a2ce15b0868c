"""Where a picture lies in its tile is where OpenGL is told to draw it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from camgraph.qt.gl.drawing import to_clip
from camgraph.qt.video.view import View

sides = st.integers(2, 5000)
views = st.builds(
    View,
    fit=st.sampled_from(["contain", "cover", "stretch"]),
    quarter_turns=st.integers(0, 3),
    mirrored=st.booleans(),
    zoom=st.floats(1, 8),
)


@given(views, st.tuples(sides, sides), st.tuples(sides, sides), st.floats(0, 1), st.floats(0, 1))
def test_each_point_goes_where_the_view_puts_it(view, source, tile, across, down) -> None:
    to_tile = view.place(source, tile).to_tile
    x, y = to_tile.map(across * source[0], down * source[1])
    matrix = np.array(to_clip(to_tile, source, tile)).reshape(3, 3).T
    found = matrix @ (across, down, 1)
    # From -1 at the left and at the bottom to 1.
    assert found[0] == pytest.approx(2 * x / tile[0] - 1, abs=1e-6 * (1 + abs(found[0])))
    assert found[1] == pytest.approx(1 - 2 * y / tile[1], abs=1e-6 * (1 + abs(found[1])))
    assert found[2] == 1
