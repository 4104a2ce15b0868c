"""The examples as a user starts them: what they print and show, and that they end in order."""

import itertools
import os
import re
import signal
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import av
import pytest
from tests.real.camera_on_screen import camera_picture, camera_shown
from tests.real.running_example import EXAMPLES, Example, back_ends

from camgraph.testing.cameras import Cameras
from camgraph.testing.clips import FRAMES
from camgraph.testing.pattern import PERIOD, box_at, decode, draw_yuv420p
from camgraph.testing.screens import ask_to_close, windows_of
from camgraph.testing.waiting import wait_until

NAMES = sorted(path.name for path in EXAMPLES.glob("*.py"))
WITHOUT_ARGUMENTS = (
    "gtk_button",
    "many_processes",
    "ping_pong",
    "ping_pong_qt",
    "restart_me",
    "sources",
    "tk_button",
)
# Their toolkits are not everywhere: tests/programs/test_window_examples.py has them.
OTHER_TOOLKITS = ("gtk_window", "tk_window")
WITH_ARGUMENTS = [
    name for name in NAMES if name.removesuffix(".py") not in (*WITHOUT_ARGUMENTS, *OTHER_TOOLKITS)
]
OF_CAMERAS = [name for name in WITH_ARGUMENTS if name != "by_name.py"]
WITH_WINDOW = ["camera_chain.py", "existing_qt_program.py", "opencv_signals.py"]
GREEN = (0x00, 0xE6, 0x76)


@pytest.fixture(scope="module")
def cameras() -> Iterator[Cameras]:
    with Cameras(count=2, size=(640, 360)) as cameras:
        yield cameras


def has_opencv(pid: int) -> bool:
    return "cv2" in Path(f"/proc/{pid}/maps").read_text()


@pytest.mark.parametrize("name", NAMES)
def test_an_example_is_short_and_listed(name: str) -> None:
    assert len((EXAMPLES / name).read_text().splitlines()) < 90
    assert f"python examples/{name}" in (EXAMPLES / "README.md").read_text()
    assert f"python examples/{name}" in (EXAMPLES / name).read_text()


@pytest.mark.parametrize("name", WITH_ARGUMENTS)
def test_what_is_missing_is_told(start: Callable[..., Example], name: str) -> None:
    running = start(name)
    assert running.popen.wait(20) == 2
    assert re.search(r"^usage: .*arguments are required: (URL|name, stream)$", running.told(), re.DOTALL)


@pytest.mark.parametrize("name", OF_CAMERAS)
def test_what_is_no_camera_is_one_sentence(start: Callable[..., Example], name: str) -> None:
    running = start(name, "http://host/")
    assert running.popen.wait(20) == 1
    assert re.fullmatch(r"stream '.*': 'http://host/' is not an RTSP address; .*\n", running.told())


@pytest.mark.parametrize("name", OF_CAMERAS)
def test_a_login_that_is_nowhere_is_one_sentence(start: Callable[..., Example], name: str) -> None:
    running = start(name, "rtsp://127.0.0.1:1/none", "--login", "env:NOBODY_SET_THIS")
    assert running.popen.wait(20) == 1
    assert re.fullmatch(r"login 'env:NOBODY_SET_THIS': .*\n", running.told())


def test_headless(start: Callable[..., Example], cameras: Cameras) -> None:
    running = start("headless.py", *cameras.urls, "rtsp://127.0.0.1:1/none")
    rates = [rf"^camera-{number}: live, 640x360, 2[0-9] fps\. Live\.$" for number in (1, 2)]
    wait_until(lambda: all(running.says(rate) for rate in rates), 20, "frames at the rate of the cameras")
    wait_until(
        lambda: running.says(r"^camera-3: \w+, -, 0 fps\. Nothing listens "), 5, "why there is no frame"
    )
    running.interrupt()


def test_headless_with_a_login(start: Callable[..., Example]) -> None:
    with Cameras(count=1, size=(320, 180), login="keeper:horse") as cameras:
        running = start("headless.py", *cameras.urls, "--login", "env:DOOR", DOOR="keeper:horse")
        wait_until(lambda: running.says(r"^camera-1: live, 320x180, "), 20, "a camera with a login")
        assert "horse" not in running.interrupt()


