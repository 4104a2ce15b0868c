"""Drawing and encoding a clip: H.264, H.265 and JPEG as a camera sends them."""

from fractions import Fraction

import av
from av.video.reformatter import ColorRange, Colorspace

from camgraph.testing.clips import FRAMES, GOP, ClipRequest, EncodingCancelled, Progress
from camgraph.testing.picture import draw_yuv420p

JPEG_STEP_PX, MAX_JPEG_PX = 8, 2040
"""The sides that RTP can tell (RFC 2435)."""
_BT709 = 1
_LIMITED = 1
_ENCODERS = {"h264": "libx264", "h265": "libx265", "mjpeg": "mjpeg"}
_EVERY_GOP = f"keyint={GOP}:min-keyint={GOP}:scenecut=0:repeat-headers=1"
# One slice a frame, no frame ahead of its time: what a camera sends.
_OPTIONS = {
    "h264": {
        "preset": "ultrafast",
        "tune": "zerolatency",
        "crf": "23",
        "x264-params": f"{_EVERY_GOP}:sliced-threads=0",
    },
    "h265": {
        "preset": "ultrafast",
        "tune": "zerolatency",
        "crf": "26",
        "x265-params": f"{_EVERY_GOP}:open-gop=0:bframes=0:pools=none:frame-threads=1:info=0:log-level=none",
    },
    # RTP carries no Huffman tables but the standard's own; receivers want two quantization tables (RFC 2435).
    "mjpeg": {"huffman": "default", "qmin": "5", "qmax": "5", "force_duplicated_matrix": "1"},
}


def encode(request: ClipRequest, progress: Progress) -> list[bytes]:
    """Return the access units of a clip: Annex B, parameter sets with each keyframe; or JPEG files.

    Raises EncodingCancelled if `progress` says so, ValueError if no such picture can be drawn.
    """
    jpeg = request.codec == "mjpeg"
    if jpeg and any(side % JPEG_STEP_PX or side > MAX_JPEG_PX for side in (request.width, request.height)):
        raise ValueError(
            f"{request.width}x{request.height}: JPEG needs sides that {JPEG_STEP_PX} divides, "
            f"of at most {MAX_JPEG_PX} px"
        )
    codec = av.VideoCodecContext.create(_ENCODERS[request.codec], "w")
    assert isinstance(codec, av.VideoCodecContext)
    codec.width, codec.height = request.width, request.height
    codec.pix_fmt = "yuvj420p" if jpeg else "yuv420p"
    codec.time_base, codec.framerate = Fraction(1, request.fps), Fraction(request.fps)
    if not jpeg:
        codec.color_range = _LIMITED
        codec.colorspace = codec.color_primaries = codec.color_trc = _BT709
    codec.thread_count = 1
    codec.options = _OPTIONS[request.codec]
    units: list[bytes] = []
    planes = None
    for number in range(FRAMES):
        # Into the same memory each time: fresh pages cost as much as the drawing.
        planes = draw_yuv420p(number, request.camera, request.width, request.height, planes)
        frame = av.VideoFrame.from_ndarray(planes, format="yuv420p")
        if jpeg:
            frame = _as_jfif(frame)
        frame.pts = number
        units += map(bytes, codec.encode(frame))
        if progress():
            raise EncodingCancelled
    return units + [bytes(packet) for packet in codec.encode(None)]


def _as_jfif(frame: av.VideoFrame) -> av.VideoFrame:
    """Return a frame in JPEG's colours: matrix of ITU-R 601, full range."""
    return frame.reformat(
        format="yuvj420p",
        src_colorspace=Colorspace.ITU709,
        dst_colorspace=Colorspace.ITU601,
        src_color_range=ColorRange.MPEG,
        dst_color_range=ColorRange.JPEG,
    )
