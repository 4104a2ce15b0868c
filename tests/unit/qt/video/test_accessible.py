"""What a screen reader is told of a widget."""

import time

import pytest
from qtpy import QtGui

from camgraph.qt import VideoWall, VideoWidget


def test_name_and_state_are_told_as_they_change(gui, make_site):
    site = make_site(door=(1280, 720), yard=(1280, 720))
    site.status("door", "opening", sentence="Asking the camera.")
    widget = VideoWidget(site.streams["door"])
    widget.resize(320, 180)
    widget.show()
    gui.settle()
    assert (widget.accessibleName(), widget.accessibleDescription()) == (
        "door",
        "connecting: Asking the camera.",
    )
    site.status("door")
    gui.until(lambda: widget.accessibleDescription() == "waiting for a picture")
    gui.play(site.streams["door"], widget)
    assert widget.accessibleDescription() == "live"
    site.status("door", "degraded", width=1280, height=720, sentence="3 % of the packets are lost.")
    gui.until(lambda: widget.accessibleDescription() == "degraded: 3 % of the packets are lost.")
    site.status(
        "door",
        "backing_off",
        sentence="It closed the connection. Next attempt in 2 s.",
        next_attempt_ns=time.monotonic_ns() + 2_000_000_000,
    )
    gui.until(lambda: widget.accessibleDescription() == "no signal: It closed the connection.")
    widget.set_stream(site.streams["yard"])
    assert widget.accessibleName() == "yard"
    gui.play(site.streams["yard"], widget)
    assert widget.accessibleDescription() == "live"
    gui.until(lambda: widget.accessibleDescription() == "no pictures: No picture has come for 2 s.")
    widget.set_stream(None)
    assert (widget.accessibleName(), widget.accessibleDescription()) == ("", "no stream")


def test_a_picture_that_follows_another_tells_nothing(gui, make_site):
    site = make_site(door=(1280, 720))
    widget = VideoWidget(site.streams["door"])
    widget.resize(320, 180)
    widget.show()
    gui.play(site.streams["door"], widget)
    told: list[str] = []
    widget._scene.told.connect(lambda: told.append(widget.accessibleDescription()))
    for _ in range(5):
        gui.play(site.streams["door"], widget)
    assert told == []
    site.close()
    gui.settle()
    assert told[-1] == "stopped: The site is closed."


@pytest.mark.skipif(not hasattr(QtGui, "QAccessible"), reason="PyQt6 has nothing to ask as a reader does")
def test_a_reader_finds_the_tiles_of_a_wall_by_their_names(gui, make_site):
    site = make_site(door=(1280, 720), yard=(1280, 720))
    wall = VideoWall(site.streams)
    wall.resize(640, 180)
    wall.show()
    for name, stream in site.streams.items():
        gui.play(stream, wall[name])
    QAccessible = QtGui.QAccessible  # noqa: N806
    found = QAccessible.queryAccessibleInterface(wall)
    tiles = [found.child(number) for number in range(found.childCount())]
    kinds = (QAccessible.Text.Name, QAccessible.Text.Description)
    assert [[tile.text(kind) for kind in kinds] for tile in tiles] == [["door", "live"], ["yard", "live"]]
    assert all(tile.state().focusable for tile in tiles)
    assert tiles[1].rect().width() == 320
