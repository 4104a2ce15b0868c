"""Clips: what is in them, how they are kept, and what becomes of a damaged or unwritable cache."""

import logging
import os
from pathlib import Path

import av
import numpy as np
import pytest

from camgraph.testing import clips, picture
from camgraph.testing.clips import FRAMES, GOP, ClipRequest, ClipStore, EncodingCancelled
from camgraph.testing.pattern import decode
from camgraph.testing.tone import a_law, tone

SMALL = ClipRequest(camera=3, width=160, height=90, fps=25)


def go_on() -> bool:
    return False


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[bytes]]:
    directory = tmp_path_factory.mktemp("cache") / "camgraph" / "clips"
    return directory, ClipStore(directory).make(SMALL, go_on)


def the_file(directory: Path) -> Path:
    [path] = directory.iterdir()
    return path


def test_a_clip_shows_every_number_and_loops(small: tuple[Path, list[bytes]]) -> None:
    _, units = small
    decoder = av.VideoCodecContext.create("h264", "r")
    decoder.thread_count = 1
    seen = []
    for unit in units + units:
        seen += [decode(np.asarray(frame.to_ndarray()[:90])) for frame in decoder.decode(av.Packet(unit))]
    seen += [decode(np.asarray(frame.to_ndarray()[:90])) for frame in decoder.decode(None)]
    assert [(found.number, found.camera) for found in seen] == [(at % FRAMES, 3) for at in range(2 * FRAMES)]
    assert FRAMES % picture.PERIOD == 0
    assert FRAMES % GOP == 0


def test_every_second_begins_with_a_keyframe_that_needs_nothing_else(small: tuple[Path, list[bytes]]) -> None:
    _, units = small
    for at in range(0, FRAMES, GOP):
        decoder = av.VideoCodecContext.create("h264", "r")
        decoder.thread_count = 1
        [frame] = [*decoder.decode(av.Packet(units[at])), *decoder.decode(None)]
        assert frame.key_frame
        assert decode(np.asarray(frame.to_ndarray()[:90])).number == at


def test_a_kept_clip_is_found_and_private(small: tuple[Path, list[bytes]]) -> None:
    directory, units = small
    assert ClipStore(directory).find(SMALL) == units
    assert directory.stat().st_mode & 0o777 == 0o700
    assert the_file(directory).stat().st_mode & 0o777 == 0o600
    for other in (
        ClipRequest(4, 160, 90, 25),
        ClipRequest(3, 162, 90, 25),
        ClipRequest(3, 160, 92, 25),
        ClipRequest(3, 160, 90, 24),
    ):
        assert ClipStore(directory).find(other) is None


@pytest.mark.parametrize("damage", ["cut", "bit", "empty", "other", "longer"])
def test_a_damaged_clip_is_not_used(
    damage: str, small: tuple[Path, list[bytes]], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    source = the_file(small[0])
    data = source.read_bytes()
    middle = len(data) // 2
    damaged = {
        "cut": data[:middle],
        "bit": data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :],
        "empty": b"",
        "other": b"something else",
        "longer": data + b"\0",
    }
    (tmp_path / source.name).write_bytes(damaged[damage])
    with caplog.at_level(logging.WARNING):
        assert ClipStore(tmp_path).find(SMALL) is None
    assert "damaged" in caplog.text


def test_a_clip_is_kept_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    store = ClipStore(tmp_path)
    monkeypatch.setattr(os, "replace", full)
    assert len(store.make(SMALL, go_on)) == FRAMES
    assert list(tmp_path.iterdir()) == []


def test_encoding_stops_when_asked(tmp_path: Path) -> None:
    with pytest.raises(EncodingCancelled):
        ClipStore(tmp_path).make(SMALL, lambda: True)
    assert list(tmp_path.iterdir()) == []


def test_without_a_writable_cache_clips_are_made_and_it_is_told_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("no directory")
    with caplog.at_level(logging.WARNING):
        store = ClipStore(blocked / "clips")
        assert store.find(SMALL) is None
        assert len(store.make(SMALL, go_on)) == FRAMES
    [record] = caplog.records
    assert "XDG_CACHE_HOME" in record.getMessage()


@pytest.mark.parametrize(
    ("cache", "home", "directory"),
    [
        ("/there", "/home/somebody", "/there/camgraph/clips"),
        ("", "/home/somebody", "/home/somebody/.cache/camgraph/clips"),
        ("relative", "/home/somebody", "/home/somebody/.cache/camgraph/clips"),
    ],
)
def test_where_clips_are_kept(cache: str, home: str, directory: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", cache)
    monkeypatch.setenv("HOME", home)
    assert clips._default_directory() == Path(directory)


def test_the_tone_is_a_law_and_loops() -> None:
    decoder = av.AudioCodecContext.create("pcm_alaw", "r")
    decoder.sample_rate, decoder.layout = 8000, "mono"
    samples = list(range(-32768, 32768, 7))
    [frame] = decoder.decode(av.Packet(bytes(map(a_law, samples))))
    decoded = frame.to_ndarray()[0].astype(int)
    assert np.all(np.abs(decoded - samples) <= np.maximum(np.abs(samples) / 16, 16))
    packets = tone(160)
    assert {len(packet) for packet in packets} == {160}
    sound = b"".join(packets)
    assert sound == sound[:200] * (len(sound) // 200)
