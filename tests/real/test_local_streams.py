"""Files, pages and test pictures as streams of a media process; the test plays the supervisor."""

import itertools
from pathlib import Path

import numpy as np
import pytest
from tests.real.media_process import Media
from tests.real.test_file_sources import drawn, write

from camgraph.graph.nodes import DeviceSource, FileSource, HttpSource, SyntheticSource

COUNT = 10


def test_each_kind_of_source_says_how_it_fares(media: Media, tmp_path: Path) -> None:
    clip = write(tmp_path / "clip.mp4")
    whole = clip.read_bytes()
    broken = tmp_path / "broken.mp4"
    start, end = whole.index(b"mdat") + 4, whole.index(b"moov") - 4
    broken.write_bytes(whole[:start] + b"\x55" * (end - start) + whole[end:])
    foreign = write(tmp_path / "foreign.mkv")
    foreign.write_bytes(foreign.read_bytes().replace(b"V_MPEG4/ISO/AVC", b"V_MPEG4/ISO/XYZ"))
    media.run(
        once=FileSource(id="once", path=str(clip)),
        loop=FileSource(id="loop", path=str(clip), loop=True),
        broken=FileSource(id="broken", path=str(broken)),
        spinning=FileSource(id="spinning", path=str(broken), loop=True, speed="fast"),
        foreign=FileSource(id="foreign", path=str(foreign)),
        absent=FileSource(id="absent", path=str(tmp_path / "absent.mp4")),
        unplugged=DeviceSource(id="unplugged", path="/dev/video-that-is-absent"),
        refused=HttpSource(id="refused", url="http://127.0.0.1:1/"),
        picture=SyntheticSource(id="picture", size=(322, 242), fps=30),
    )
    expected = {
        "once": ("stopped", "ended"),
        "broken": ("unsupported", "not_media"),
        "spinning": ("unsupported", "not_media"),
        "foreign": ("unsupported", "codec_unknown"),
        "absent": ("not_found", "not_found"),
        "unplugged": ("not_found", "no_device"),
        "refused": ("backing_off", "refused"),
    }
    for name, (state, reason) in expected.items():
        status = media.until_state(name, state)
        assert status.reason == reason, status
        assert len(status.sentence) > 20
    passed = [state for state, _ in itertools.groupby(media.history("once"))]
    assert passed == ["resolving", "opening", "waiting_for_keyframe", "live", "stopped"]
    counts = media.statistics()
    assert counts["once"].received == COUNT
    assert counts["once"].attempts == 1
    media.until(lambda: media.statistics()["loop"].received > 2 * COUNT)
    assert media.state("loop") == media.state("picture") == "live"
    assert media.statistics()["loop"].attempts == 1
    frame = media.read("picture").read(5)
    assert (frame.width, frame.height) == (322, 242)


def test_a_fast_file_begins_with_its_first_reader(media: Media, tmp_path: Path) -> None:
    media.run(fast=FileSource(id="fast", path=str(write(tmp_path / "clip.mp4", count=30)), speed="fast"))
    media.until_state("fast", "live")
    reader = media.read("fast", "rgb24")
    shown = []
    for _ in range(3):
        frame = reader.read(5)
        shown.append(int(frame.array[200, 300, 0]))
    assert shown[0] == pytest.approx(drawn(0, 320, 240)[200, 300, 0], abs=9)
    assert np.all(np.diff(shown) > 0)
    media.until_state("fast", "stopped")
