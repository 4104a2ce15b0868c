"""Where the tiles of a `VideoWall` lie."""

import pytest
from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest

from camgraph.qt import VideoWall

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)


def test_four_cameras_are_two_by_two_and_fill_the_wall(gui, make_site):
    site = make_site(a=(1280, 720), b=(1280, 720), c=(1280, 720), d=(1280, 720))
    wall = VideoWall(site.streams)
    wall.resize(1280, 720)
    wall.show()
    for name, stream in site.streams.items():
        gui.play(stream, wall[name])
    assert [site.readers(name) for name in site.streams] == [{(640, 360): 1}] * 4
    pixels = gui.pixels(wall)
    assert pixels.shape == (720, 1280, 3)
    for top in (0, 360):
        for left in (0, 640):
            tile = pixels[top : top + 360, left : left + 640]
            assert (tile[:180, :320] == RED).all()
            assert (tile[:180, 320:] == GREEN).all()
            assert (tile[180:, :320] == BLUE).all()
            assert (tile[180:, 320:] == WHITE).all()


@pytest.mark.parametrize(
    ("count", "columns", "rows"),
    [(1, 1, 1), (2, 2, 1), (3, 2, 2), (5, 3, 2), (9, 3, 3), (10, 4, 3), (16, 4, 4)],
)
def test_the_grid_is_near_to_square_in_order_and_without_gaps(gui, make_site, count, columns, rows):
    site = make_site(**{f"s{number}": (640, 360) for number in range(count)})
    wall = VideoWall(site.streams.values())
    wall.resize(1201, 677)
    wall.show()
    gui.turn()
    tiles = [wall[name].geometry() for name in site.streams]
    assert [tile.topLeft() for tile in tiles] == sorted(
        (tile.topLeft() for tile in tiles), key=lambda corner: (corner.y(), corner.x())
    )
    assert len({tile.left() for tile in tiles}) == columns
    assert len({tile.top() for tile in tiles}) == rows
    assert max(tile.width() for tile in tiles) - min(tile.width() for tile in tiles) <= 1
    assert max(tile.height() for tile in tiles) - min(tile.height() for tile in tiles) <= 1
    area = sum(tile.width() * tile.height() for tile in tiles)
    assert max(tile.right() for tile in tiles) == 1200
    assert max(tile.bottom() for tile in tiles) == 676
    if count == columns * rows:
        assert area == 1201 * 677


def test_an_empty_wall_is_black(gui):
    wall = VideoWall([])
    wall.resize(100, 100)
    wall.show()
    gui.turn()
    assert not gui.pixels(wall).any()


def test_tiles_are_found_by_name_and_in_order(gui, make_site):
    site = make_site(a=(640, 360), b=(640, 360))
    wall = VideoWall(site.streams)
    assert [tile.stream_name for tile in wall] == ["a", "b"]
    assert wall["b"].stream is site.streams["b"]
    with pytest.raises(KeyError):
        wall["c"]


def test_a_name_twice_is_refused(gui, make_site):
    first, second = make_site(a=(640, 360)), make_site(a=(640, 360))
    with pytest.raises(ValueError, match="two streams are named 'a'"):
        VideoWall([first.streams["a"], second.streams["a"]])


def test_a_click_on_a_tile_is_the_walls(gui, make_site):
    site = make_site(a=(640, 360), b=(640, 360))
    wall = VideoWall(site.streams)
    wall.resize(640, 180)
    wall.show()
    gui.turn()
    clicks: list[object] = []
    wall.clicked.connect(clicks.append)
    for x in (500, 100):
        tile = wall.childAt(QPoint(x, 90))
        assert tile is not None
        QTest.mouseClick(tile, Qt.MouseButton.LeftButton)
    assert clicks == ["b", "a"]
