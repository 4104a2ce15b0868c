# mypy: disable-error-code="arg-type, list-item"
"""What can't be is refused by a sentence that names it and says what would do; nothing has changed then."""

import numpy as np
import pytest
from qtpy.QtCore import QPointF

import camgraph as cg
from camgraph.qt import (
    Box,
    HeatMap,
    InStep,
    Label,
    Mask,
    Polygon,
    Smooth,
    StreamModel,
    VideoWall,
    VideoWidget,
    View,
    Zone,
    mime_of,
)


@pytest.fixture
def widget(gui, make_site):
    site = make_site(door=(1280, 720))
    widget = VideoWidget(site.streams["door"])
    widget.resize(640, 360)
    widget.show()
    gui.play(site.streams["door"], widget)
    return widget


REFUSED = {
    "a name": (lambda it: it.set_stream("door"), TypeError, r"site\.streams\['door'\] say, not 'door'"),
    "a declaration": (
        lambda it: it.set_stream(cg.Graph().test_picture("door")),
        TypeError,
        r"'door' is declared, and not live: give site\.streams\['door'\]",
    ),
    "an address": (
        lambda it: VideoWidget("rtsp://user:secret@host/1"),
        TypeError,
        r"not 'rtsp://\*\*\*@host/1'",
    ),
    "a fit": (lambda it: setattr(it, "view", "cover"), TypeError, r"View\(fit='cover'\) say, not 'cover'"),
    "no view": (lambda it: setattr(it, "view", None), TypeError, "not None"),
    "a factor": (lambda it: it.zoom_by(0), ValueError, "above 0, and finite, not 0"),
    "a pair": (lambda it: it.zoom_by(2, (1, 2)), TypeError, r"QPointF, not \(1, 2\)"),
    "a rate": (lambda it: setattr(it, "max_fps", "a"), TypeError, "max_fps is a number, not 'a'"),
    "a score": (lambda it: Box(0, 0, 9, 9, 0.93), TypeError, r"a label is a text, not 0\.93: write str"),
    "a number": (lambda it: Label(0, 0, 42), TypeError, r"not 42: write str\(42\)"),
    "half a region": (lambda it: HeatMap(np.ones((2, 2)), (1, 2)), ValueError, "x, y, width and height"),
    "a list": (lambda it: HeatMap([[1.0]]), TypeError, "a heat map is an array of numpy's, not"),
    "a list of masks": (lambda it: Mask([[True]]), TypeError, "a mask is an array of numpy's"),
    "a contour": (
        lambda it: Polygon(np.ones((4, 1, 2), np.int32)),
        ValueError,
        r"contour\.reshape\(-1, 2\)",
    ),
    "numbers": (lambda it: Zone("a", [1, 2, 3]), ValueError, r"pairs \(x, y\), not \[1, 2, 3\]"),
    "one box": (lambda it: it.set_boxes(Box(0, 0, 1, 1)), TypeError, r"items are several: write \[Box\("),
    "one zone": (
        lambda it: it.set_zones(Zone("a", [(0, 0), (1, 0), (1, 1)])),
        TypeError,
        r"zones are several: write \[Zone\(",
    ),
    "text for ms": (lambda it: Smooth("a"), TypeError, "longest_ms is a number, not 'a'"),
    "a long hold": (lambda it: it.hold_results(5000), ValueError, "up_to_ms is 0 to 2000 ms, not 5000"),
    "no key": (lambda it: it.add_result("abc", []), TypeError, "the key of its frame, frame.key, not 'abc'"),
    "half a key": (lambda it: it.add_result((1, 2), []), TypeError, r"frame\.key, not \(1, 2\)"),
    "a wall of a name": (lambda it: VideoWall("door"), TypeError, "streams are site.streams, or a list"),
    "a wall of names": (lambda it: VideoWall(["door"]), TypeError, r"site\.streams\['door'\] say"),
    "rates": (lambda it: VideoWall([], rates=3), TypeError, r"\{160: 5\} say, not 3"),
    "a model of streams": (
        lambda it: StreamModel(it.stream.site.streams),
        TypeError,
        r"StreamModel\(site\), not",
    ),
    "mime of a name": (lambda it: mime_of("door"), TypeError, "a stream is one of site.streams"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_can_not_be_is_refused_and_changes_nothing(widget, name):
    ask, error, told = REFUSED[name]
    before = widget.stream, widget.view, widget.max_fps, widget.presentation
    with pytest.raises(error, match=told):
        ask(widget)
    assert (widget.stream, widget.view, widget.max_fps, widget.presentation) == before


def test_numbers_of_numpy_are_numbers(widget):
    widget.max_fps = np.float32(12.5)
    widget.zoom_by(np.float64(2))
    widget.presentation = InStep(np.int64(300))
    widget.set_boxes([Box(np.float32(1), np.int16(2), 3, 4)])
    assert widget.view.zoom == 2


def test_a_point_of_the_widget_is_a_pixel_of_the_camera(widget):
    widget.view = View(fit="cover", quarter_turns=1, mirrored=True, zoom=1.5)
    for point in (QPointF(0, 0), QPointF(321.5, 77.25), QPointF(640, 360)):
        source = widget.to_source(point)
        back = widget.from_source(source)
        assert (back.x(), back.y()) == pytest.approx((point.x(), point.y()))
    widget.view = View()
    middle = widget.to_source(QPointF(320, 180))
    assert (middle.x(), middle.y()) == (640, 360)
    assert VideoWidget().to_source(QPointF(1, 1)) is None


def test_a_stream_that_is_not_there_is_told_with_those_that_are():
    with cg.Graph().start() as site, pytest.raises(KeyError, match="no stream is named 'hall'"):
        site.streams["hall"]
