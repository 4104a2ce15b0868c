"""Pictures in the size and pixel format asked for: scaled in YUV, then converted unscaled.

swscale does two such steps at half the cost of one. Colour matrix and range are always given to it: what a
camera does not tell is taken to be ITU-R 709 from 720 lines on, else 601, and limited range.
"""

from typing import NamedTuple

import av
from av.video.reformatter import ColorRange as SwsRange
from av.video.reformatter import Colorspace as SwsMatrix
from av.video.reformatter import Interpolation, VideoReformatter

from camgraph.base.pixels import PixelFormat
from camgraph.media.halve import halved_towards
from camgraph.media.planes import Planes, planes_of_frame
from camgraph.ring.layout import ColorRange, Colorspace

_HD_LINES = 720
_MATRICES: dict[int, Colorspace] = {1: "bt709", 5: "bt470bg", 6: "smpte170m", 9: "bt2020nc"}  # ITU-T H.273
_SWS_MATRICES: dict[Colorspace, SwsMatrix] = {
    "bt709": SwsMatrix.ITU709,
    "bt470bg": SwsMatrix.ITU601,
    "smpte170m": SwsMatrix.ITU601,
    "bt2020nc": SwsMatrix.BT2020,
}
_SWS_RANGES: dict[ColorRange, SwsRange] = {"tv": SwsRange.MPEG, "pc": SwsRange.JPEG}
_RGB_WIDTH_STEP = 8
_NATIVE = {"yuv420p", "yuvj420p"}


class Color(NamedTuple):
    """How the numbers of a picture stand for colours."""

    matrix: Colorspace
    range: ColorRange
    """``tv``: limited, 16 to 235; ``pc``: full."""


def color_of(frame: av.VideoFrame) -> Color:
    """Return the colours of a decoded frame, the unspecified decided."""
    matrix = _MATRICES.get(int(frame.colorspace))
    if matrix is None:
        matrix = "bt709" if frame.height >= _HD_LINES else "smpte170m"
    full = frame.color_range == SwsRange.JPEG or frame.format.name.startswith("yuvj")
    return Color(matrix, "pc" if full else "tv")


class Converter:
    """Converts the frames of one stream to one format and size (0, 0: each frame's own)."""

    def __init__(self, name: PixelFormat, width: int, height: int) -> None:
        self._format, self._width, self._height = name, width, height
        self._as_is = name == "yuv420p" and not width
        self._native, self._scale, self._convert = VideoReformatter(), VideoReformatter(), VideoReformatter()
        self._padded: av.VideoFrame | None = None

    def convert(self, frame: av.VideoFrame, color: Color) -> Planes:
        """Return the planes of `frame` as asked; they stay valid as long as they are referenced.

        RGB and grey pictures are of full range, YUV pictures keep the range of the frame.
        """
        native = frame.format.name in _NATIVE
        if native and self._as_is:
            return planes_of_frame(frame, "yuv420p")
        width, height = self._width or frame.width, self._height or frame.height
        grey = self._format == "gray8"
        if not native:
            frame = self._step(self._native, frame, color, frame.width, frame.height, "yuv420p", color.range)
        frame = halved_towards(frame, width, height)
        # Grey is the luma plane stretched to full range: swscale's own grey takes the 601 matrix.
        luma_range: ColorRange = "pc" if grey else color.range
        if (frame.width, frame.height, color.range) != (width, height, luma_range):
            frame = self._step(self._scale, frame, color, width, height, "yuv420p", luma_range)
        if grey:
            return planes_of_frame(frame, "yuv420p")[:1]
        if self._format == "nv12":
            frame = self._step(self._convert, frame, color, width, height, "nv12", color.range)
        elif self._format != "yuv420p":
            padded = self._pad(frame)
            rgb = self._step(self._convert, padded, color, padded.width, padded.height, self._format, "pc")
            return [plane[:height, :width] for plane in planes_of_frame(rgb, self._format)]
        return planes_of_frame(frame, self._format)

    def _pad(self, frame: av.VideoFrame) -> av.VideoFrame:
        """Return the frame, or a copy in a larger one that swscale turns into RGB fast and to its very edge.

        Of rows whose length is no multiple of 8 it may leave the last four pixels unwritten, and with an odd
        number of rows it takes 4 to 40 times as long.
        """
        width = -(-frame.width // _RGB_WIDTH_STEP) * _RGB_WIDTH_STEP
        height = -(-frame.height // 2) * 2
        if (width, height) == (frame.width, frame.height):
            return frame
        padded = self._padded
        if padded is None or (padded.width, padded.height) != (width, height):
            padded = self._padded = av.VideoFrame(width, height, "yuv420p")
        for plane, larger in zip(
            planes_of_frame(frame, "yuv420p"), planes_of_frame(padded, "yuv420p"), strict=True
        ):
            larger[: plane.shape[0], : plane.shape[1]] = plane
        return padded

    def _step(
        self,
        with_: VideoReformatter,
        frame: av.VideoFrame,
        color: Color,
        width: int,
        height: int,
        name: str,
        into: ColorRange,
    ) -> av.VideoFrame:
        return with_.reformat(
            frame,
            width,
            height,
            name,
            src_colorspace=_SWS_MATRICES[color.matrix],
            dst_colorspace=_SWS_MATRICES[color.matrix],
            interpolation=Interpolation.AREA,
            src_color_range=_SWS_RANGES[color.range],
            dst_color_range=_SWS_RANGES[into],
            threads=1,
        )
