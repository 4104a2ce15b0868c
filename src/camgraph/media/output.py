"""One ring, as one request wants it."""

from fractions import Fraction
from typing import cast

import av

from camgraph.base.pixels import PixelFormat, is_item_format
from camgraph.control.messages import RingStatistics
from camgraph.media.convert import Color, Converter
from camgraph.media.decode import Picture
from camgraph.media.filters import Tap
from camgraph.media.pace import Pace
from camgraph.media.region import Cropper, fit
from camgraph.media.ring_numbers import ring_statistics
from camgraph.ring.protocol import RingRequest
from camgraph.ring.writer import FrameMeta, RingWriter, planned_bytes

_NATIVE: PixelFormat = "yuv420p"


def bytes_for(request: RingRequest, size: tuple[int, int], fps: float, leases: int) -> int:
    """Return how much memory a ring for a request takes at most, of a camera with pictures of that size.

    Raises ValueError, with a sentence, if the request can't be served from such pictures.
    """
    return planned_bytes(
        _pixels_of(request), *fit(request, *size).size, fps=request.fps or fps, leases=leases
    )


def _pixels_of(request: RingRequest) -> PixelFormat:
    if is_item_format(request.format):
        raise ValueError(f"{request.format!r} is no format of pictures")
    return cast(PixelFormat, request.format or _NATIVE)


class Output:
    """Makes the pictures of one ring. `publish` belongs to the stream's thread, the rest to the loop's.

    `allowed_bytes` is the memory that the ring may take: pictures of another size wait until it is enough.
    """

    def __init__(
        self, request: RingRequest, epoch: int, size: tuple[int, int], fps: float, *, patient: bool = False
    ) -> None:
        """Raise ValueError, with a sentence, if the request can't be served from pictures of that size.

        `patient`: frames wait for slow readers (see `RingWriter`).
        """
        self.request = request
        self.tap: Tap | None = None
        """What decides which pictures pass; None: all do."""
        self.allowed_bytes = 0
        self.unfit = 0
        self._format = _pixels_of(request)
        self._fit = fit(request, *size)
        self._fps = request.fps or fps
        self.writer = RingWriter(
            request.stream, self._format, *self._fit.size, epoch=epoch, fps=self._fps, patient=patient
        )
        self._cropper: Cropper | None = None
        self._converter = Converter(self._format, request.width, request.height)
        self._pace = Pace(request.fps) if request.fps else None
        self._rgb = self._format in ("bgra", "bgr24", "rgb24")
        self._aspects: tuple[object, Fraction] | None = None

    def planned_bytes(self, size: tuple[int, int], leases: int = 0) -> int:
        """Return the most memory that the ring takes with so many leases more, once pictures have that size.

        Pictures that can't serve the request take none.
        """
        if size != self._fit.source:
            try:
                return bytes_for(self.request, size, self._fps, self.writer.leases + leases)
            except ValueError:
                return 0
        return self.writer.planned_bytes(leases)

    def publish(self, picture: Picture, color: Color, codec_generation: int) -> bool:
        """Convert and write a picture if anybody reads and the rate allows; False: nothing was converted."""
        frame, packet = picture.frame, picture.packet
        if not self.writer.readers:
            return False
        if self._pace is not None and not self._pace.accept(frame.pts, packet.time_base, packet.arrival_ns):
            return False
        if self._fit.source != (frame.width, frame.height) and not self._adapt(frame.width, frame.height):
            self.unfit += 1
            return False
        if self._fit.region is not None:
            frame = self._crop(frame)
        planes = self._converter.convert(frame, color)
        meta = FrameMeta(
            pts=frame.pts,
            time_base=packet.time_base,
            capture_ns=packet.capture_ns,
            capture_quality=packet.capture_quality,
            arrival_ns=packet.arrival_ns,
            keyframe=frame.key_frame,
            interlaced=frame.interlaced_frame,
            codec_generation=codec_generation,
            color_range="pc" if self._rgb or self._format == "gray8" else color.range,
            colorspace="rgb" if self._rgb else color.matrix,
            sample_aspect=self._aspect(frame, picture.sample_aspect),
            tag=0 if self.tap is None else self.tap.tag,
        )
        self.writer.publish(planes, meta)
        return True

    def statistics(self) -> RingStatistics:
        """Return what was asked and what came of it."""
        return ring_statistics(self.request, self.writer, self._format, self._fit.size, self.unfit)

    def _adapt(self, width: int, height: int) -> bool:
        """Go over to pictures of another size, if they serve the request and there is memory for them."""
        try:
            new = fit(self.request, width, height)
        except ValueError:
            return False
        if new.size != self._fit.size:
            if self.planned_bytes((width, height)) > self.allowed_bytes:
                return False
            self.writer.reshape(self._format, *new.size)
        self._fit, self._cropper = new, None
        return True

    def _crop(self, frame: av.VideoFrame) -> av.VideoFrame:
        assert self._fit.region is not None
        if self._cropper is None or not self._cropper.fits(frame):
            self._cropper = Cropper(self._fit.region, frame)
        return self._cropper.crop(frame)

    def _aspect(self, frame: av.VideoFrame, sample_aspect: Fraction) -> Fraction:
        if not self.request.width:
            return sample_aspect
        source = (sample_aspect, frame.width, frame.height)
        if self._aspects is None or self._aspects[0] != source:
            stretched = Fraction(source[1] * self._fit.size[1], source[2] * self._fit.size[0])
            self._aspects = source, (source[0] * stretched).limit_denominator(1 << 16)
        return self._aspects[1]
