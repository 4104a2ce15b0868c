"""Drawing and encoding a clip: H.264 as a camera sends it."""

from fractions import Fraction

import av

from camgraph.testing.clips import FRAMES, GOP, ClipRequest, EncodingCancelled, Progress
from camgraph.testing.picture import draw_yuv420p

_BT709 = 1
_LIMITED = 1


def encode(request: ClipRequest, progress: Progress) -> list[bytes]:
    """Return the access units of a clip, Annex B, parameter sets with each keyframe.

    Raises EncodingCancelled if `progress` says so, ValueError if no such picture can be drawn.
    """
    codec = av.VideoCodecContext.create("libx264", "w")
    codec.width, codec.height, codec.pix_fmt = request.width, request.height, "yuv420p"
    codec.time_base, codec.framerate = Fraction(1, request.fps), Fraction(request.fps)
    codec.color_range = _LIMITED
    codec.colorspace = codec.color_primaries = codec.color_trc = _BT709
    # One slice a frame, no frame ahead of its time: what a camera sends.
    codec.thread_count = 1
    codec.options = {
        "preset": "ultrafast",
        "tune": "zerolatency",
        "crf": "23",
        "x264-params": f"keyint={GOP}:min-keyint={GOP}:scenecut=0:sliced-threads=0:repeat-headers=1",
    }
    units: list[bytes] = []
    planes = None
    for number in range(FRAMES):
        # Into the same memory each time: fresh pages cost as much as the drawing.
        planes = draw_yuv420p(number, request.camera, request.width, request.height, planes)
        frame = av.VideoFrame.from_ndarray(planes, format="yuv420p")
        frame.pts = number
        units += map(bytes, codec.encode(frame))
        if progress():
            raise EncodingCancelled
    return units + [bytes(packet) for packet in codec.encode(None)]
