"""Encoded packets of cameras, as a program reads them: decoded again they are the camera's pictures."""

import io
import os
import signal
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from uuid import uuid4

import av
import numpy as np
import pytest

import camgraph as cg
from camgraph.cli.camera_child import Codec
from camgraph.testing.cameras import Cameras
from camgraph.testing.clips import FRAMES, ClipRequest, ClipStore
from camgraph.testing.pattern import decode
from camgraph.testing.waiting import wait_until

SIZE = (320, 180)
CODECS: tuple[Codec, ...] = ("h264", "h265")
ENOUGH = 25


@pytest.fixture(scope="module", params=CODECS)
def codec(request: pytest.FixtureRequest) -> Codec:
    return request.param  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def cameras(codec: Codec) -> Iterator[Cameras]:
    with Cameras(count=1, size=SIZE, codec=codec) as cameras:
        yield cameras


class Items:
    """What a reader has got so far."""

    def __init__(self, reader: cg.Reader) -> None:
        self._reader = reader
        self.data: list[bytes] = []
        self.keyframes: list[bool] = []
        self.epochs: list[int] = []
        self.lost = 0

    def take(self) -> "Items":
        while (frame := self._reader.read_nowait()) is not None:
            self.data.append(bytes(frame.memory))
            self.keyframes.append(frame.keyframe)
            self.epochs.append(frame.epoch)
            assert not frame.corrupt
            assert frame.array.shape == (len(frame.memory),)
        counts = self._reader.statistics()
        self.lost = counts.late + counts.behind
        return self


def collect(*readers: Items, until: int, of: bytes) -> None:
    """Read until each reader has so many items of a kind."""

    def done() -> bool:
        counts = [sum(item[4:8] == of for item in reader.take().data) for reader in readers]
        return min(counts) >= until

    wait_until(done, 20, f"{until} of {of!r}")


def numbers_of(frames: Iterable[av.VideoFrame]) -> list[int]:
    read = [decode(np.asarray(frame.to_ndarray()[: SIZE[1]])) for frame in frames]
    assert all(found.ok and found.number is not None for found in read)
    return [found.number or 0 for found in read]


def played(boxes: Sequence[bytes]) -> tuple[list[int], list[float]]:
    """Return the numbers and times (s) of the pictures of a file."""
    with av.open(io.BytesIO(b"".join(boxes)), "r") as container:
        assert (container.streams.video[0].width, container.streams.video[0].height) == SIZE
        frames = list(container.decode(video=0))
    return numbers_of(frames), [frame.time or 0.0 for frame in frames]


def follow_one_another(numbers: Sequence[int]) -> bool:
    return all(after == (before + 1) % FRAMES for before, after in pairwise(numbers))


def names(boxes: Sequence[bytes]) -> list[str]:
    assert all(int.from_bytes(box[:4]) == len(box) for box in boxes)
    return [box[4:8].decode() for box in boxes]


