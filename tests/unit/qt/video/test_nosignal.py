"""The picture of a stream without one."""

import numpy as np
import pytest
from qtpy.QtGui import QFont, QFontMetrics, QImage, QPainter

from camgraph.client.wording import Message, message_of
from camgraph.control.messages import StreamStatus
from camgraph.qt.video.nosignal import draw_message, wrap

BACKGROUND = (0x20, 0x24, 0x2A)
SENTENCE = "The camera at 192.0.2.17 does not answer (no route to host); next attempt in 8 s."


def drawn(gui, size, message, scale=1.0):
    width, height = size
    image = QImage(width, height, QImage.Format.Format_RGB32)
    painter = QPainter(image)
    draw_message(painter, width, height, message, scale)
    painter.end()
    return gui.rgb_of(image)


def lines_of_text(pixels):
    """The rows of text, as (first row, row behind the last), by what is not background."""
    inked = (pixels != BACKGROUND).any(axis=2).any(axis=1)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], inked, [False]]).astype(np.int8)))
    return list(zip(edges[::2], edges[1::2], strict=True))


@pytest.mark.parametrize("size", [(1920, 1080), (640, 360), (320, 180), (160, 90)])
def test_name_state_and_sentence_are_all_there(gui, size):
    pixels = drawn(gui, size, Message("front-door", "no signal", SENTENCE))
    lines = lines_of_text(pixels)
    assert len(lines) >= 3
    white = (pixels > 240).all(axis=2)
    orange = (pixels == (0xFF, 0xB7, 0x4D)).all(axis=2)
    assert white[lines[0][0] : lines[0][1]].sum() > 20
    assert orange[lines[1][0] : lines[1][1]].sum() > 20
    for edge in (pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]):
        assert (edge == BACKGROUND).all(), "text keeps off the edges"


@pytest.mark.parametrize("size", [(48, 27), (16, 9), (1, 1), (400, 8)])
def test_a_tile_too_small_for_text_does_no_harm(gui, size):
    assert drawn(gui, size, Message("front-door", "no signal", SENTENCE)).shape == (size[1], size[0], 3)


def test_letters_keep_their_size_on_a_dense_screen(gui):
    plain = lines_of_text(drawn(gui, (640, 360), Message("door", "no signal", "")))
    dense = lines_of_text(drawn(gui, (1280, 720), Message("door", "no signal", ""), 2.0))
    assert dense[0][1] - dense[0][0] >= 1.7 * (plain[0][1] - plain[0][0])


def test_wrapping_keeps_every_word_where_there_is_room(gui):
    metrics = QFontMetrics(QFont("DejaVu Sans", 10))
    lines = wrap(SENTENCE, metrics, 150, 20)
    assert " ".join(lines) == SENTENCE
    assert all(metrics.horizontalAdvance(line) <= 150 for line in lines)


def test_what_does_not_fit_ends_in_an_ellipsis(gui):
    metrics = QFontMetrics(QFont("DejaVu Sans", 10))
    lines = wrap(SENTENCE, metrics, 150, 2)
    assert len(lines) == 2
    assert lines[-1].endswith("…")
    assert wrap(SENTENCE, metrics, 150, 0) == []
    assert wrap("", metrics, 150, 3) == []


def test_a_word_wider_than_the_line_is_broken(gui):
    metrics = QFontMetrics(QFont("DejaVu Sans", 10))
    lines = wrap("rtsp://camera.example/a/very/long/path/to/a/stream", metrics, 100, 9)
    assert "".join(lines) == "rtsp://camera.example/a/very/long/path/to/a/stream"
    assert all(metrics.horizontalAdvance(line) <= 100 for line in lines)


@pytest.mark.parametrize(
    ("status", "seen", "message"),
    [
        (StreamStatus(stream="door", state="unauthorized", sentence="No."), True, ("login refused", "No.")),
        (StreamStatus(stream="door", state="live"), False, ("waiting for a picture", "")),
        (StreamStatus(stream="door", state="live"), True, ("no pictures", "No picture has come for 2 s.")),
    ],
)
def test_what_is_told(status, seen, message):
    assert message_of(status, seen=seen, silent_s=2.0) == Message("door", *message)
