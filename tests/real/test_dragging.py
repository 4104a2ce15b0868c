"""A stream is dragged by the mouse, and where it is dragged from goes meanwhile."""

from pathlib import Path

import pytest
from tests.real.window_program import Program

from camgraph.testing.waiting import wait_until

PROGRAM = Path(__file__).with_name("drag_program.py")


@pytest.mark.parametrize("binding", ["pyside6", "pyqt6"])
def test_the_widget_that_is_dragged_from_may_go_meanwhile(xvfb: str, binding: str) -> None:
    program = Program(xvfb, [], PROGRAM, QT_API=binding)
    try:
        assert program.window
        program.xdotool("mousemove", 100, 90, "mousedown", 1, "mousemove", 120, 95, "sleep", 0.1)
        program.xdotool("mousemove", 140, 100, "sleep", 0.1, "mousemove", 160, 100)
        program.ask("take away")
        # What is left of the window has its whole width now.
        program.xdotool(
            "mousemove", 400, 100, "sleep", 0.1, "mousemove", 420, 100, "sleep", 0.1, "mouseup", 1
        )
        wait_until(lambda: program.news("dropped"), 10, "the drop")
        assert program.news("dropped") == [["left", False]]
        ends(program)
    finally:
        program.end()
    assert program.errors == ""


@pytest.mark.parametrize("binding", ["pyside6", "pyqt6"])
def test_a_drag_that_is_over_before_it_begins_is_none(xvfb: str, binding: str) -> None:
    program = Program(xvfb, [], PROGRAM, QT_API=binding)
    try:
        assert program.window
        program.ask("busy")
        program.xdotool("mousemove", 100, 90, "mousedown", 1, "mousemove", 140, 95, "mouseup", 1)
        write(program, "go on")
        program.xdotool("mousemove", 400, 100, "click", 1)
        wait_until(lambda: program.news("clicked"), 10, "the click")
        assert (program.news("clicked"), program.news("dropped")) == (["right"], [])
        ends(program)
    finally:
        program.end()
    assert program.errors == ""


def write(program: Program, line: str) -> None:
    assert program.popen.stdin is not None
    program.popen.stdin.write(f"{line}\n")
    program.popen.stdin.flush()


def ends(program: Program) -> None:
    write(program, "end")
    assert program.popen.wait(10) == 0
