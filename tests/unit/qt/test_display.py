"""What Qt would find is told before it aborts."""

import socket
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest

from camgraph.base.errors import MissingDependency
from camgraph.qt.display import check_display, has_display


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    for name in ("DISPLAY", "QT_QPA_PLATFORM", "WAYLAND_DISPLAY", "WAYLAND_SOCKET"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    return monkeypatch


@pytest.fixture
def compositor(tmp_path: Path) -> Iterator[None]:
    """Something that listens where a compositor would."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "wayland-7"))
        listener.listen()
        yield


def test_what_names_a_screen(environment: pytest.MonkeyPatch) -> None:
    assert not has_display()
    environment.setenv("WAYLAND_DISPLAY", "wayland-7")
    assert has_display()


@pytest.mark.usefixtures("compositor")
@pytest.mark.parametrize(
    ("told", "problem"),
    [
        ({"WAYLAND_DISPLAY": "wayland-7"}, None),
        ({"WAYLAND_DISPLAY": "wayland-8"}, "The Wayland display '.*/wayland-8' does not answer"),
        ({"WAYLAND_DISPLAY": "wayland-7", "DISPLAY": ":4711"}, None),
        ({"WAYLAND_DISPLAY": "wayland-8", "DISPLAY": ":4711"}, "wayland-8"),
        ({"WAYLAND_DISPLAY": "wayland-7", "QT_QPA_PLATFORM": "xcb"}, "The display '' does not answer"),
        ({"QT_QPA_PLATFORM": "wayland"}, "wayland-0"),
        ({"QT_QPA_PLATFORM": "wayland;offscreen"}, None),
        ({"QT_QPA_PLATFORM": "offscreen:size=640x480", "WAYLAND_DISPLAY": "wayland-8"}, None),
        ({"DISPLAY": ":4711"}, "The display ':4711' does not answer: .* or run offscreen"),
        ({}, "The display '' does not answer"),
    ],
)
def test_a_screen_that_does_not_answer_is_told(
    environment: pytest.MonkeyPatch, told: dict[str, str], problem: str | None
) -> None:
    for name, value in told.items():
        environment.setenv(name, value)
    with nullcontext() if problem is None else pytest.raises(MissingDependency, match=problem):
        check_display()


def test_where_wayland_does_not_answer_qt_uses_x11(environment: pytest.MonkeyPatch, xvfb: str) -> None:
    environment.setenv("WAYLAND_DISPLAY", "wayland-8")
    environment.setenv("DISPLAY", xvfb)
    check_display()
