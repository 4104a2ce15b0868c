"""The boxes of a fragmented MP4 file (ISO/IEC 14496-12) with one track of H.264 or H.265 (14496-15)."""

import struct
from collections.abc import Sequence

from camgraph.media.packets.nal import H264, Syntax
from camgraph.media.packets.sps import read_h264, read_h265, without_prevention

TIMESCALE = 90_000
"""Ticks per second of all times."""
_TRACK = 1
_UNITY = struct.pack(">9i", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
_PLAIN_H264 = (66, 77, 88)
"""Profiles whose avcC ends with the sets."""
_MOOF = struct.Struct(">I4s I4sII I4s I4sII I4sIQ I4sIIi IIIi")
_TRAF_BYTES, _TFHD_BYTES, _TFDT_BYTES, _TRUN_BYTES = 80, 16, 20, 36
_BASE_IS_MOOF = 0x020000
_HAS_ALL = 0x01000F01
"""Version 1: offsets may be negative. The data's place; of the sample duration, size, flags and offset."""
_INDEPENDENT, _DEPENDENT = 0x02000000, 0x01010000


def file_type() -> bytes:
    """Return the box ``ftyp``."""
    return _box(b"ftyp", b"iso5", struct.pack(">I", 512), b"iso5iso6mp41")


def movie(syntax: Syntax, sets: Sequence[bytes]) -> bytes:
    """Return the box ``moov`` of a track with these parameter sets, which are complete.

    Raises ValueError if they can't be read.
    """
    return _box(
        b"moov",
        _full(b"mvhd", 0, struct.pack(">4I", 0, 0, 1000, 0), _presentation()),
        _track(syntax, sets),
        _box(b"mvex", _full(b"trex", 0, struct.pack(">5I", _TRACK, 1, 0, 0, 0))),
    )


def fragment(number: int, time: int, duration: int, offset: int, keyframe: bool, size: int) -> bytes:
    """Return the box ``moof`` of a fragment with one sample of `size` bytes, which the next box has.

    Times in ticks: `time` of decoding, `offset` from there to presentation.
    """
    return _MOOF.pack(
        *(_MOOF.size, b"moof"),
        *(16, b"mfhd", 0, number),
        *(_TRAF_BYTES, b"traf"),
        *(_TFHD_BYTES, b"tfhd", _BASE_IS_MOOF, _TRACK),
        *(_TFDT_BYTES, b"tfdt", 1 << 24, time),
        *(_TRUN_BYTES, b"trun", _HAS_ALL, 1, _MOOF.size + 8),
        *(duration, size, _INDEPENDENT if keyframe else _DEPENDENT, offset),
    )


def data(units: Sequence[bytes]) -> bytes:
    """Return the box ``mdat`` of a sample of these NAL units."""
    pieces = [b""]
    size = 8
    for unit in units:
        pieces += (len(unit).to_bytes(4), unit)
        size += 4 + len(unit)
    pieces[0] = struct.pack(">I4s", size, b"mdat")
    return b"".join(pieces)


def _track(syntax: Syntax, sets: Sequence[bytes]) -> bytes:
    sps = next(unit for unit in sets if syntax.kind(unit) == (7 if syntax is H264 else 33))
    sequence = read_h264(sps) if syntax is H264 else read_h265(sps)
    width, height = sequence.width, sequence.height
    entry = _box(
        b"avc1" if syntax is H264 else b"hvc1",
        struct.pack(">6xH16x2H2I4xH32xHh", 1, width, height, 0x480000, 0x480000, 1, 24, -1),
        _avcc(sets) if syntax is H264 else _hvcc(sets),
    )
    table = _box(
        b"stbl",
        _full(b"stsd", 0, struct.pack(">I", 1), entry),
        *(_full(name, 0, bytes(4)) for name in (b"stts", b"stsc")),
        _full(b"stsz", 0, bytes(8)),
        _full(b"stco", 0, bytes(4)),
    )
    place = _box(b"dinf", _full(b"dref", 0, struct.pack(">I", 1), _full(b"url ", 1)))
    media = _box(
        b"mdia",
        _full(b"mdhd", 0, struct.pack(">4I2H", 0, 0, TIMESCALE, 0, 0x55C4, 0)),
        _full(b"hdlr", 0, struct.pack(">I4s12x", 0, b"vide"), b"video\0"),
        _box(b"minf", _full(b"vmhd", 1, bytes(8)), place, table),
    )
    head = struct.pack(">5I8x4H", 0, 0, _TRACK, 0, 0, 0, 0, 0, 0)
    shown = struct.pack(">2I", width << 16, height << 16)
    return _box(b"trak", _full(b"tkhd", 3, head, _UNITY, shown), media)


def _presentation() -> bytes:
    # Rate and volume 1, then which track would be the next one.
    return struct.pack(">IH10x", 0x10000, 0x100) + _UNITY + struct.pack(">24xI", _TRACK + 1)


def _avcc(sets: Sequence[bytes]) -> bytes:
    sps = [unit for unit in sets if H264.kind(unit) == 7]
    pps = [unit for unit in sets if H264.kind(unit) == 8]
    body = bytes((1, *sps[0][1:4], 0xFF, 0xE0 | len(sps))) + _sized(sps) + bytes((len(pps),)) + _sized(pps)
    if sps[0][1] not in _PLAIN_H264:
        told = read_h264(sps[0])
        body += bytes((0xFC | told.chroma, 0xF8 | told.luma_bits - 8, 0xF8 | told.chroma_bits - 8, 0))
    return _box(b"avcC", body)


def _hvcc(sets: Sequence[bytes]) -> bytes:
    by_kind: dict[int, list[bytes]] = {}
    for unit in sets:
        by_kind.setdefault(unit[0] >> 1 & 0x3F, []).append(unit)
    told = read_h265(by_kind[33][0])
    body = bytes((1,)) + without_prevention(by_kind[33][0])[3:15]
    body += struct.pack(">HB", 0xF000, 0xFC)
    body += bytes((0xFC | told.chroma, 0xF8 | told.luma_bits - 8, 0xF8 | told.chroma_bits - 8, 0, 0))
    body += bytes((told.temporal_layers << 3 | told.nested << 2 | 3, len(by_kind)))
    for kind, units in by_kind.items():
        body += struct.pack(">BH", 0x80 | kind, len(units)) + _sized(units)
    return _box(b"hvcC", body)


def _sized(units: Sequence[bytes]) -> bytes:
    if max(map(len, units)) > 0xFFFF:
        raise ValueError("a parameter set is too long")
    return b"".join(len(unit).to_bytes(2) + unit for unit in units)


def _box(name: bytes, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return struct.pack(">I4s", 8 + len(body), name) + body


def _full(name: bytes, flags: int, *parts: bytes) -> bytes:
    return _box(name, struct.pack(">I", flags), *parts)
