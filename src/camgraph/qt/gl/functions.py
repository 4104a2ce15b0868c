"""The functions of OpenGL that are used here, as a context has them.

Called by ctypes, since the two bindings of Qt offer them in different ways, and PyQt6 not all of them.
"""

import ctypes
from collections.abc import Callable
from ctypes import POINTER, c_char_p, c_float, c_int, c_ssize_t, c_ubyte, c_uint, c_void_p
from typing import Any

from qtpy.QtGui import QOpenGLContext

ARRAY_BUFFER = 0x8892
BLEND = 0x0BE2
CLAMP_TO_EDGE = 0x812F
COLOR_BUFFER_BIT = 0x4000
COMPILE_STATUS = 0x8B81
CULL_FACE = 0x0B44
DEPTH_TEST = 0x0B71
FLOAT = 0x1406
FRAGMENT_SHADER = 0x8B30
LINEAR = 0x2601
LINEAR_MIPMAP_LINEAR = 0x2703
LINK_STATUS = 0x8B82
LUMINANCE = 0x1909
MAX_TEXTURE_SIZE = 0x0D33
R8 = 0x8229
RED = 0x1903
RENDERER = 0x1F01
SCISSOR_TEST = 0x0C11
STATIC_DRAW = 0x88E4
STENCIL_TEST = 0x0B90
TEXTURE0 = 0x84C0
TEXTURE_2D = 0x0DE1
TEXTURE_MAG_FILTER = 0x2800
TEXTURE_MIN_FILTER = 0x2801
TEXTURE_WRAP_S = 0x2802
TEXTURE_WRAP_T = 0x2803
TRIANGLE_STRIP = 0x0005
UNPACK_ALIGNMENT = 0x0CF5
UNPACK_ROW_LENGTH = 0x0CF2
UNSIGNED_BYTE = 0x1401
VERTEX_SHADER = 0x8B31

_INTS, _UINTS, _FLOATS = POINTER(c_int), POINTER(c_uint), POINTER(c_float)
_FUNCTIONS: dict[str, tuple[Any, ...]] = {
    # The first is what comes back.
    "glActiveTexture": (None, c_uint),
    "glAttachShader": (None, c_uint, c_uint),
    "glBindAttribLocation": (None, c_uint, c_uint, c_char_p),
    "glBindBuffer": (None, c_uint, c_uint),
    "glBindTexture": (None, c_uint, c_uint),
    "glBufferData": (None, c_uint, c_ssize_t, c_void_p, c_uint),
    "glClear": (None, c_uint),
    "glClearColor": (None, c_float, c_float, c_float, c_float),
    "glCompileShader": (None, c_uint),
    "glCreateProgram": (c_uint,),
    "glCreateShader": (c_uint, c_uint),
    "glDeleteBuffers": (None, c_int, _UINTS),
    "glDeleteProgram": (None, c_uint),
    "glDeleteShader": (None, c_uint),
    "glDeleteTextures": (None, c_int, _UINTS),
    "glDisable": (None, c_uint),
    "glDisableVertexAttribArray": (None, c_uint),
    "glDrawArrays": (None, c_uint, c_int, c_int),
    "glEnableVertexAttribArray": (None, c_uint),
    "glGenBuffers": (None, c_int, _UINTS),
    "glGenTextures": (None, c_int, _UINTS),
    "glGenerateMipmap": (None, c_uint),
    "glGetIntegerv": (None, c_uint, _INTS),
    "glGetProgramInfoLog": (None, c_uint, c_int, _INTS, c_char_p),
    "glGetProgramiv": (None, c_uint, c_uint, _INTS),
    "glGetShaderInfoLog": (None, c_uint, c_int, _INTS, c_char_p),
    "glGetShaderiv": (None, c_uint, c_uint, _INTS),
    "glGetString": (c_char_p, c_uint),
    "glGetUniformLocation": (c_int, c_uint, c_char_p),
    "glLinkProgram": (None, c_uint),
    "glPixelStorei": (None, c_uint, c_int),
    "glShaderSource": (None, c_uint, c_int, POINTER(c_char_p), _INTS),
    "glTexImage2D": (None, c_uint, c_int, c_int, c_int, c_int, c_int, c_uint, c_uint, c_void_p),
    "glTexParameteri": (None, c_uint, c_uint, c_int),
    "glTexSubImage2D": (None, c_uint, c_int, c_int, c_int, c_int, c_int, c_uint, c_uint, c_void_p),
    "glUniform1i": (None, c_int, c_int),
    "glUniform3fv": (None, c_int, c_int, _FLOATS),
    "glUniformMatrix3fv": (None, c_int, c_int, c_ubyte, _FLOATS),
    "glUseProgram": (None, c_uint),
    "glVertexAttribPointer": (None, c_uint, c_int, c_uint, c_ubyte, c_int, c_void_p),
    "glViewport": (None, c_int, c_int, c_int, c_int),
}
_CORE_FUNCTIONS: dict[str, tuple[Any, ...]] = {
    "glBindVertexArray": (None, c_uint),
    "glDeleteVertexArrays": (None, c_int, _UINTS),
    "glGenVertexArrays": (None, c_int, _UINTS),
}


class Functions:
    """The functions of the current context; raises LookupError for what it lacks."""

    def __init__(self, context: QOpenGLContext, *, core: bool) -> None:
        for name, (returns, *takes) in (_FUNCTIONS | (_CORE_FUNCTIONS if core else {})).items():
            address = context.getProcAddress(name.encode())
            if not address:
                raise LookupError(f"OpenGL lacks {name}")
            setattr(self, name, ctypes.CFUNCTYPE(returns, *takes)(int(address)))

    def __getattr__(self, name: str) -> Callable[..., Any]:
        raise AttributeError(name)

    def made(self, kind: str) -> int:
        """Make one of ``Textures``, ``Buffers``, ``VertexArrays``; return its name."""
        name = c_uint()
        getattr(self, f"glGen{kind}")(1, ctypes.byref(name))
        return name.value

    def delete(self, kind: str, name: int) -> None:
        """Delete one of them."""
        getattr(self, f"glDelete{kind}")(1, ctypes.byref(c_uint(name)))

    def string(self, what: int) -> str:
        """Return a word of the context."""
        return str((self.glGetString(what) or b"").decode(errors="replace"))

    def integer(self, what: int) -> int:
        """Return a number of the context."""
        value = c_int()
        self.glGetIntegerv(what, ctypes.byref(value))
        return value.value
