"""Payloads of RTP put together again, by encoding."""

from collections.abc import Mapping

from camgraph.media.rtp.depacketize.aac import AacDepacketizer, LatmDepacketizer
from camgraph.media.rtp.depacketize.g711 import G711Depacketizer
from camgraph.media.rtp.depacketize.h264 import H264Depacketizer
from camgraph.media.rtp.depacketize.h265 import H265Depacketizer
from camgraph.media.rtp.depacketize.jpeg import JpegDepacketizer
from camgraph.media.rtp.units import Depacketizer


def depacketizer_for(
    encoding: str, parameters: Mapping[str, str], size: tuple[int, int] = (0, 0)
) -> tuple[str, Depacketizer] | None:
    """Return FFmpeg's name of the codec, and what puts it together; None: the encoding is not known.

    `encoding` in capitals, `parameters` (the fmtp line) by names in small letters, and `size` (px) are of the
    stream's description.
    """
    match encoding:
        case "H264":
            return "h264", H264Depacketizer(parameters)
        case "H265":
            return "hevc", H265Depacketizer(parameters)
        case "JPEG":
            return "mjpeg", JpegDepacketizer(size)
        case "MPEG4-GENERIC":
            return "aac", AacDepacketizer(parameters)
        case "MP4A-LATM":
            try:
                return "aac", LatmDepacketizer(parameters)
            except ValueError:
                return None
        case "PCMU":
            return "pcm_mulaw", G711Depacketizer()
        case "PCMA":
            return "pcm_alaw", G711Depacketizer()
    return None
