"""JPEG out of RTP: whole files, whose headers are written anew."""

from collections.abc import Iterator
from typing import NamedTuple

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.media.rtp_streams import TICKS, encoded, flat, pictures, received, sent

from camgraph.media.rtp.depacketize.jpeg import JpegDepacketizer
from camgraph.media.rtp.depacketize.jpeg_tables import HUFFMAN_TABLES, quantization_tables
from camgraph.media.rtp.units import AccessUnit

SIZE = (160, 96)
_TYPES = {cv2.IMWRITE_JPEG_SAMPLING_FACTOR_422: 0, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420: 1}


class File(NamedTuple):
    """A JPEG file taken apart."""

    data: bytes
    tables: bytes
    interval: int
    scan: bytes
    kind: int


def made(sampling: int = cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420, *, interval: int = 0) -> File:
    """Return a file of noise, with restart markers each `interval` blocks."""
    options = (cv2.IMWRITE_JPEG_SAMPLING_FACTOR, sampling, cv2.IMWRITE_JPEG_RST_INTERVAL, interval)
    noise = np.random.default_rng(1).integers(0, 255, (SIZE[1], SIZE[0], 3), np.uint8)
    data = cv2.imencode(".jpg", noise, options)[1].tobytes()
    segments = list(_segments(data))
    tables = b"".join(segment[5:] for kind, segment in segments if kind == 0xDB)
    told = next((segment[4:] for kind, segment in segments if kind == 0xDD), b"")
    scan = data[sum(len(segment) for _, segment in segments) + 2 :]
    return File(data, tables, int.from_bytes(told, "big"), scan, _TYPES[sampling])


def _segments(data: bytes) -> Iterator[tuple[int, bytes]]:
    at = 2
    while data[at] == 0xFF:
        size = 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        yield data[at + 1], data[at : at + size]
        if data[at + 1] == 0xDA:
            return
        at += size


