"""The pixels of an X server, as Xvfb keeps them in a file: the header of xwd, then the rows."""

import mmap
import os
import struct
from pathlib import Path

import numpy as np
import numpy.typing as npt

FILE = "Xvfb_screen0"
_FIELDS = 25
_FIELD_BYTES = 4
_COLOR_BYTES = 12
_XWD_VERSION = 7


class NotAFramebuffer(ValueError):
    """The file is none that can be read here."""


def view(data: bytes | mmap.mmap) -> npt.NDArray[np.uint8]:
    """Return the screen in `data` as it changes, shape (height, width, 4): blue, green, red, and nothing.

    Raises NotAFramebuffer unless it is an xwd of 32 bits a pixel.
    """
    if len(data) < _FIELDS * _FIELD_BYTES:
        raise NotAFramebuffer("the file is too short for a header")
    fields = struct.unpack_from(f">{_FIELDS}I", data)
    header_bytes, version, width, height = *fields[:2], *fields[4:6]
    bits, stride, colors = fields[11], fields[12], fields[19]
    if version != _XWD_VERSION or bits != 32:
        raise NotAFramebuffer(f"xwd version {version} with {bits} bits a pixel; needed are 7 and 32")
    begin = header_bytes + colors * _COLOR_BYTES
    if len(data) < begin + height * stride:
        raise NotAFramebuffer(f"{width}x{height} pixels do not fit into {len(data)} bytes")
    return np.ndarray((height, width, 4), np.uint8, data, begin, (stride, 4, 1))


def open_framebuffer(directory: Path) -> npt.NDArray[np.uint8]:
    """Return the screen of the X server whose framebuffer is in `directory`; see `view`."""
    descriptor = os.open(directory / FILE, os.O_RDONLY)
    try:
        return view(mmap.mmap(descriptor, 0, prot=mmap.PROT_READ))
    finally:
        os.close(descriptor)
