"""The test picture: it moves, and is as large and as fast as asked for."""

import itertools
import threading
import time

import numpy as np
import pytest
from numpy.typing import NDArray

from camgraph.base.errors import ClosedError
from camgraph.media.convert import Converter, color_of
from camgraph.media.decode import VideoDecoder
from camgraph.media.source import Packet
from camgraph.media.sources.synthetic import SyntheticSource


def drawn(size: tuple[int, int], fps: float, count: int) -> tuple[list[Packet], list[NDArray[np.uint8]]]:
    """Return so many packets, and their pictures in RGB."""
    source = SyntheticSource(size, fps)
    source.resolve()
    info = source.open()
    assert (info.width, info.height) == size
    assert info.fps == pytest.approx(fps, rel=1e-3)
    decoder = VideoDecoder(info)
    packets = list(itertools.islice(source.packets(), count))
    source.close()
    frames = [picture.frame for packet in packets for picture in decoder.decode(packet)]
    return packets, [Converter("rgb24", 0, 0).convert(frame, color_of(frame))[0] for frame in frames]


@pytest.mark.parametrize(
    ("size", "fps"),
    [((640, 360), 25.0), ((319, 241), 29.97), ((1, 1), 100.0), ((2, 7), 1000.0), ((1920, 1080), 60.0)],
)
def test_it_has_the_size_and_the_rate_that_were_asked_for(size: tuple[int, int], fps: float) -> None:
    packets, pictures = drawn(size, fps, 8)
    assert len(pictures) == 8
    assert all(picture.shape == (*size[::-1], 3) for picture in pictures)
    steps_s = [float((late.pts - early.pts) * late.time_base) for early, late in itertools.pairwise(packets)]  # type: ignore[operator]
    assert steps_s == pytest.approx([1 / fps] * 7, rel=1e-3)
    took_s = (packets[-1].arrival_ns - packets[0].arrival_ns) / 1e9
    assert took_s > 7 / fps - 0.01
    captured_s = np.diff([packet.capture_ns for packet in packets]) / 1e9
    assert captured_s == pytest.approx([1 / fps] * 7, abs=0.02)


def test_it_moves_and_has_colours() -> None:
    _, pictures = drawn((640, 360), 100.0, 10)
    for early, late in itertools.pairwise(pictures):
        assert (early != late).any(axis=2).mean() > 0.005
    colours = {tuple(pixel // 128) for pixel in pictures[0].reshape(-1, 3)}
    assert len(colours) == 8


def test_a_slow_one_can_be_cancelled() -> None:
    source = SyntheticSource((64, 64), 0.1)
    source.open()
    packets = source.packets()
    next(packets)
    timer = threading.Timer(0.1, source.cancel)
    timer.start()
    started = time.monotonic()
    with pytest.raises(ClosedError):
        next(packets)
    assert time.monotonic() - started < 1
    timer.join()
    source.close()