def payloads(
    file: File, q: int = 255, *, tables: bool = True, size: tuple[int, int] = SIZE, bytes_each: int = 1000
) -> list[bytes]:
    """Return the payloads that carry a file as RFC 2435 says."""
    sent = []
    for offset in range(0, len(file.scan), bytes_each):
        kind = file.kind | (64 if file.interval else 0)
        head = b"\0" + offset.to_bytes(3, "big") + bytes((kind, q, size[0] // 8, size[1] // 8))
        if file.interval:
            head += file.interval.to_bytes(2, "big") + b"\xff\xff"
        if q >= 128 and not offset:
            content = file.tables if tables else b""
            head += b"\0\0" + len(content).to_bytes(2, "big") + content
        sent.append(head + file.scan[offset : offset + bytes_each])
    return sent


def take(depacketizer: JpegDepacketizer, parts: list[bytes], timestamp: int = 0) -> list[AccessUnit]:
    units = []
    for number, part in enumerate(parts):
        units += depacketizer.push(part, 0, len(part), timestamp, number == len(parts) - 1)
    return units


def picture(data: bytes) -> bytes:
    (found,) = pictures("mjpeg", [data])
    return found


def test_a_stream_shows_what_went_in() -> None:
    clip = encoded("mjpeg", count=3)
    units = received(JpegDepacketizer(), flat(sent("mjpeg", clip)))
    assert pictures("mjpeg", [unit.data for unit in units]) == pictures("mjpeg", clip)
    assert [unit.timestamp for unit in units] == [0, TICKS, 2 * TICKS]
    assert all(unit.keyframe and not unit.damaged for unit in units)
    assert HUFFMAN_TABLES in clip[0], "those of the standard, as the encoder has them"


@pytest.mark.parametrize("sampling", _TYPES)
@pytest.mark.parametrize("interval", [0, 3])
def test_each_type(sampling: int, interval: int) -> None:
    file = made(sampling, interval=interval)
    assert file.interval == interval
    assert (b"\xff\xd0" in file.scan) == bool(interval)
    (unit,) = take(JpegDepacketizer(), payloads(file))
    assert picture(unit.data) == picture(file.data)
    assert unit.data[:11] == b"\xff\xd8\xff\xe0\0\x10JFIF\0"
    assert unit.data.endswith(file.scan[-50:])


def test_tables_of_a_quality() -> None:
    middle = quantization_tables(50)
    assert middle[:4] == b"\xff\xdb\0\x84"
    assert (middle[4], middle[69]) == (0, 1)
    assert list(middle[5:15]) == [16, 11, 12, 14, 12, 10, 16, 14, 13, 14]
    assert list(middle[70:80]) == [17, 18, 18, 24, 21, 24, 47, 26, 26, 47]
    # RFC 2435, 4.2: S = 5000 / Q below 50, 200 - 2 Q from there on.
    assert [quantization_tables(q)[5] for q in (1, 10, 25, 75, 99)] == [255, 80, 32, 8, 1]
    assert not quantization_tables(0)
    assert not quantization_tables(100)


def test_a_quality_may_stand_for_tables() -> None:
    file = made()
    (unit,) = take(JpegDepacketizer(), payloads(file, 75))
    assert quantization_tables(75) in unit.data
    assert not take(JpegDepacketizer(), payloads(file, 100)), "reserved"


def test_tables_in_band_are_kept_by_their_name() -> None:
    file = made()
    depacketizer = JpegDepacketizer()
    assert not take(depacketizer, payloads(file, 130, tables=False)), "not known yet"
    assert [picture(unit.data) for unit in take(depacketizer, payloads(file, 130))] == [picture(file.data)]
    assert [picture(unit.data) for unit in take(depacketizer, payloads(file, 130, tables=False), 1)] == [
        picture(file.data)
    ]
    assert not take(depacketizer, payloads(file, 131, tables=False), 2)
    assert take(depacketizer, payloads(file, 255), 3)
    assert not take(depacketizer, payloads(file, 255, tables=False), 4), "255 names none"


@pytest.mark.parametrize("count", [1, 3])
def test_other_counts_of_tables(count: int) -> None:
    file = made()
    grey = file._replace(tables=(file.tables * 2)[: 64 * count])
    (unit,) = take(JpegDepacketizer(), payloads(grey))
    segments = dict(_segments(unit.data))
    assert len(segments[0xDB]) == 4 + 65 * min(count, 2)
    assert picture(unit.data)


def test_tables_of_16_bits() -> None:
    file = made()
    wide = b"".join(bytes((0, value)) for value in file.tables[:64])
    first = payloads(file)[0]
    first = first[:8] + b"\0\x01\0\xc0" + wide + file.tables[64:] + first[8 + 4 + 128 :]
    (unit,) = take(JpegDepacketizer(), [first, *payloads(file)[1:]])
    assert not unit.damaged
    assert dict(_segments(unit.data))[0xDB][4] == 0x10
    assert picture(unit.data) == picture(file.data)


def test_a_size_that_packets_do_not_tell_is_the_described_one() -> None:
    file = made()
    assert not take(JpegDepacketizer(), payloads(file, size=(0, 0)))
    (unit,) = take(JpegDepacketizer(SIZE), payloads(file, size=(0, 0)))
    assert picture(unit.data) == picture(file.data)
    (unit,) = take(JpegDepacketizer((2560, 1920)), payloads(file))
    assert picture(unit.data) == picture(file.data)


def test_a_marker_may_be_missing() -> None:
    file = made()
    depacketizer = JpegDepacketizer()
    units = []
    for timestamp in (0, 1):
        for part in payloads(file):
            units += depacketizer.push(part, 0, len(part), timestamp, False)
    units += depacketizer.flush()
    assert [(unit.timestamp, unit.damaged) for unit in units] == [(0, False), (1, False)]
    assert [picture(unit.data) for unit in units] == 2 * [picture(file.data)]


@pytest.mark.parametrize("missing", ["first", "middle", "last"])
def test_what_a_gap_leaves(missing: str) -> None:
    file = made()
    first, *middle, last = payloads(file)
    depacketizer = JpegDepacketizer()
    units = []
    for number, part in enumerate((first, *middle, last)):
        gone = {"first": not number, "middle": number == 2, "last": part is last}[missing]
        if gone:
            depacketizer.lost()
        else:
            units += depacketizer.push(part, 0, len(part), 0, part is last)
    units += take(depacketizer, payloads(file), 1)
    assert [(unit.timestamp, unit.damaged) for unit in units] == [
        *([(0, True)] if missing != "first" else []),
        (1, False),
    ]
    assert picture(units[-1].data) == picture(file.data)


@given(
    st.lists(
        st.tuples(
            st.builds(
                lambda offset, kind, q: b"\0" + offset.to_bytes(3, "big") + bytes((kind, q, 2, 2)),
                st.integers(0, 12),
                st.sampled_from([0, 1, 64, 65, 2, 255]),
                st.sampled_from([0, 50, 100, 128, 255]),
            )
            | st.binary(max_size=9),
            st.binary(max_size=9) | st.binary(min_size=132, max_size=150),
            st.integers(0, 3),
            st.sampled_from(["", "marker", "lost", "flush"]),
        )
    )
)
def test_whatever_comes_does_no_harm(packets: list[tuple[bytes, bytes, int, str]]) -> None:
    depacketizer = JpegDepacketizer()
    for head, body, timestamp, event in packets:
        if event == "lost":
            depacketizer.lost()
        elif event == "flush":
            depacketizer.flush()
        payload = head + body
        for unit in depacketizer.push(payload, 0, len(payload), timestamp, event == "marker"):
            assert unit.data[:2] == b"\xff\xd8"
            assert unit.data[-2:] == b"\xff\xd9"
