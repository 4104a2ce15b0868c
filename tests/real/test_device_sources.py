"""Cameras at this machine: real ones where there are any, and what is said where there are none."""

import itertools
from pathlib import Path

import pytest

from camgraph.base.errors import SourceError
from camgraph.media.decode import VideoDecoder
from camgraph.media.sources.device import DeviceSource

DEVICES = sorted(Path("/dev").glob("video*"))


def why_not(path: Path | str) -> SourceError:
    source = DeviceSource(str(path), (640, 360), 25.0)
    source.resolve()
    with pytest.raises(SourceError) as caught:
        source.open()
    source.close()
    source.close()
    assert caught.value.__cause__ is caught.value.__context__ is None
    assert str(path) in str(caught.value)
    return caught.value


def test_what_can_not_be_used_is_told_in_a_sentence(tmp_path: Path) -> None:
    ordinary = tmp_path / "file"
    ordinary.write_text("This is no camera.")
    assert why_not("/dev/video-that-is-absent").reason == "no_device"
    assert why_not(ordinary / "below").reason == "no_device"
    assert why_not(ordinary).reason == "not_media"
    assert why_not(tmp_path).reason == "not_media"
    assert why_not("/dev/null").reason == "not_media"


@pytest.mark.skipif(not DEVICES, reason="this machine has no camera")
def test_a_camera_of_this_machine_gives_pictures() -> None:
    source = DeviceSource(str(DEVICES[0]))
    source.resolve()
    decoder = VideoDecoder(source.open())
    packets = list(itertools.islice(source.packets(), 5))
    source.close()
    assert [picture for packet in packets for picture in decoder.decode(packet)]
    for early, late in itertools.pairwise(packets):
        assert early.capture_ns < late.capture_ns
