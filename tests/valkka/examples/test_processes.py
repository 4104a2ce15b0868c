"""Examples with processes and native threads: clicks, back ends killed meanwhile, an end in order."""

import os
import re
import shutil
import signal
from pathlib import Path
from typing import Any

import pytest
from tests.valkka.examples.running import ENDS, EXAMPLES, Program, Start

from camgraph.testing.waiting import wait_until

QT = "api_level_2/qt"


def click_button(program: Program, title: str) -> None:
    """Click the button at the top of the window."""
    left, top, width, _ = program.geometry(program.window(title))
    program.click(left + width // 2, top + 20)


def ink(program: Program, title: str) -> int:
    """Count the dark pixels below the button."""
    return int((program.picture(program.window(title))[45:] < 100).all(axis=2).sum())


def said(program: Program, pattern: str) -> list[Any]:
    """Wait until it has said it; return what stands in the parentheses."""
    program.wait_for(pattern, pattern)
    return re.findall(pattern, program.told())


def gone(pid: str) -> bool:
    return not Path(f"/proc/{pid}").exists()


@pytest.mark.parametrize("end", ENDS)
def test_a_process_and_its_pipe(start: Start, end: str) -> None:
    program = start(f"{QT}/multiprocessing_demo.py")
    (pid,) = said(program, r"process (\d+) is ready")
    title = "multiprocessing_demo"
    written = ink(program, title)
    click_button(program, title)
    said(program, r"1 \+ 1 = 2\n")
    click_button(program, title)
    said(program, r"2 \+ 2 = 4\n")
    wait_until(lambda: ink(program, title) > written + 50, 5, "the text in the window")
    said(program, "nobody has called for 1 s")
    assert "the process says bye" in ENDS[end](program, title)
    assert gone(pid)


def test_a_process_that_is_killed(start: Start) -> None:
    program = start(f"{QT}/multiprocessing_demo.py")
    (pid,) = said(program, r"process (\d+) is ready")
    os.kill(int(pid), signal.SIGKILL)
    said(program, "the process has ended")
    click_button(program, "multiprocessing_demo")
    said(program, "is lost: the back end has ended: signal SIGKILL")
    program.close_window("multiprocessing_demo")


@pytest.mark.parametrize("end", ENDS)
def test_processes_with_signals(start: Start, end: str) -> None:
    program = start(f"{QT}/multiprocessing_demo_signals.py")
    title = "multiprocessing_demo_signals"
    program.wait_for(r"is process \d+", "all processes", count=3)
    pids: dict[str, str] = dict(said(program, r"(process-\d) is process (\d+)"))
    written = ink(program, title)
    for total in (1, 3):
        click_button(program, title)
        program.wait_for(rf"process-\d has {total}\n", "their answers", count=3)
    wait_until(lambda: ink(program, title) > written + 200, 5, "the text in the window")
    os.kill(int(pids["process-2"]), signal.SIGKILL)
    wait_until(lambda: "Z" in status(pids["process-2"]), 5, "its death")
    click_button(program, title)
    program.wait_for(r"process-\d has 6\n", "the answers of the others", count=2)
    said(program, "signal pong_ is lost")
    ENDS[end](program, title)
    assert all(map(gone, pids.values()))


def status(pid: str) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return "Z"


@pytest.mark.parametrize(
    ("where", "end"),
    [("in place", "close"), ("in place", "sigint"), ("in place", "sigterm"), ("copied", "close")],
)
def test_classes_to_copy(start: Start, addresses: list[str], tmp_path: Path, where: str, end: str) -> None:
    path = EXAMPLES / QT / "demo_multiprocess.py"
    if where == "copied":
        project = tmp_path / "empty project"
        project.mkdir()
        path = Path(shutil.copy(path, project))
    program = start(str(path), addresses[0])
    title = "demo_multiprocess"
    program.wait_for(r"camera 1: \d+\.\d% edges", "what OpenCV found", count=3)
    click_button(program, title)
    (pid,) = said(program, r"hello, says process (\d+)\n")
    if where == "copied":
        os.kill(int(pid), signal.SIGKILL)
        said(program, "player has ended")
        click_button(program, title)
        said(program, "signal ping_ is lost")
        program.wait_for(
            r"camera 1: \d+\.\d% edges", "more from the other", count=program.told().count("camera") + 2
        )
    ENDS[end](program, title)
    assert gone(pid)


def test_without_opencv_it_says_what_to_install(start: Start, addresses: list[str], tmp_path: Path) -> None:
    path = Path(shutil.copy(EXAMPLES / QT / "demo_multiprocess.py", tmp_path))
    (tmp_path / "cv2.py").write_text("raise ImportError('as if it was not there')\n")
    program = start(str(path), addresses[0])
    said(program, "OpenCV is missing: pip install opencv-python-headless")
    click_button(program, "demo_multiprocess")
    said(program, "hello, says process")
    program.close_window("demo_multiprocess")


@pytest.mark.parametrize("end", ENDS)
def test_a_native_thread(start: Start, end: str) -> None:
    program = start(f"{QT}/cpp_thread_demo.py")
    title = "cpp_thread_demo"
    said(program, "counted 0\n")
    written = ink(program, title)
    click_button(program, title)
    said(program, r"counted 10\d\n")
    # Three digits instead of one.
    wait_until(lambda: ink(program, title) > written + 5, 5, "the number in the window")
    ENDS[end](program, title)


def test_on_a_built_in_camera(start: Start) -> None:
    program = start(f"{QT}/demo_multiprocess.py")
    said(program, r"camera 1: \d+\.\d% edges")
    program.terminate()
