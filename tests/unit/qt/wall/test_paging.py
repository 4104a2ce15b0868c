"""Pages, the enlarged tile and the keyboard: what is seen, and that what is not seen reads nothing."""

import pytest
from qtpy.QtCore import QEvent, QPoint, Qt
from qtpy.QtGui import QKeyEvent
from qtpy.QtTest import QTest

from camgraph.qt import VideoWall

SIZE = (640, 360)
NAMES = "abcdefghi"


@pytest.fixture
def site(make_site):
    return make_site(**dict.fromkeys(NAMES, SIZE))


@pytest.fixture
def wall(gui, site):
    """A wall of three by three, all tiles of which read, with the focus on the first one."""
    wall = VideoWall(site.streams)
    wall.resize(960, 540)
    wall.show()
    wall.activateWindow()
    wall["a"].setFocus()
    gui.until(lambda: reading(site) == set(NAMES) and wall["a"].hasFocus())
    return wall


def reading(site) -> set[str]:
    return {name for name in site.streams if site.readers(name)}


def shown(wall) -> list[str]:
    """Names of the tiles that are seen, from the upper left."""
    seen = [tile for tile in wall if not tile.visibleRegion().isEmpty()]
    return [tile.stream_name for tile in sorted(seen, key=lambda tile: (tile.y(), tile.x()))]


def focused(wall) -> str:
    return "".join(tile.stream_name for tile in wall if tile.hasFocus())


def test_what_is_on_another_page_reads_nothing(gui, site, wall):
    pages: list[object] = []
    wall.page_changed.connect(pages.append)
    wall.set_layout("2x2")
    assert wall.pages == 3
    assert shown(wall) == list("abcd")
    gui.until(lambda: reading(site) == set("abcd"))
    QTest.keyClick(wall["a"], Qt.Key.Key_PageDown)
    assert shown(wall) == list("efgh")
    gui.until(lambda: reading(site) == set("efgh"))
    assert focused(wall) == "e"
    QTest.keyClick(wall["e"], Qt.Key.Key_PageDown)
    assert shown(wall) == ["i"]
    gui.play(site.streams["i"], wall["i"])
    pixels = gui.pixels(wall)
    assert (pixels[:135, :240] == (255, 0, 0)).all()
    assert not pixels[270:].any()
    assert not pixels[:, 480:].any()
    QTest.keyClick(wall["i"], Qt.Key.Key_PageDown)
    wall.set_page(-5)
    assert pages == [1, 2, 0]


def test_a_layout_keeps_the_first_tile_in_sight(wall):
    wall.set_layout("2x2")
    wall.set_page(1)
    wall.set_layout("1+5")
    assert (wall.page, shown(wall)) == (0, list("abcdef"))
    wall.set_page(1)
    wall.set_layout("1x1")
    assert (wall.page, shown(wall)) == (6, ["g"])
    wall.set_layout("auto")
    assert (wall.page, wall.layout_name, shown(wall)) == (0, "auto", list(NAMES))


def test_a_layout_that_was_drawn(gui, site, wall):
    wall.set_layout(["AAB", "AAC", ".DD"])
    assert wall.layout_name == "custom"
    assert wall.arrangement == ("AAB", "AAC", ".DD")
    assert shown(wall) == list("abcd")
    assert wall["a"].geometry().getRect() == (0, 0, 640, 360)
    assert wall["d"].geometry().getRect() == (320, 360, 640, 180)
    with pytest.raises(ValueError, match="tile 'A' of the layout is not a rectangle"):
        wall.set_layout(["AB", "BA"])
    assert wall.layout_name == "custom"
    gui.play(site.streams["d"], wall["d"])
    pixels = gui.pixels(wall)
    assert not pixels[360:, :320].any(), "a place without a tile is black"
    assert (pixels[360:450, 480:640] == (255, 0, 0)).all()


def test_a_double_click_enlarges_and_another_leads_back(gui, site, wall):
    told: list[object] = []
    wall.enlarged.connect(told.append)
    middle = wall["e"].rect().center()
    QTest.mouseDClick(wall["e"], Qt.MouseButton.LeftButton, pos=middle)
    assert (told, wall.enlarged_name, shown(wall)) == (["e"], "e", ["e"])
    gui.until(lambda: site.readers("e") == {(960, 540): 1} and reading(site) == {"e"})
    gui.play(site.streams["e"], wall["e"])
    pixels = gui.pixels(wall)
    assert (pixels[:270, :480] == (255, 0, 0)).all()
    assert (pixels[270:, 480:] == (255, 255, 255)).all()
    QTest.mouseDClick(wall["e"], Qt.MouseButton.LeftButton, pos=QPoint(900, 500))
    assert (told, wall.enlarged_name, shown(wall)) == (["e", ""], "", list(NAMES))
    gui.until(lambda: site.show("e") and site.readers("e") == {(320, 180): 1})
    assert reading(site) == set(NAMES)
    with pytest.raises(KeyError):
        wall.enlarge("z")


