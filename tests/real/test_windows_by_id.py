"""Windows by their id: the right pixels, at any size, through whatever happens to windows and processes."""

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
import pytest
from tests.real.x11_windows import Spot, XServer, x_server

import camgraph as cg
from camgraph.base.errors import CannotStart
from camgraph.present import Screen, WindowStatistics
from camgraph.present.own import OwnWindows
from camgraph.testing.cameras import Cameras
from camgraph.testing.waiting import wait_until

BACKGROUND = (0x20, 0x24, 0x2A)
GREEN = (0, 255, 0)


@pytest.fixture(scope="module")
def cameras() -> Iterator[Cameras]:
    with Cameras(count=2, size=(640, 360)) as cameras:
        yield cameras


@pytest.fixture(scope="module")
def shared(cameras: Cameras) -> Iterator[cg.Site]:
    graph = cg.Graph()
    door = graph.rtsp("door", cameras.urls[0])
    graph.rtsp("yard", cameras.urls[1])
    graph.gate("gated", door)
    with graph.start() as site:
        # What the module shares is there before the first test, which is watched for what it leaves.
        wait_until(lambda: all(it.status.state == "live" for it in site.streams.values()), 20, "the streams")
        yield site


@pytest.fixture(scope="module")
def x11(tmp_path_factory: pytest.TempPathFactory) -> Iterator[XServer]:
    with x_server(tmp_path_factory.mktemp("x11")) as server:
        yield server


@pytest.fixture(scope="module")
def screen(shared: cg.Site, x11: XServer) -> Iterator[Screen]:
    with Screen(shared, x11.display) as screen:
        # Its processes and connections are the module's, too.
        made = screen.create_window(8, 8)
        screen.show(None, made)
        numbers(screen, made)
        screen.destroy_window(made)
        yield screen


@pytest.fixture
def window(screen: Screen, x11: XServer) -> Iterator[Callable[..., tuple[int, Spot]]]:
    """Makes windows, and gives their ids and where they are."""
    windows: list[int] = []

    def window(width: int, height: int, x: int = 0, y: int = 0) -> tuple[int, Spot]:
        windows.append(screen.create_window(width, height))
        if x or y:
            x11.move(windows[-1], x, y)
        return windows[-1], Spot(x, y, width, height)

    yield window
    for made in windows:
        screen.destroy_window(made)


def numbers(screen: Screen, window: int) -> WindowStatistics:
    wait_until(lambda: window in screen.statistics(), 10, "the window's numbers")
    return screen.statistics()[window]


def has_width(screen: Screen, window: int, width: int) -> bool:
    return numbers(screen, window).picture[0] == width


def presenter(site: cg.Site) -> int:
    (front,) = [it for it in site.processes if it.name.startswith("Presenter")]
    front.wait_ready(10)
    assert front.pid
    return front.pid


@pytest.mark.parametrize("size", [(640, 360), (320, 180), (640, 480), (411, 300)])
def test_the_picture_fills_the_window_as_far_as_its_proportions_allow(screen, window, x11, size) -> None:
    made, spot = window(*size)
    screen.show("door", made)
    x11.wait_shows(spot)
    told = numbers(screen, made)
    assert told.shared_memory
    assert told.signal
    assert told.size == size
    image = x11.pixels(spot)
    bar = (size[1] - told.picture[1]) // 2
    assert not image[:bar].any()
    assert not image[bar + told.picture[1] :].any()
    assert image[bar].any()


@pytest.mark.parametrize(("fit", "picture"), [("stretch", (400, 400)), ("cover", (400, 400))])
def test_other_fits_leave_no_bars(screen, window, x11, fit, picture) -> None:
    made, spot = window(400, 400)
    screen.show("door", made, fit=fit)
    wait_until(lambda: numbers(screen, made).shown > 2, 10, "frames")
    assert numbers(screen, made).picture == picture
    image = x11.pixels(spot)
    assert image[0].any()
    assert image[-1].any()
    # Of the stretched picture all is there, of the other one the middle: the code at the left is cut off.
    assert (x11.shows(spot) is not None) == (fit == "stretch")