def test_browser_mp4(start: Callable[..., Example], cameras: Cameras) -> None:
    running = start("browser_mp4.py", *cameras.urls, "--port", "0")
    wait_until(lambda: running.says("^http://"), 20, "the page's address")
    address = running.told().split()[0]
    with urllib.request.urlopen(address, timeout=20) as page:
        assert page.read().count(b"<video") == 2
    with pytest.raises(urllib.error.HTTPError, match="No camera is named 3") as refused:
        urllib.request.urlopen(f"{address}3.mp4", timeout=20)
    refused.value.close()
    viewers = [urllib.request.urlopen(f"{address}camera-{camera}.mp4?1", timeout=20) for camera in (2, 1, 2)]
    for camera, viewer in zip((2, 1, 2), viewers, strict=True):
        with av.open(viewer, "r", format="mp4") as container:
            frames = list(itertools.islice(container.decode(video=0), 30))
        found = [decode(frame.to_ndarray()[:360]) for frame in frames]
        assert {each.camera for each in found} == {camera}
        numbers = [each.number or 0 for each in found]
        assert numbers == [(numbers[0] + step) % FRAMES for step in range(30)]
    # Two still look on.
    viewers.pop().close()
    assert running.interrupt() == f"{address} until Ctrl-C\n"
    for viewer in viewers:
        viewer.close()


def test_sources(start: Callable[..., Example]) -> None:
    running = start("sources.py")
    small = [
        r"^camera: live, 320x180, 2[0-9] fps\. Live\.$",
        r"^clip: live, 320x180, [456] fps\. Live\.$",
        r"^test: live, 480x270, 2[0-9] fps\. Live\.$",
    ]
    wait_until(lambda: all(map(running.says, small)), 20, "the smaller stream, the file and the test picture")
    wait_until(
        lambda: running.says(r"^camera: live, 640x360, 2[0-9] fps\. Live\.$"),
        20,
        "the camera's larger stream",
    )
    running.interrupt()


@pytest.mark.parametrize("name", WITH_WINDOW)
def test_ctrl_c_ends_a_window_that_shows_nothing(start: Callable[..., Example], name: str) -> None:
    running = start(name, "rtsp://127.0.0.1:1/none")
    wait_until(lambda: windows_of(running.display, running.popen.pid), 20, "the window")
    if name == "opencv_signals.py":
        wait_until(lambda: any(map(has_opencv, back_ends(running.popen.pid))), 20, "the detector")
    assert running.interrupt() == ""


def brightness(camera: int) -> tuple[float, float]:
    """Return between what the mean of a camera's grey pictures (0 to 255) lies."""
    luma = [draw_yuv420p(number, camera, 320, 180)[:180].mean() for number in range(PERIOD)]
    least, most = ((mean - 16) * 255 / 219 for mean in (min(luma), max(luma)))
    return least - 2, most + 2


def test_asyncio_frames_until_a_deadline(start: Callable[..., Example], cameras: Cameras) -> None:
    running = start("asyncio_frames.py", *cameras.urls, "--seconds", "4")
    assert running.popen.wait(20) == 0, running.told()
    *lines, last = running.told().splitlines()
    for camera in (1, 2):
        least, most = brightness(camera)
        told = [int(line.split()[-1]) for line in lines if line.startswith(f"camera-{camera} brightness ")]
        assert told
        assert least <= min(told) <= max(told) <= most
    counts = re.fullmatch(r"camera-1: (\d+) frames, camera-2: (\d+) frames", last)
    assert counts is not None
    assert all(5 <= int(count) <= 45 for count in counts.groups())


def test_asyncio_frames_until_interrupted(start: Callable[..., Example], cameras: Cameras) -> None:
    running = start("asyncio_frames.py", *cameras.urls)
    wait_until(
        lambda: all(running.says(f"^{name} bright") for name in ("camera-1", "camera-2")), 20, "frames"
    )
    assert re.search(r"camera-1: \d+ frames, camera-2: \d+ frames\n$", running.interrupt())


def test_opencv_signals(start: Callable[..., Example], cameras: Cameras) -> None:
    running = start("opencv_signals.py", *cameras.urls)
    marked = Counter[int]()

    def ball_is_marked(column: int) -> bool:
        screen = running.screen(960, 270)[:, column * 480 :][:, :480]
        found = decode(screen)
        drawn = (screen == GREEN).all(axis=2)
        if found.number is None or found.camera != column + 1 or drawn.sum() < 100:
            return False
        # The boxes are those of a few frames before.
        balls = [box_at((found.number - late) % PERIOD, 480, 270) for late in (0, 15)]
        left, right = min(ball.x for ball in balls) - 20, max(ball.x + ball.width for ball in balls) + 20
        top, bottom = min(ball.y for ball in balls) - 40, max(ball.y + ball.height for ball in balls) + 40
        if drawn[max(top, 0) : bottom, max(left, 0) : right].sum() > 0.7 * drawn.sum():
            marked[column] += 1
        return marked[column] >= 5

    wait_until(lambda: all([ball_is_marked(0), ball_is_marked(1)]), 25, "boxes around both balls")
    first, second = back_ends(running.popen.pid)
    assert has_opencv(first)
    assert has_opencv(second)
    assert not has_opencv(running.popen.pid)

    os.kill(first, signal.SIGKILL)
    wait_until(lambda: len({*back_ends(running.popen.pid)} - {first}) == 2, 10, "another detector")
    marked.clear()
    wait_until(lambda: all([ball_is_marked(0), ball_is_marked(1)]), 25, "boxes after a detector was killed")
    assert running.close() == ""


