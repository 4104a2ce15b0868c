"""Examples that show cameras: what is on the screen, what clicks do, and that they end in order."""

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.real.camera_on_screen import Picture
from tests.real.x11_windows import XServer
from tests.valkka.examples.running import ENDS, EXAMPLES, Program, Start, wait_for_moving

from camgraph.testing.waiting import wait_until

Use = Callable[[Program], object]
QT = "api_level_1/qt"
STUDIO = "api_level_2/qt"


class Ends:
    """Runs a program three times, to end it in each way; what it shows is looked at each time."""

    def __init__(self, start: Start, displays: list[XServer]) -> None:
        self._start, self._displays = start, displays

    def together(self, path: str, *arguments: str, shows: Use, use: Use = lambda _: None) -> None:
        """At the same time, each on a screen of its own; the one whose window is closed is used before."""
        title = Path(path).stem
        programs = [self._start(path, *arguments, on=display) for display in self._displays]
        for program in programs:
            shows(program)
        use(programs[0])
        for program, end in zip(programs, ENDS.values(), strict=True):
            end(program, title)

    def in_turn(self, path: str, *arguments: str, shows: Use, use: Use = lambda _: None) -> None:
        """One after the other, as they publish rings of one name."""
        for display, (name, end) in zip(self._displays, ENDS.items(), strict=True):
            program = self._start(path, *arguments, on=display)
            shows(program)
            if name == "close":
                use(program)
            end(program, Path(path).stem)


@pytest.fixture
def ends(start: Start, displays: list[XServer]) -> Ends:
    return Ends(start, displays)


def cells(program: Program, title: str, rows: int = 1, columns: int = 1) -> Callable[[], list[Picture]]:
    """Return what gives the pictures of the cells of a window."""
    window = program.window(title)

    def look() -> list[Picture]:
        shown = program.picture(window)
        height, width = shown.shape[0] // rows, shown.shape[1] // columns
        return [
            shown[height * row : height * (row + 1), width * column : width * (column + 1)]
            for row in range(rows)
            for column in range(columns)
        ]

    return look


def test_a_camera_in_a_widget_of_qt(ends: Ends, addresses: list[str]) -> None:
    def shows(program: Program) -> None:
        wait_for_moving(program, cells(program, "single_stream_rtsp"), [1])

    ends.together(f"{QT}/single_stream_rtsp.py", addresses[0], shows=shows)


def test_a_camera_in_a_foreign_widget_whose_overlay_gets_the_mouse(ends: Ends, addresses: list[str]) -> None:
    title = "single_stream_rtsp_1"

    def shows(program: Program) -> None:
        wait_for_moving(program, cells(program, title), [1])

    def use(program: Program) -> None:
        left, top, _, _ = program.geometry(program.window(title))
        program.click(left + 100, top + 50)
        program.wait_for("clicked at 100, 50", "the click")
        program.xdotool("windowsize", "--sync", program.window(title), 480, 292)
        wait_for_moving(program, cells(program, title), [1])

    ends.together(f"{QT}/single_stream_rtsp_1.py", addresses[0], shows=shows, use=use)