def test_six_windows_of_a_stream_share_what_is_converted_per_size(screen, window, x11, shared) -> None:
    spots = {}
    for number in range(6):
        width, height = (320, 180) if number < 4 else (480, 270)
        made, spot = window(width, height, 500 * (number % 3), 300 * (number // 3))
        spots[made] = spot
        screen.show("door", made)
    for spot in spots.values():
        x11.wait_shows(spot)
    told = screen.statistics()
    assert sorted(told[made].sharing for made in spots) == [2, 2, 4, 4, 4, 4]
    rings = [ring for ring in shared.statistics().streams["door"].rings if ring.readers]
    assert {(ring.width, ring.height): ring.readers for ring in rings} == {(320, 180): 1, (480, 270): 1}


def test_a_resized_window_gets_pictures_of_its_new_size(screen, window, x11) -> None:
    made, spot = window(320, 180)
    screen.show("door", made)
    x11.wait_shows(spot)
    for width, height in ((500, 300), (200, 300)):
        x11.resize(made, width, height)
        wait_until(partial(has_width, screen, made, width), 10, "pictures of the new size")
        x11.wait_shows(Spot(0, 0, width, height))
        # Where nothing was drawn anew there would be what was there before.
        assert not x11.pixels(Spot(0, 0, width, 3)).any()


def test_the_last_picture_is_drawn_again_where_it_was_covered(screen, window, x11, shared) -> None:
    made, spot = window(320, 180)
    screen.show("gated", made, no_signal_after_s=60)
    x11.wait_shows(spot)
    shared.gate("gated").close()
    try:
        wait_until(lambda: not _moves(lambda: numbers(screen, made).shown), 5, "no more frames")
        last = x11.pixels(spot)
        cover = screen.create_window(200, 200)
        wait_until(lambda: not x11.pixels(Spot(0, 0, 200, 180)).any(), 5, "the cover")
        screen.destroy_window(cover)
        wait_until(lambda: np.array_equal(x11.pixels(spot), last), 5, "the same picture")
        cover = screen.create_window(400, 300)
        wait_until(lambda: not x11.pixels(spot).any(), 5, "the cover")
        screen.destroy_window(cover)
        wait_until(lambda: np.array_equal(x11.pixels(spot), last), 5, "the same picture")
    finally:
        shared.gate("gated").open()


def _moves(count: Callable[[], int]) -> bool:
    """Tell whether a count grows within some frames' time."""
    before = count()
    try:
        wait_until(lambda: count() != before, 0.3)
    except (AssertionError, TimeoutError):
        return False
    return True


def test_a_window_that_is_destroyed_is_told_of_and_harms_no_other(screen, window, x11, shared) -> None:
    gone: list[int] = []
    screen.on_gone(gone.append)
    owner = OwnWindows(x11.display)
    made = owner.create(320, 180, mapped=True)
    other, spot = window(320, 180, 400, 0)
    for each in (made, other):
        screen.show("door", each)
    x11.wait_shows(spot)
    process = presenter(shared)
    owner.destroy(made)
    wait_until(lambda: gone == [made], 5, "news of it")
    assert made not in screen.statistics()
    shown = numbers(screen, other).shown
    wait_until(lambda: numbers(screen, other).shown > shown + 3, 5, "frames in the other window")
    screen.show("door", 0x7FFFFFF)
    wait_until(lambda: gone == [made, 0x7FFFFFF], 5, "news of one that never was")
    assert presenter(shared) == process
    owner.close()


def test_boxes_are_green_lines_until_others_replace_them(screen, window, x11) -> None:
    made, spot = window(320, 180)
    screen.show("door", made)
    x11.wait_shows(spot)
    screen.boxes(made, [(0.25, 0.75, 0.75, 0.5)])

    def green() -> list[tuple[int, int]]:
        found = np.argwhere((x11.pixels(spot) == GREEN).all(axis=2))
        return [tuple(found.min(axis=0)), tuple(found.max(axis=0))] if len(found) > 200 else []

    wait_until(lambda: green() == [(45, 80), (90, 240)], 5, "the box")
    screen.boxes(made, [])
    wait_until(lambda: not green(), 5, "no box")


def test_what_is_wrong_is_told_where_no_frames_come(screen, window, x11, shared, tmp_path) -> None:
    made, spot = window(320, 180)
    screen.show("nobody", made)

    def told() -> bool:
        image = x11.pixels(spot)
        text = (image != BACKGROUND).any(axis=2)
        return bool(100 < text.sum() < text.size / 4 and not text[0].any())

    wait_until(told, 10, "words")
    screen.show("gated", made, no_signal_after_s=0.3)
    x11.wait_shows(spot)
    shared.gate("gated").close()
    wait_until(told, 5, "words")
    assert not numbers(screen, made).signal

    raw = tmp_path / "none.yuv"
    raw.write_bytes(bytes([81]) * (1280 * 720) + bytes([90]) * (640 * 360) + bytes([240]) * (640 * 360))
    screen.show("gated", made, no_signal_after_s=0.3, no_signal_picture=raw)
    wait_until(lambda: (abs(x11.pixels(spot).astype(int) - (255, 0, 0)) < 8).all(), 5, "a red picture")
    shared.gate("gated").open()
    x11.wait_shows(spot)
    screen.show(None, made)
    wait_until(lambda: (x11.pixels(spot) == BACKGROUND).all(), 5, "the dark picture")


def test_a_window_that_is_not_mapped_reads_nothing(screen, window, x11, shared) -> None:
    made, spot = window(320, 180)
    screen.show("yard", made)
    x11.wait_shows(spot, camera=2)

    def readers() -> int:
        return sum(ring.readers for ring in shared.statistics().streams["yard"].rings)

    assert readers() == 1
    x11.xdotool("windowunmap", "--sync", made)
    wait_until(lambda: readers() == 0, 5, "no reader")
    x11.xdotool("windowmap", "--sync", made)
    x11.wait_shows(spot, camera=2)


def test_a_window_within_one_that_is_not_mapped_reads_nothing(screen, window, x11, shared) -> None:
    outer, _ = window(400, 300)
    made, spot = window(320, 180)
    screen.show("yard", made)
    x11.wait_shows(spot, camera=2)
    x11.xdotool("windowreparent", made, outer)
    x11.wait_shows(spot, camera=2)

    def readers() -> int:
        return sum(ring.readers for ring in shared.statistics().streams["yard"].rings)

    x11.xdotool("windowunmap", "--sync", outer)
    wait_until(lambda: readers() == 0, 5, "no reader")
    x11.xdotool("windowmap", "--sync", outer)
    x11.wait_shows(spot, camera=2)
    assert readers() == 1


def test_another_stream_takes_the_place_of_the_first(screen, window, x11) -> None:
    made, spot = window(320, 180)
    screen.show("door", made)
    x11.wait_shows(spot, camera=1)
    screen.show("yard", made)
    x11.wait_shows(spot, camera=2)
    screen.hide(made)
    wait_until(lambda: not x11.pixels(spot).any(), 5, "an empty window")


def test_frames_are_shown_so_long_after_they_were_taken(screen, window, x11) -> None:
    made, spot = window(320, 180)
    other, _ = window(320, 180, 400, 0)
    screen.show("door", made, delay_ms=400)
    screen.show("door", other)
    x11.wait_shows(spot)
    wait_until(lambda: numbers(screen, made).shown > 10, 10, "frames")
    told, at_once = numbers(screen, made), numbers(screen, other)
    assert told.delay_ms == 400
    assert told.age_ms is not None
    assert 399 <= told.age_ms < 600
    assert at_once.delay_ms is None
    assert at_once.age_ms is not None
    assert at_once.age_ms < 200
    assert told.too_early == 0


def test_the_first_picture_does_not_wait_for_the_delay(screen, window, x11) -> None:
    made, spot = window(320, 180)
    screen.show("door", made, delay_ms=1900)
    x11.wait_shows(spot)
    told = numbers(screen, made)
    assert told.shown == 1
    assert told.age_ms is not None
    assert told.age_ms < 1900
    wait_until(lambda: numbers(screen, made).shown > 1, 10, "the next one")
    told = numbers(screen, made)
    assert told.age_ms is not None
    assert told.age_ms >= 1899


def test_what_draws_can_be_started_before(x11) -> None:
    with cg.Graph().start() as site:
        nowhere = Screen(site, ":987")
        with pytest.raises(CannotStart, match="VideoWidget"):
            nowhere.prepare()
        assert not site.processes
        nowhere.close()
        with Screen(site, x11.display) as screen:
            screen.prepare()
            prepared = presenter(site)
            screen.prepare()
            made = screen.create_window(320, 180)
            screen.show(None, made)
            wait_until(lambda: (x11.pixels(Spot(0, 0, 320, 180)) == BACKGROUND).all(), 10, "the dark picture")
            assert presenter(site) == prepared


def test_a_window_under_another_reads_nothing_and_comes_back(screen, window, x11) -> None:
    shown, spot = window(320, 180, 40, 40)
    screen.show("door", shown)
    x11.wait_shows(spot)
    cover, _ = window(400, 300)
    wait_until(lambda: numbers(screen, shown).sharing == 0, 5, "no more readers")
    drawn = numbers(screen, shown).shown
    x11.move(cover, 0, 300)
    x11.wait_shows(spot)
    assert numbers(screen, shown).shown > drawn
