"""The handle of a declared stream."""

import operator
from typing import Any, Literal, NamedTuple

from camgraph.base.pixels import PixelFormat
from camgraph.graph.request_values import check_request
from camgraph.graph.spec import FrameRequest, ReadPolicy


class Stream(NamedTuple):
    """A declared stream: the name by which frames of it are asked for, anywhere."""

    name: str

    def frames(
        self,
        *,
        format: PixelFormat | None = None,  # noqa: A002
        roi: tuple[int, int, int, int] | None = None,
        size: tuple[int, int] | None = None,
        fps: float | None = None,
        policy: ReadPolicy = "latest",
        leases: int = 3,
    ) -> FrameRequest:
        """Return a request for frames of this stream; it costs nothing until somebody reads.

        `format` None: as the camera sends it. `roi` is the part of the picture that is wanted, (x, y, width,
        height) in px of the camera's picture; what of it lies outside is cut off, and odd edges move outwards
        by a pixel. `size` is (width, height) in px of the result (None: that of the part), `fps` an upper
        bound. With policy ``latest`` a slow reader gets the newest frame, with ``every`` all in order as long
        as the ring holds them. `leases` is how many frames the reader may hold at a time. Raises GraphError.
        """
        request = FrameRequest(
            stream=self.name,
            format=format,
            roi=whole_numbers(roi),
            size=whole_numbers(size),
            fps=None if fps is None else float(fps),
            policy=policy,
            leases=leases,
        )
        check_request(request)
        return request

    def packets(
        self,
        *,
        format: Literal["nal", "fmp4"] = "nal",  # noqa: A002
        policy: ReadPolicy = "every",
        leases: int = 16,
    ) -> FrameRequest:
        """Return a request for this stream as the camera has encoded it: nothing is decoded for that.

        ``nal``: a NAL unit of H.264 or H.265 each, after the start code 00 00 00 01, parameter sets before
        each key frame; of other codecs a packet each. ``fmp4``: a box of a fragmented MP4 file each, of H.264
        and H.265: ``ftyp``, ``moov``, then a ``moof`` and a ``mdat`` for each picture; written one after
        another they are a file, or what a browser plays. A reader begins with the parameter sets, or the
        header, and a key frame. `Frame.memory` has the bytes, `Frame.keyframe` tells what belongs to a key
        frame, and `Frame.corrupt` that data is missing. What comes after a loss (`Reader.statistics`) may
        need what is missing. Raises GraphError.
        """
        request = FrameRequest(stream=self.name, format=format, policy=policy, leases=leases)
        check_request(request)
        return request


def whole_numbers(value: Any) -> Any:
    """Return pixels as a tuple of plain integers: a graph is plain data. What has none is left as it is."""
    try:
        return tuple(map(operator.index, value))
    except TypeError:
        return value
