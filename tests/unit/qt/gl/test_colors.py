"""YUV becomes the RGB it was made of."""

import av
import numpy as np
import pytest
from av.video.reformatter import ColorRange, Colorspace, VideoReformatter

from camgraph.qt.gl.colors import conversion


@pytest.mark.parametrize("color_range", ["tv", "pc"])
@pytest.mark.parametrize(
    ("colorspace", "known"), [("bt709", Colorspace.ITU709), ("smpte170m", Colorspace.ITU601)]
)
def test_the_same_as_swscale(colorspace, color_range, known) -> None:
    """To two levels: swscale computes with whole numbers."""
    levels = np.arange(16, 240, 8)
    yuv = np.stack(np.meshgrid(levels, levels[::4], levels[::4]), axis=-1).reshape(-1, 3).astype(np.uint8)
    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(yuv.T[:, None, :]), "yuv444p")
    limits = {"tv": ColorRange.MPEG, "pc": ColorRange.JPEG}
    rgb = VideoReformatter().reformat(
        frame,
        format="rgb24",
        src_colorspace=known,
        dst_colorspace=known,
        src_color_range=limits[color_range],
        dst_color_range=ColorRange.JPEG,
    )
    expected = rgb.to_ndarray()[0].astype(int)
    matrix, offset = conversion(colorspace, color_range)
    found = np.clip(yuv / 255 @ np.array(matrix).T + offset, 0, 1) * 255
    assert np.abs(found - expected).max() <= 2


def test_grey_has_no_colour() -> None:
    for colorspace in ("bt709", "smpte170m", "bt2020nc", "unspecified"):
        matrix, offset = conversion(colorspace, "tv")
        for level, expected in ((16, 0), (235, 1)):
            yuv = np.array([level, 128, 128]) / 255
            assert np.allclose(np.array(matrix) @ yuv + offset, expected, atol=1e-9)