def test_camera_chain(start: Callable[..., Example], cameras: Cameras) -> None:
    running = start("camera_chain.py", *cameras.urls)
    wait_until(lambda: windows_of(running.display, running.popen.pid), 20, "the window")
    width, height = running.size()

    def shown() -> list[int | None]:
        screen = running.screen(width, height)
        return [camera_shown(screen[:, : width // 2]), camera_shown(screen[:, width // 2 :])]

    wait_until(lambda: shown() == [1, 2], 20, "both cameras")
    titles: set[bytes] = set()

    def told() -> bool:
        titles.add(running.screen(width, height)[:14, : width // 2 - 50].tobytes())
        return len(titles) >= 3

    wait_until(told, 20, "contrasts in the title")
    assert len(back_ends(running.popen.pid)) == 2
    running.xdotool("mousemove", width // 2 - 13, 7, "click", 1)
    wait_until(lambda: len(back_ends(running.popen.pid)) == 1, 10, "one detector less")
    wait_until(lambda: camera_shown(running.screen(width, height)) == 2, 10, "the other camera by itself")
    numbers = {decode(camera_picture(running.screen(width, height))).number for _ in range(3)}
    assert len(numbers) > 1
    assert running.close() == ""


@pytest.mark.parametrize("by_menu", [False, True])
def test_existing_qt_program(start: Callable[..., Example], cameras: Cameras, by_menu: bool) -> None:
    running = start("existing_qt_program.py", cameras.urls[1])
    wait_until(lambda: camera_shown(running.screen(800, 600)) == 2, 20, "the camera in the window")
    before = running.screen(800, 600)[25:52, 12:200]
    (window,) = windows_of(running.display, running.popen.pid)
    running.xdotool("windowfocus", "--sync", window, "mousemove", 300, 40, "click", 1, "type", "postman")
    wait_until(
        lambda: (running.screen(800, 600)[25:52, 12:200] < 64).sum() > (before < 64).sum() + 100,
        10,
        "the note that was typed",
    )
    if by_menu:
        running.xdotool("key", "alt+f", "key", "q")
        assert running.ends() == ""
    else:
        assert running.close() == ""


def test_by_name(start: Callable[..., Example], cameras: Cameras) -> None:
    name = f"house-{uuid4().hex[:8]}"
    host = start("headless.py", "--name", name, *cameras.urls)
    wait_until(lambda: host.says(f"^site {name}: 2 cameras"), 20, "the site")
    guest = start("by_name.py", name, "camera-2")
    wait_until(lambda: guest.says("^camera-2 frame .*brightness"), 20, "frames of the other program's site")
    assert guest.says(f"^{name} has camera-1, camera-2$")
    wait_until(lambda: guest.says(r"^camera-2 is live\. "), 5, "the state")
    least, most = brightness(2)
    assert least <= int(guest.told().split()[-1]) <= most
    guest.interrupt()
    since = len(host.told())
    wait_until(lambda: host.says(r"^camera-2: live, ", since), 5, "the site running on")
    host.interrupt()


def test_by_name_without_such_a_site(start: Callable[..., Example]) -> None:
    name = f"nobody-{uuid4().hex[:8]}"
    running = start("by_name.py", name, "camera-1")
    assert running.popen.wait(20) == 1
    assert re.fullmatch(rf".*{name}.*\n", running.told())


@pytest.mark.parametrize("by_interrupt", [False, True])
def test_tk_button(start: Callable[..., Example], by_interrupt: bool) -> None:
    pytest.importorskip("tkinter", reason="this Python was built without Tk")
    running = start("tk_button.py")
    window = int(wait_until(lambda: running.windows_named("Counter"), 20, "the window")[0])
    width, height = running.size(window)
    blank = running.screen(width, height)
    running.xdotool("mousemove", width // 2, height - 12, "click", 1, "click", 1)
    wait_until(lambda: running.says(r"^2, says process \d+$"), 20, "two answers")
    back_end = int(re.findall(r"process (\d+)", running.told())[-1])
    assert back_end != running.popen.pid
    wait_until(lambda: (running.screen(width, height)[:40] != blank[:40]).any(), 5, "the label's other text")
    for pid in (running.popen.pid, back_end):
        assert "Qt6" not in Path(f"/proc/{pid}/maps").read_text()
    if by_interrupt:
        running.interrupt()
    else:
        ask_to_close(running.display, window)
        running.ends()
    assert not Path(f"/proc/{back_end}").exists()
