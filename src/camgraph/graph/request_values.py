"""Whether frames can be had as they are asked for."""

from camgraph.base.errors import GraphError
from camgraph.base.geometry import MAX_SIDE_PX
from camgraph.base.pixels import PIXEL_FORMATS
from camgraph.graph.spec import FrameRequest
from camgraph.graph.values import MAX_FPS, is_size

_OF_PACKETS = ("nal", "fmp4")


def check_request(request: FrameRequest) -> None:
    """Raise GraphError if no ring can serve the request; the text names the argument and the remedy."""
    where = f"frames of {request.stream!r}"
    if request.format is not None and request.format not in (*PIXEL_FORMATS, *_OF_PACKETS):
        raise GraphError(
            f"{where}: format {request.format!r} is unknown; choose one of {', '.join(PIXEL_FORMATS)}, "
            f"of packets {', '.join(_OF_PACKETS)}"
        )
    if request.format in _OF_PACKETS:
        if request.size is not None and not _is_item_size(request.size):
            raise GraphError(f"{where}: size {request.size!r} of {request.format!r} must be (bytes, 1)")
        if request.roi is not None or request.fps is not None:
            raise GraphError(
                f"{where}: roi and fps are for pictures; packets ({request.format}) come as they were sent"
            )
    elif request.size is not None and not is_size(request.size):
        raise GraphError(
            f"{where}: size {request.size!r} must be (width, height), each 1 to {MAX_SIDE_PX} px"
        )
    if request.roi is not None and not _is_region(request.roi):
        raise GraphError(
            f"{where}: roi {request.roi!r} must be (x, y, width, height) in px of the camera's picture, "
            f"x and y 0 or more, width and height 1 to {MAX_SIDE_PX}"
        )
    if request.fps is not None and not 0 < request.fps <= MAX_FPS:
        raise GraphError(f"{where}: fps {request.fps!r} must be above 0 and at most {MAX_FPS}")
    if request.policy not in ("latest", "every"):
        raise GraphError(f"{where}: policy {request.policy!r} is unknown; choose 'latest' or 'every'")
    if not (isinstance(request.leases, int) and 1 <= request.leases <= 64):
        raise GraphError(f"{where}: leases {request.leases!r} must be 1 to 64")


def _is_region(value: object) -> bool:
    return (
        isinstance(value, tuple)
        and len(value) == 4
        and all(isinstance(number, int) and 0 <= number < MAX_SIDE_PX for number in value[:2])
        and is_size(value[2:])
    )


def _is_item_size(value: object) -> bool:
    return isinstance(value, tuple) and len(value) == 2 and value[0] >= 1 and value[1] == 1