def test_enter_enlarges_escape_leads_back_and_arrows_go_on(wall):
    QTest.keyClick(wall["a"], Qt.Key.Key_Escape)
    QTest.keyClick(wall["a"], Qt.Key.Key_Return)
    assert shown(wall) == ["a"]
    QTest.keyClick(wall["a"], Qt.Key.Key_Right)
    assert (shown(wall), focused(wall)) == (["b"], "b")
    for _ in range(2):
        QTest.keyClick(wall[focused(wall)], Qt.Key.Key_Left)
    assert (shown(wall), focused(wall)) == (["i"], "i")
    QTest.keyClick(wall["i"], Qt.Key.Key_Enter)
    assert (shown(wall), focused(wall)) == (list(NAMES), "i")
    wall.enlarge("c")
    QTest.keyClick(wall["c"], Qt.Key.Key_Escape)
    assert shown(wall) == list(NAMES)


def test_a_key_without_a_name_is_nobodys(gui, wall):
    event = QKeyEvent(QEvent.Type.KeyPress, 0x01234567, Qt.KeyboardModifier.NoModifier)
    gui.app.sendEvent(wall["a"], event)
    assert shown(wall) == list(NAMES)


def test_arrows_walk_from_tile_to_tile(wall):
    path = []
    right, down, left, up = Qt.Key.Key_Right, Qt.Key.Key_Down, Qt.Key.Key_Left, Qt.Key.Key_Up
    for key in (right, right, right, down, down, down, left, up, left, left):
        QTest.keyClick(wall[focused(wall)], key)
        path.append(focused(wall))
    assert "".join(path) == "bccfiihedd"


def test_the_tab_key_goes_in_the_order_of_the_places(wall):
    wall.swap("b", "i")
    assert wall.order == tuple("aicdefghb")
    path = []
    for _ in range(4):
        QTest.keyClick(wall[focused(wall)], Qt.Key.Key_Tab)
        path.append(focused(wall))
    assert "".join(path) == "icde"
    assert shown(wall) == list("aicdefghb")
    assert [tile.stream_name for tile in wall] == list("aicdefghb")


def test_small_tiles_show_fewer_pictures(gui, site, wall):
    def rates() -> set[float]:
        site.serve()
        return {request.fps for request, ring in site.rings.items() if ring.readers}

    def settled(fps: float, width: int) -> bool:
        return rates() == {fps} and {w for name in NAMES for w, _ in site.readers(name)} == {width}

    gui.until(lambda: settled(0, 320))
    wall.resize(381, 216)  # less than 128 px each
    gui.turn()
    # A ring's first picture is what has the one of before given back.
    gui.until(lambda: [site.show(name) for name in NAMES] and settled(10, 127))
    wall.resize(384, 216)
    gui.until(lambda: [site.show(name) for name in NAMES] and settled(0, 128))


def test_rates_of_ones_own(gui, site):
    wall = VideoWall(site.streams, rates={200: 5, 100: 2})
    wall.resize(600, 300)
    wall.show()
    assert wall["a"].max_fps is None
    wall.resize(599, 300)
    assert wall["a"].max_fps == 5
    wall.resize(90, 300)
    assert wall["a"].max_fps == 2
    with pytest.raises(ValueError, match="not 0: 5"):
        VideoWall([], rates={0: 5})
    with pytest.raises(ValueError, match="not 100: 0"):
        VideoWall([], rates={100: 0})


def test_the_menu_of_a_tile_has_what_the_wall_offers(wall):
    def choose(tile, *path: str) -> None:
        menu = tile.make_menu()
        for text in path[:-1]:
            menu = next(action for action in menu.actions() if action.text() == text).menu()
        next(action for action in menu.actions() if action.text() == path[-1]).trigger()

    def enabled(tile) -> dict[str, bool]:
        return {action.text(): action.isEnabled() for action in tile.make_menu().actions()}

    choose(wall["b"], "Enlarge")
    assert shown(wall) == ["b"]
    choose(wall["b"], "Show all")
    assert "Next page" not in enabled(wall["b"])
    choose(wall["b"], "Layout", "2 × 2")
    assert (enabled(wall["a"])["Next page"], enabled(wall["a"])["Previous page"]) == (True, False)
    choose(wall["a"], "Next page")
    assert shown(wall) == list("efgh")
    choose(wall["e"], "Layout", "1+5")
    assert wall.layout_name == "1+5"
    choose(wall["a"], "Name")
    assert wall["a"].name_shown