def test_cameras_in_a_grid(ends: Ends, addresses: list[str]) -> None:
    title = "multiple_stream"

    def shows(program: Program) -> None:
        program.xdotool("windowsize", "--sync", program.window(title), 480, 540)
        wait_for_moving(program, cells(program, title, rows=2), [1, 2])

    def use(program: Program) -> None:
        left, top, width, height = program.geometry(program.window(title))
        program.click(left + width // 2, top + height // 4)
        program.wait_for("slot 1: decoding off", "decoding is off")
        # Elsewhere, or it would be a double click.
        program.click(left + width // 4, top + height // 4)
        program.wait_for("slot 1: decoding on", "decoding is on")
        shows(program)

    ends.together(f"{QT}/multiple_stream.py", *addresses, shows=shows, use=use)


def test_a_grid_of_filterchains_shows_each_camera_as_often_as_wanted(
    ends: Ends, addresses: list[str]
) -> None:
    def shows(program: Program) -> None:
        wait_for_moving(program, cells(program, "test_studio_1", rows=2, columns=2), [1, 1, 2, 2])

    ends.together(f"{STUDIO}/test_studio_1.py", "--replicate", "2", *addresses, shows=shows)


def test_a_window_for_each_camera_ends_with_its_camera_alone(ends: Ends, addresses: list[str]) -> None:
    def shows(program: Program) -> None:
        one, other = cells(program, "camera 1"), cells(program, "camera 2")
        wait_for_moving(program, lambda: one() + other(), [1, 2])

    def use(program: Program) -> None:
        other = cells(program, "camera 2")
        program.xdotool("windowclose", program.window("camera 1"))
        wait_for_moving(program, other, [2])

    ends.together(f"{STUDIO}/test_studio_1b.py", *addresses, shows=shows, use=use)


def test_buttons_choose_the_camera(ends: Ends, addresses: list[str]) -> None:
    title = "test_studio_2"

    def shows(program: Program) -> None:
        wait_for_moving(program, cells(program, title), [1])

    def use(program: Program) -> None:
        left, top, width, _ = program.geometry(program.window(title))
        program.click(left + 3 * width // 4, top + 20)
        program.wait_for("showing camera 2", "the click on the second button")
        wait_for_moving(program, cells(program, title), [2])

    ends.together(f"{STUDIO}/test_studio_2.py", *addresses, shows=shows, use=use)


def test_branches_of_a_fork_come_and_go(ends: Ends, addresses: list[str]) -> None:
    title = "test_studio_3"

    def shows(program: Program) -> None:
        program.xdotool("windowsize", "--sync", program.window(title), 800, 290)
        wait_for_moving(program, cells(program, title, columns=2), [1, 1])

    def use(program: Program) -> None:
        pictures = cells(program, title, columns=2)
        left, top, width, _ = program.geometry(program.window(title))
        program.click(left + width // 4, top + 20)
        program.wait_for("screen_0 disconnected", "the click on the first button")
        wait_for_moving(program, lambda: pictures()[1:], [1])
        program.click(left + width // 3, top + 20)
        program.wait_for("screen_0 connected", "the second click", count=2)
        wait_for_moving(program, pictures, [1, 1])

    ends.in_turn(f"{STUDIO}/test_studio_3.py", addresses[0], shows=shows, use=use)


def test_viewports_are_plugged_in_and_out(ends: Ends, addresses: list[str]) -> None:
    title = "test_studio_4"

    def shows(program: Program) -> None:
        left, top, width, height = program.geometry(program.window(title))
        for row in (1, 3, 1):
            program.click(left + width // 2, top + height * row // 4)
        views = [cells(program, f"view {it}") for it in ("1 of camera 1", "2 of camera 2", "3 of camera 1")]
        wait_for_moving(program, lambda: [view()[0] for view in views], [1, 2, 1])

    def use(program: Program) -> None:
        views = [cells(program, f"view {it}") for it in ("1 of camera 1", "2 of camera 2")]
        program.xdotool("windowclose", program.window("view 3 of camera 1"))
        wait_for_moving(program, lambda: [view()[0] for view in views], [1, 2])

    ends.together(f"{STUDIO}/test_studio_4.py", *addresses, shows=shows, use=use)


def test_movement_is_found_by_a_process_for_each_camera(ends: Ends, addresses: list[str]) -> None:
    title = "test_studio_detector"

    def shows(program: Program) -> None:
        program.xdotool("windowsize", "--sync", program.window(title), 900, 295)
        wait_for_moving(program, cells(program, title, columns=2), [1, 2])
        for camera in (1, 2):
            program.wait_for(rf"camera {camera}: 6 pictures, (?!0\.0%)\d+\.\d% moves", "movement is told")

    ends.in_turn(f"{STUDIO}/test_studio_detector.py", *addresses, shows=shows)


@pytest.mark.parametrize("lesson", ["lesson_1_a", "lesson_1_b", "lesson_2_a", "lesson_3_a"])
def test_lessons(start: Start, displays: list[XServer], addresses: list[str], lesson: str) -> None:
    """Each three times at once: ended by Ctrl-C, by SIGTERM, and by itself."""
    by_itself, *others = (
        start(
            f"api_level_1/tutorial/{lesson}.py",
            *(addresses if lesson == "lesson_3_a" else [addresses[0], seconds]),
            on=display,
        )
        for display, seconds in zip(displays, ("4", "60", "60"), strict=True)
    )
    match lesson:
        case "lesson_1_a":
            for program in others:
                program.wait_for("InfoFrameFilter: live_out_filter start dump>>", "frames", count=3)
                assert "timediff: " in program.told()
        case "lesson_1_b":
            for program in others:
                program.wait_for("encoded", "frames")
            by_itself.wait_for("InfoFrameFilter: decoded", "decoded pictures")
            before, after = by_itself.told().split("decoding is on")
            assert "InfoFrameFilter: decoded" not in before
            assert "encoded" in before
            assert "InfoFrameFilter: decoded" in after
        case "lesson_2_a":
            for program in others:
                shows_two_windows(program)
        case "lesson_3_a":
            for program in others:
                program.wait_for("InfoFrameFilter: info_1", "a picture a second")
    told = [others[0].interrupt(), others[1].terminate(), by_itself.ends()]
    assert [it.endswith("bye\n") for it in told] == [True] * 3


def shows_two_windows(program: Program) -> None:
    wait_until(lambda: len(own_windows(program)) == 2, 20, "two windows")
    windows = own_windows(program)
    for place, window in enumerate(windows):
        program.xdotool("windowsize", "--sync", window, 640, 364)
        program.xdotool("windowmove", "--sync", window, 10, 10 + 400 * place)
    wait_for_moving(program, lambda: [program.picture(window) for window in windows], [1, 1])


def own_windows(program: Program) -> list[int]:
    """Return the ids of the windows of 600x600 px: no toolkit tells whose they are."""
    found = [int(line) for line in program.xdotool("search", "--onlyvisible", "--name", ".*")]
    return [window for window in found if program.geometry(window)[2:] == (600, 600)]


@pytest.mark.parametrize(("first", "end"), [("server", "sigint"), ("client", "sigterm")])
def test_a_client_in_another_terminal(start: Start, addresses: list[str], first: str, end: str) -> None:
    folder = "api_level_1/tutorial"
    if first == "server":
        server = start(f"{folder}/lesson_4_a.py", addresses[0], "60")
        server.wait_for("publishing as lesson_4", "the server")
        client = start(f"{folder}/lesson_4_a_client.py")
    else:
        client = start(f"{folder}/lesson_4_a_client.py")
        client.wait_for("no picture within a second", "a client that waits")
        server = start(f"{folder}/lesson_4_a.py", addresses[0], "60")
    client.wait_for(r"picture 5 of slot 1 in cell \d: mean RGB \d+, \d+, \d+", "pictures")
    for program in (client, server):
        assert (program.interrupt() if end == "sigint" else program.terminate()).endswith("bye\n")


@pytest.mark.parametrize("end", ["sigint", "sigterm", "by itself"])
def test_a_program_of_several_processes(
    tmp_path: Path, display: XServer, addresses: list[str], end: str
) -> None:
    seconds = ["--seconds", "5"] if end == "by itself" else []
    folder = EXAMPLES / "example_projects" / "basic"
    program = Program(tmp_path, display, "", *seconds, *addresses, module="valkka_basic", cwd=folder)
    try:
        for slot in (1, 2):
            program.wait_for(f"AnalyzerProcess: brightness .*'slot': {slot}", f"pictures of slot {slot}")
            program.wait_for(f"MP4Process: fragments .*'slot': {slot}", f"fragments of slot {slot}")
        match end:
            case "sigint":
                program.interrupt()
            case "sigterm":
                program.terminate()
            case _:
                program.ends()
        assert program.told().endswith("bye\n")
    finally:
        program.kill()