def test_boxes_make_a_file_of_all_pictures_for_each_reader(site: cg.Site) -> None:
    request = site.streams["door"].packets(format="fmp4")
    first = Items(site.read(request))
    collect(first, until=10, of=b"mdat")
    second = Items(site.read(request))
    collect(first, second, until=ENOUGH, of=b"mdat")
    for reader in (first, second):
        assert reader.lost == 0
        assert names(reader.data[:4]) == ["ftyp", "moov", "moof", "mdat"]
        assert reader.keyframes[:4] == [False, False, True, True]
        whole = reader.data[: len(reader.data) // 2 * 2]
        numbers, times = played(whole)
        assert len(numbers) == names(whole).count("mdat")
        assert follow_one_another(numbers)
        assert np.diff(times) == pytest.approx(0.04, abs=0.011)
    statistics = site.statistics().streams["door"]
    assert [(ring.format, ring.readers) for ring in statistics.rings] == [("fmp4", 2)]
    # The first picture is decoded to learn its size; nobody asked for others.
    assert statistics.decoded <= 2


def test_nal_units_decode_to_all_pictures(site: cg.Site, codec: Codec) -> None:
    reader = Items(site.read(site.streams["door"].packets()))
    wait_until(lambda: len(reader.take().data) >= ENOUGH, 20, "units")
    decoder = av.VideoCodecContext.create("hevc" if codec == "h265" else "h264", "r")
    frames: list[av.VideoFrame] = []
    for unit in reader.data:
        assert unit.startswith(b"\0\0\0\1")
        for packet in decoder.parse(unit):
            frames += decoder.decode(packet)
    # Parameter sets first: three of H.265.
    types = [unit[4] >> 1 & 63 if codec == "h265" else unit[4] & 31 for unit in reader.data]
    assert types[: 3 if codec == "h265" else 2] == ([32, 33, 34] if codec == "h265" else [7, 8])
    assert reader.keyframes[0]
    assert reader.lost == 0
    numbers = numbers_of(frames)
    assert len(numbers) > ENOUGH / 2
    assert follow_one_another(numbers)


def test_after_the_death_of_the_media_process_boxes_begin_with_the_header_again(site: cg.Site) -> None:
    reader = Items(site.read(site.streams["door"].packets(format="fmp4")))
    collect(reader, until=10, of=b"mdat")
    epoch = reader.epochs[-1]
    (media,) = site.statistics().media
    os.kill(media.pid, signal.SIGKILL)
    wait_until(lambda: reader.take().epochs[-1] > epoch, 20, "another process")
    begun = reader.epochs.index(reader.epochs[-1])
    wait_until(lambda: len(reader.take().data) >= begun + 2 + 2 * ENOUGH, 20, "boxes")
    again = reader.data[begun:]
    assert names(again[:4]) == ["ftyp", "moov", "moof", "mdat"]
    assert reader.keyframes[begun + 2]
    numbers, _ = played(again[: len(again) // 2 * 2])
    assert len(numbers) >= ENOUGH
    assert follow_one_another(numbers)


def test_when_a_camera_comes_back_its_header_comes_again_and_time_goes_on() -> None:
    graph = cg.Graph()
    with Cameras(count=1, size=SIZE) as cameras:
        graph.rtsp("door", cameras.urls[0])
        with graph.start() as site:
            reader = Items(site.read(site.streams["door"].packets(format="fmp4")))
            collect(reader, until=5, of=b"mdat")
            cameras.kill()
            wait_until(lambda: site.streams["door"].status.state == "backing_off", 20)
            before = len(reader.take().data)
            cameras.restart()
            wait_until(lambda: len(reader.take().data) >= before + 2 + 2 * 30, 30, "the new connection")
    assert names(reader.data[before : before + 3]) == ["ftyp", "moov", "moof"]
    assert len(set(reader.epochs)) == 1
    _, first = played(reader.data[: before // 2 * 2])
    _, later = played(reader.data[before : len(reader.data) // 2 * 2])
    assert later[0] == pytest.approx(first[-1] + 0.04, abs=0.02)


def test_a_published_ring_of_boxes_is_read_by_its_name_and_sends_the_header_when_told_to() -> None:
    graph, ring = cg.Graph(), f"/boxes {uuid4().hex[:8]}"
    with Cameras(count=1, size=SIZE) as cameras, cg.read(ring, policy="every", leases=16) as named:
        reader = Items(named)
        graph.publish(
            "boxes", graph.rtsp("door", cameras.urls[0]), ring=ring, format="fmp4", size=(1 << 16, 1)
        )
        with graph.start() as site:
            collect(reader, until=5, of=b"mdat")
            site.published("boxes").resend_headers()
            collect(reader, until=2, of=b"moov")
            collect(reader, until=10, of=b"mdat")
            assert names(reader.data[:4]) == ["ftyp", "moov", "moof", "mdat"]
            again = names(reader.data).index("ftyp", 1)
            assert reader.data[again : again + 2] == reader.data[:2]
            assert reader.lost == 0
            numbers, _ = played(reader.data[: len(reader.data) // 2 * 2])
            assert len(numbers) >= 10
            assert follow_one_another(numbers)


def test_packets_of_a_file_go_on_over_its_passes(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    clip = ClipStore().make(ClipRequest(1, *SIZE, 25, "h264"), lambda: False)[:25]
    with av.open(io.BytesIO(b"".join(clip)), "r", format="h264") as raw, av.open(str(path), "w") as container:
        stream = container.add_stream_from_template(raw.streams.video[0])
        for number, unit in enumerate(clip):
            packet = av.Packet(unit)
            packet.stream, packet.time_base, packet.is_keyframe = stream, Fraction(1, 25), not number
            packet.pts = packet.dts = number
            container.mux(packet)
    graph = cg.Graph()
    graph.file("clip", str(path), loop=True)
    with graph.start() as site:
        boxes = Items(site.read(site.streams["clip"].packets(format="fmp4")))
        units = Items(site.read(site.streams["clip"].packets(format="nal")))

        def both_read() -> bool:
            # Always both: a ring does not wait for who does not read.
            counts = len(units.take().data), len(boxes.take().data) // 2
            return min(counts) >= 35

        wait_until(both_read, 20, "two passes")
    numbers, times = played(boxes.data[: len(boxes.data) // 2 * 2])
    assert numbers == [(numbers[0] + at) % 25 for at in range(len(numbers))]
    assert np.diff(times) == pytest.approx(0.04, abs=0.001)
    assert [unit[4] & 31 for unit in units.data[:2]] == [7, 8]
    assert boxes.lost == units.lost == 0
