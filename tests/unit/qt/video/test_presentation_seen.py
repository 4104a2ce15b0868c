"""When a picture is seen, by the pixels of a widget; what came too late is not, and is counted."""

import time

import numpy as np
import pytest

from camgraph.qt import Fixed, Now, VideoWidget
from camgraph.ring.writer import FrameMeta

MS = 1_000_000
SIZE = (64, 36)
RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)


@pytest.mark.parametrize("presentation", [Now(), Fixed(250)])
def test_a_picture_is_seen_from_its_time_on(gui, make_site, presentation) -> None:
    site = make_site(door=SIZE)
    widget = VideoWidget(site.streams["door"])
    widget.presentation = presentation
    widget.resize(*SIZE)
    widget.show()
    gui.until(lambda: site.readers("door"))
    delay_ms = presentation.delay_ms if isinstance(presentation, Fixed) else 0

    def send(color: tuple[int, int, int], age_ms: float = 0) -> int:
        now = time.monotonic_ns()
        red, green, blue = color
        for request, ring in site.rings.items():
            picture = np.full((request.height, request.width, 4), (blue, green, red, 0), np.uint8)
            meta = FrameMeta(capture_ns=time.time_ns() - int(age_ms * MS), arrival_ns=now)
            ring.publish([picture], meta)
        return now - int(age_ms * MS)

    def color() -> tuple[int, ...]:
        (found,) = {tuple(map(int, pixel)) for pixel in gui.pixels(widget).reshape(-1, 3)}
        return found

    send(RED)
    gui.until(lambda: widget.statistics().shown and color() == RED)
    due = send(BLUE) + delay_ms * MS
    while (seen := color()) == RED:
        gui.turn()
    assert seen == BLUE
    assert -2 * MS <= time.monotonic_ns() - due <= 100 * MS
    # Of two that are late already only the newer one is seen.
    send(GREEN, age_ms=delay_ms + 50)
    due = send(RED, age_ms=delay_ms + 20) + delay_ms * MS
    while (seen := color()) == BLUE:
        gui.turn()
    assert seen == RED
    numbers = widget.statistics()
    lost = numbers.overdue if delay_ms else numbers.superseded
    assert (numbers.shown, numbers.lost, lost) == (3, 1, 1)
