"""Pictures that are saved and copied."""

import gc
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from qtpy.QtGui import QImage
from qtpy.QtWidgets import QApplication
from tests.unit.qt.conftest import DrawnSite, Gui, noise, quarters

from camgraph.qt import Box, VideoWidget
from camgraph.qt.video import relay as relays
from camgraph.qt.video import snapshot as snapshots
from camgraph.qt.video.saving import place_for

SOURCE = (640, 360)


class Heard:
    """What a widget tells of its snapshots."""

    def __init__(self, widget: VideoWidget) -> None:
        self.saved: list[Path] = []
        self.failed: list[str] = []
        self.copied = 0
        widget.snapshot_saved.connect(self.saved.append)
        widget.snapshot_failed.connect(self.failed.append)
        widget.snapshot_copied.connect(self._count)

    def _count(self) -> None:
        self.copied += 1


@pytest.fixture
def site(make_site):
    return make_site(door=SOURCE)


@pytest.fixture
def widget(gui: Gui, site: DrawnSite) -> VideoWidget:
    widget = VideoWidget(site.streams["door"])
    widget.resize(160, 90)
    widget.show()
    gui.play(site.streams["door"], widget)
    return widget


def test_what_is_seen_is_an_image_with_its_boxes(gui, widget):
    widget.set_boxes([Box(100, 100, 300, 200, color="#ff00ff")])
    gui.turn()
    image = gui.rgb_of(widget.snapshot())
    np.testing.assert_array_equal(image, gui.pixels(widget))
    assert (image == (255, 0, 255)).all(axis=2).sum() > 100


def test_nothing_is_seen_of_a_widget_without_a_size(gui, widget, capfd):
    widget.resize(0, 90)
    assert widget.snapshot().isNull()
    assert "QPainter" not in capfd.readouterr().err


def test_the_next_picture_is_saved_whole_at_the_cameras_resolution(gui, site, widget, tmp_path):
    heard = Heard(widget)
    widget.view = replace(widget.view, zoom=3.0)
    widget.save_snapshot(tmp_path / "door.png")
    gui.until(lambda: site.show("door", noise) and heard.saved)
    assert heard.saved == [tmp_path / "door.png"]
    image = QImage(str(tmp_path / "door.png"))
    np.testing.assert_array_equal(gui.rgb_of(image), noise(*SOURCE)[:, :, 2::-1])
    gui.until(lambda: SOURCE not in site.readers("door"))
    gui.delete_later()
    assert not heard.failed


def test_jpeg_by_its_suffix_turned_and_mirrored_as_it_is_shown(gui, site, widget, tmp_path):
    heard = Heard(widget)
    widget.view = replace(widget.view, quarter_turns=1, mirrored=True)
    widget.save_snapshot(str(tmp_path / "door.JPG"))
    gui.until(lambda: site.show("door") and heard.saved)
    assert heard.saved[0].read_bytes()[:2] == b"\xff\xd8"
    pixels = gui.rgb_of(QImage(str(heard.saved[0]))).astype(int)
    expected = np.rot90(quarters(*SOURCE)[:, ::-1, 2::-1], -1).astype(int)
    assert pixels.shape == expected.shape == (640, 360, 3)
    for row, column in ((50, 50), (50, 300), (600, 50), (600, 300)):
        assert np.abs(pixels[row, column] - expected[row, column]).max() < 30


def test_a_file_that_is_there_is_never_overwritten(gui, site, widget, tmp_path):
    heard = Heard(widget)
    path = tmp_path / "door.png"
    path.write_text("mine")
    for _ in range(2):
        widget.save_snapshot(path)
    gui.until(lambda: site.show("door") and len(heard.saved) == 2)
    assert path.read_text() == "mine"
    assert sorted(heard.saved) == [tmp_path / "door (2).png", tmp_path / "door (3).png"]
    assert all(QImage(str(path)).width() == SOURCE[0] for path in heard.saved)


def test_without_a_file_name_it_is_named_after_stream_and_time(gui, site, widget, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    heard = Heard(widget)
    widget.save_snapshot()
    gui.until(lambda: site.show("door") and heard.saved)
    assert heard.saved[0].is_relative_to(tmp_path)
    assert heard.saved[0].name.startswith("door 20")
    assert heard.saved[0].suffix == ".png"
    (tmp_path / "album").mkdir()
    assert place_for(tmp_path / "album", "door").parent == tmp_path / "album"


def test_an_unknown_suffix_is_refused_at_once(widget, tmp_path):
    with pytest.raises(ValueError, match=r"saved as \.png, \.jpg, \.jpeg, not as 'door\.bmp'"):
        widget.save_snapshot(tmp_path / "door.bmp")


def test_the_clipboard_has_the_picture(gui, site, widget):
    heard = Heard(widget)
    widget.copy_snapshot()
    gui.until(lambda: site.show("door", noise) and heard.copied)
    image = QApplication.clipboard().image()
    np.testing.assert_array_equal(gui.rgb_of(image), noise(*SOURCE)[:, :, 2::-1])
    QApplication.clipboard().clear()


def test_what_can_not_be_had_is_told(gui, site, widget, tmp_path, monkeypatch):
    heard = Heard(widget)
    widget.save_snapshot(tmp_path / "nowhere" / "door.png")
    gui.until(lambda: site.show("door") and heard.failed)
    assert "nowhere/door.png can't be written: No such file or directory" in heard.failed.pop()

    site.refusal = "no room for another ring"
    widget.copy_snapshot()
    gui.until(lambda: heard.failed)
    assert "no room for another ring" in heard.failed.pop()
    site.refusal = ""

    monkeypatch.setattr(snapshots, "WITHIN_MS", 30)
    site.status("door", "stalled", sentence="The camera sends nothing.")
    widget.copy_snapshot()
    gui.until(lambda: heard.failed)
    assert heard.failed.pop() == "The camera sends nothing."

    widget.set_stream(None)
    widget.copy_snapshot()
    assert heard.failed.pop() == "There is no stream to take a picture of."
    gui.delete_later()
    assert relays._relays == {}


def test_a_site_that_is_closed_meanwhile(gui, site, widget):
    heard = Heard(widget)
    widget.copy_snapshot()
    site.close()
    gui.until(lambda: heard.failed)
    widget.copy_snapshot()
    assert len(heard.failed) == 2
    assert "closed" in heard.failed[0]
    assert "closed" in heard.failed[1]


def test_a_widget_that_ends_meanwhile_leaves_nothing(gui, site, widget, tmp_path):
    widget.copy_snapshot()
    gui.until(lambda: SOURCE in site.readers("door"))
    widget.deleteLater()
    gui.delete_later()
    assert site.readers("door") == {}
    gc.collect()
    assert relays._relays == {}
