import pytest

from camgraph.base.geometry import Area, letterbox


@pytest.mark.parametrize(
    ("source", "tile", "area"),
    [
        ((1280, 720), (640, 360), Area(0, 0, 640, 360)),
        ((1920, 1080), (641, 361), Area(0, 0, 641, 361)),
        ((1280, 720), (640, 400), Area(0, 20, 640, 360)),
        ((640, 480), (640, 360), Area(80, 0, 480, 360)),
        ((640, 480), (641, 360), Area(80, 0, 480, 360)),
        ((10, 1000), (50, 20), Area(24, 0, 1, 20)),
        ((1280, 720), (1, 1), Area(0, 0, 1, 1)),
        ((2, 1), (40000, 20000), Area(11808, 5904, 16384, 8192)),
    ],
)
def test_letterbox(source, tile, area):
    assert letterbox(*source, *tile) == area


def test_a_fitted_picture_fits_itself_exactly():
    for width in range(100, 900, 7):
        for height in range(60, 700, 11):
            area = letterbox(1280, 720, width, height)
            assert letterbox(area.width, area.height, width, height) == area
            assert area.width == width or area.height == height


@pytest.mark.parametrize(
    ("area", "other", "inside"),
    [
        (Area(0, 0, 40, 30), Area(0, 0, 40, 30), Area(0, 0, 40, 30)),
        (Area(-5, 10, 100, 5), Area(0, 0, 40, 30), Area(0, 10, 40, 5)),
        (Area(30, 20, 40, 30), Area(0, 0, 40, 30), Area(30, 20, 10, 10)),
        (Area(50, 0, 40, 30), Area(0, 0, 40, 30), Area(50, 0, 0, 30)),
    ],
)
def test_what_lies_inside(area, other, inside):
    assert area.inside(other) == inside
