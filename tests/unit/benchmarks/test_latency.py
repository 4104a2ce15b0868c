import struct
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from benchmarks.latency.framebuffer import FILE, NotAFramebuffer, open_framebuffer, view
from benchmarks.latency.matching import MAX_AGE_NS, Stamp, ages_ms
from benchmarks.latency.rhythm import intervals_off_ms, taken
from camgraph.testing.pattern import decode, draw
from camgraph.testing.screens import screen

MS = 1_000_000
HEADER_BYTES, COLORS = 160, 3


def xwd(picture: npt.NDArray[np.uint8], *, version: int = 7, bits: int = 32) -> bytes:
    height, width, _ = picture.shape
    stride = width * 4 + 8
    fields = [HEADER_BYTES, version, 2, 24, width, height, 0, 0, 32, 0, 32, bits, stride, 4]
    fields += [0xFF0000, 0xFF00, 0xFF, 8, 256, COLORS, width, height, 0, 0, 0]
    header = struct.pack(">25I", *fields).ljust(HEADER_BYTES + COLORS * 12, b"\0")
    rows = np.zeros((height, stride), np.uint8)
    rows[:, : width * 4].reshape(height, width, 4)[:, :, :3] = picture[:, :, ::-1]
    return header + rows.tobytes()


def test_a_frame_seen_is_the_last_one_sent_with_its_number() -> None:
    sent = [Stamp(7, 10_100 * MS), Stamp(7, 100 * MS), Stamp(8, 140 * MS)]
    assert ages_ms(sent, [Stamp(7, 145 * MS), Stamp(8, 190 * MS), Stamp(7, 10_142 * MS)]) == [45, 50, 42]


def test_frames_nobody_sent_or_that_are_too_old_are_left_out() -> None:
    sent = [Stamp(7, 100 * MS)]
    assert ages_ms(sent, [Stamp(9, 150 * MS), Stamp(7, 99 * MS)]) == []
    assert ages_ms(sent, [Stamp(7, 100 * MS + MAX_AGE_NS), Stamp(7, 101 * MS + MAX_AGE_NS)]) == [5000]


def test_the_framebuffer_is_seen_as_it_was_drawn() -> None:
    picture = draw(123, 4, 320, 180)
    pixels = view(xwd(picture))
    assert pixels.shape == (180, 320, 4)
    assert (pixels[:, :, 2::-1] == picture).all()
    found = decode(pixels)
    assert (found.ok, found.number, found.camera) == (True, 123, 4)


@pytest.mark.parametrize("change", [{"version": 6}, {"bits": 16}])
def test_other_framebuffers_are_refused(change: dict[str, int]) -> None:
    with pytest.raises(NotAFramebuffer, match="needed are 7 and 32"):
        view(xwd(draw(1, 1, 160, 90), **change))


def test_a_file_cut_short_is_refused() -> None:
    data = xwd(draw(1, 1, 160, 90))
    with pytest.raises(NotAFramebuffer, match="do not fit"):
        view(data[:-1])
    with pytest.raises(NotAFramebuffer, match="too short"):
        view(data[:50])


def test_a_real_screen_can_be_seen(tmp_path: Path) -> None:
    with screen(320, 200, framebuffer_in=tmp_path):
        assert (tmp_path / FILE).exists()
        pixels = open_framebuffer(tmp_path)
        assert pixels.shape == (200, 320, 4)
        assert not pixels.flags.writeable


def test_frames_were_due_when_those_least_late_were_sent() -> None:
    late_ms = [30, 5, 20, 5]
    sent = [Stamp(7 + index, (1000 + 40 * index + late) * MS) for index, late in enumerate(late_ms)]
    assert taken(sent, 40 * MS) == [Stamp(7 + index, (1005 + 40 * index) * MS) for index in range(4)]


def test_intervals_are_off_by_what_they_differ_from_the_period() -> None:
    seen = [Stamp(number, at_ms * MS) for number, at_ms in ((1, 0), (2, 43), (3, 80), (5, 160))]
    assert intervals_off_ms(seen, 40 * MS) == [3, 3, 40]
