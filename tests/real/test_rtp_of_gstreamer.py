"""Streams that GStreamer encodes and sends by RTP: what comes out shows and sounds as what went in."""

import shutil
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

import av
import pytest

from camgraph.media.rtp.depacketize import depacketizer_for
from camgraph.media.rtp.receiver import RtpReceiver

_FRAMES = 12
_VIDEO = f"videotestsrc num-buffers={_FRAMES} pattern=snow ! video/x-raw,format=I420,width=320,height=240"
_SOUND = f"audiotestsrc wave=pink-noise num-buffers={_FRAMES} ! audio/x-raw,rate=16000,channels=1"
_H264 = f"{_VIDEO} ! x264enc tune=zerolatency key-int-max=5 option-string=slices=3"
_ANNEX_B = "! h264parse ! video/x-h264,stream-format=byte-stream,alignment=au"
_ADTS = "! aacparse ! audio/mpeg,stream-format=adts"
_AAC = f"{_SOUND} ! audioconvert ! avenc_aac ! aacparse"
_STREAMS = {
    "h264": ("H264", {}, _H264, "rtph264pay aggregate-mode=none config-interval=-1", _ANNEX_B),
    "h264, aggregated": (
        "H264",
        {},
        _H264,
        "rtph264pay aggregate-mode=max-stap config-interval=-1",
        _ANNEX_B,
    ),
    "h265": (
        "H265",
        {},
        f"{_VIDEO} ! x265enc tune=zerolatency key-int-max=5",
        "rtph265pay aggregate-mode=max config-interval=-1",
        "! h265parse ! video/x-h265,stream-format=byte-stream,alignment=au",
    ),
    "jpeg": ("JPEG", {}, f"{_VIDEO} ! jpegenc", "rtpjpegpay", ""),
    "aac": ("MPEG4-GENERIC", {"config": "1408"}, _AAC, "rtpmp4gpay", _ADTS),
    "latm": ("MP4A-LATM", {"config": "40002810adca00"}, _AAC, "rtpmp4apay", _ADTS),
}


def sent(path: Path, source: str, payloader: str, plain: str) -> list[bytes]:
    """Return the packets that a stream is sent in; beside them it is written to `path` as it is."""
    if shutil.which("gst-launch-1.0") is None:
        pytest.skip("there is no GStreamer")
    pipeline = f"{source} ! tee name=both ! queue ! {payloader} ! rtpstreampay ! fdsink "
    pipeline += f"both. ! queue {plain} ! filesink location={path}"
    run = subprocess.run(["gst-launch-1.0", "-q", *pipeline.split()], capture_output=True, timeout=60)
    if b"no element" in run.stderr:
        pytest.skip(run.stderr.decode().strip())
    assert run.returncode == 0, run.stderr.decode()
    return list(_framed(run.stdout))


def _framed(data: bytes) -> Iterator[bytes]:
    at = 0
    while at < len(data):
        size = int.from_bytes(data[at : at + 2], "big")
        yield data[at + 2 : at + 2 + size]
        at += 2 + size


def frames_of(path: Path, codec: str) -> Iterator[bytes]:
    """Give what FFmpeg makes of a file without container."""
    with av.open(str(path), format=codec) as container:
        for packet in container.demux():
            yield from map(_bytes_of, packet.decode())


def frames(codec: str, units: Iterable[bytes], extradata: bytes) -> Iterator[bytes]:
    """Give what FFmpeg makes of units."""
    context = av.CodecContext.create(codec, "r")
    context.thread_count = 1
    context.extradata = extradata or None
    for packet in (*map(av.Packet, units), None):
        yield from map(_bytes_of, context.decode(packet))  # type: ignore[attr-defined]


def _bytes_of(frame: object) -> bytes:
    if isinstance(frame, av.VideoFrame):
        return frame.to_ndarray(format="gray").tobytes()
    assert isinstance(frame, av.AudioFrame)
    return frame.to_ndarray().tobytes()


@pytest.mark.parametrize("name", _STREAMS)
def test_what_comes_is_what_was_sent(name: str, tmp_path: Path) -> None:
    encoding, parameters, source, payloader, plain = _STREAMS[name]
    path = tmp_path / "plain"
    packets = sent(path, source, payloader, plain)
    found = depacketizer_for(encoding, parameters)
    assert found is not None
    codec, depacketizer = found
    extradata = depacketizer.parameter_sets if codec == "aac" else b""
    receiver = RtpReceiver(depacketizer, payload_type=packets[0][1] & 0x7F, clock_rate=90_000, ordered=True)
    units = [unit for packet in packets for unit in receiver.receive(packet, 0)] + depacketizer.flush()
    assert not any(unit.damaged for unit in units)
    expected = list(frames_of(path, codec))
    shown = list(frames(codec, (unit.data for unit in units), extradata))
    if encoding == "MP4A-LATM":
        # What comes before the first marker may lack its beginning; a frame sounds right after another one.
        shown, expected = shown[1:], expected[2:]
    assert len(shown) >= _FRAMES - 2
    assert shown == expected
