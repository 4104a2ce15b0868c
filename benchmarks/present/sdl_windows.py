"""A peer: SDL2 in foreign windows, by ctypes, fed with the frames of our rings.

``python -m benchmarks.present.sdl_windows width height ids url…``, as `benchmarks.present.program`, a
stream a window. A frame is copied into the window's surface, which SDL draws by MIT-SHM.
"""

import ctypes
import json
import selectors
import sys
from collections.abc import Sequence
from ctypes import POINTER, Structure, c_char_p, c_int, c_uint32, c_void_p

import numpy as np

import camgraph as cg

REMEDY = "apt-get install libsdl2-2.0-0"
_LIBRARY = "libSDL2-2.0.so.0"
_VIDEO = 0x20
_BYTES_OF_PIXEL = 4


def available() -> bool:
    """Return whether SDL2 is there to be measured."""
    try:
        ctypes.CDLL(_LIBRARY)
    except OSError:
        return False
    return True


class _Surface(Structure):
    """The beginning of an SDL_Surface."""

    _fields_ = (
        ("flags", c_uint32),
        ("format", c_void_p),
        ("w", c_int),
        ("h", c_int),
        ("pitch", c_int),
        ("pixels", c_void_p),
    )


class _Sdl:
    def __init__(self) -> None:
        self.c = ctypes.CDLL(_LIBRARY)
        for name, result, arguments in (
            ("SDL_SetHint", c_int, (c_char_p, c_char_p)),
            ("SDL_InitSubSystem", c_int, (c_uint32,)),
            ("SDL_GetError", c_char_p, ()),
            ("SDL_CreateWindowFrom", c_void_p, (c_void_p,)),
            ("SDL_GetWindowSurface", POINTER(_Surface), (c_void_p,)),
            ("SDL_UpdateWindowSurface", c_int, (c_void_p,)),
            ("SDL_PumpEvents", None, ()),
        ):
            function = getattr(self.c, name)
            function.restype, function.argtypes = result, arguments
        # Else it would draw with OpenGL, which costs far more without a GPU.
        self.c.SDL_SetHint(b"SDL_FRAMEBUFFER_ACCELERATION", b"0")
        self.c.SDL_SetHint(b"SDL_VIDEODRIVER", b"x11")
        if self.c.SDL_InitSubSystem(_VIDEO):
            raise SystemExit(f"SDL2: {self.error()}")

    def error(self) -> str:
        return str(self.c.SDL_GetError().decode(errors="replace"))


class _Window:
    def __init__(self, sdl: _Sdl, window: int, size: tuple[int, int]) -> None:
        self._c = sdl.c
        self._handle = sdl.c.SDL_CreateWindowFrom(window)
        surface = sdl.c.SDL_GetWindowSurface(self._handle) if self._handle else None
        if not surface:
            raise SystemExit(f"SDL2, window {window:#x}: {sdl.error()}")
        told = surface.contents
        if (told.w, told.h) != size or told.pitch < told.w * _BYTES_OF_PIXEL:
            raise SystemExit(f"SDL2: a surface of {told.w}×{told.h} px, {told.pitch} bytes a row")
        memory = (ctypes.c_uint8 * (told.pitch * told.h)).from_address(told.pixels)
        rows = np.frombuffer(memory, np.uint8).reshape(told.h, told.pitch)
        self._pixels = rows[:, : told.w * _BYTES_OF_PIXEL].reshape(told.h, told.w, _BYTES_OF_PIXEL)
        self.shown = 0

    def show(self, frame: cg.Frame) -> None:
        np.copyto(self._pixels, frame.array)
        self._c.SDL_UpdateWindowSurface(self._handle)
        self.shown += 1


def main(size: tuple[int, int], ids: Sequence[int], urls: Sequence[str]) -> None:
    """Show until standard input ends; answer its lines with the frames of each window."""
    sdl = _Sdl()
    windows = [_Window(sdl, window, size) for window in ids]
    graph = cg.Graph()
    streams = [graph.rtsp(f"camera-{number}", url) for number, url in enumerate(urls, 1)]
    with (
        graph.start() as site,
        selectors.DefaultSelector() as selector,
        open(0, "rb", buffering=0) as questions,
    ):
        selector.register(questions, selectors.EVENT_READ)
        for stream, window in zip(streams, windows, strict=True):
            reader = site.read(stream.frames(format="bgra", size=size))
            selector.register(reader, selectors.EVENT_READ, (reader, window))
        while True:
            for key, _ in selector.select():
                if key.data is not None:
                    reader, window = key.data
                    while (frame := reader.read_nowait()) is not None:
                        window.show(frame)
                        frame.release()
                elif not questions.read(1):
                    return
                else:
                    print(json.dumps([window.shown for window in windows]), flush=True)
            sdl.c.SDL_PumpEvents()


if __name__ == "__main__":
    main((int(sys.argv[1]), int(sys.argv[2])), [int(word) for word in sys.argv[3].split(",")], sys.argv[4:])
