"""Draws pictures of three planes into the current context."""

import ctypes

from qtpy.QtGui import QOpenGLContext, QSurfaceFormat

from camgraph.qt.gl import functions as names
from camgraph.qt.gl.colors import conversion
from camgraph.qt.gl.functions import Functions
from camgraph.qt.gl.program import CORNER, build_program
from camgraph.qt.video.view import Affine, Size
from camgraph.ring.frame import Frame

_CORNERS = (ctypes.c_float * 8)(0, 0, 1, 0, 0, 1, 1, 1)
_OFF = names.BLEND, names.CULL_FACE, names.DEPTH_TEST, names.SCISSOR_TEST, names.STENCIL_TEST


def to_clip(to_tile: Affine, source: Size, tile: Size) -> tuple[float, ...]:
    """Return the matrix, column by column, from parts of a picture to OpenGL's square from -1 to 1."""
    a, b, c, d, e, f = to_tile
    (width, height), across, down = source, 2 / tile[0], -2 / tile[1]
    return (
        *(a * width * across, b * width * down, 0),
        *(c * height * across, d * height * down, 0),
        *(e * across - 1, f * down + 1, 1),
    )


class PlanesDrawer:
    """What one context holds for one widget; it is current when this is made, used and released.

    Raises LookupError or RuntimeError if the context can't do it.
    """

    def __init__(self, context: QOpenGLContext) -> None:
        if context.isOpenGLES() and context.format().majorVersion() < 3:
            raise RuntimeError("OpenGL ES 2 can't take pictures with gaps between their rows")
        core = context.format().profile() == QSurfaceFormat.OpenGLContextProfile.CoreProfile
        self._gl = gl = Functions(context, core=core)
        self._program = program = build_program(gl, core=core, es=context.isOpenGLES())
        self._place, self._matrix, self._offset = (
            gl.glGetUniformLocation(program, name) for name in (b"place", b"matrix", b"offset")
        )
        # A texture of one number per pixel has another name in a core profile.
        self._kept, self._given = (names.R8, names.RED) if core else (names.LUMINANCE, names.LUMINANCE)
        self._array = gl.made("VertexArrays") if core else 0
        self._buffer = gl.made("Buffers")
        gl.glBindBuffer(names.ARRAY_BUFFER, self._buffer)
        gl.glBufferData(names.ARRAY_BUFFER, ctypes.sizeof(_CORNERS), _CORNERS, names.STATIC_DRAW)
        gl.glBindBuffer(names.ARRAY_BUFFER, 0)
        self._textures = [gl.made("Textures") for _ in range(3)]
        for texture in self._textures:
            gl.glBindTexture(names.TEXTURE_2D, texture)
            gl.glTexParameteri(names.TEXTURE_2D, names.TEXTURE_MAG_FILTER, names.LINEAR)
            for what in (names.TEXTURE_WRAP_S, names.TEXTURE_WRAP_T):
                gl.glTexParameteri(names.TEXTURE_2D, what, names.CLAMP_TO_EDGE)
        gl.glBindTexture(names.TEXTURE_2D, 0)
        gl.glUseProgram(program)
        for number in range(3):
            gl.glUniform1i(gl.glGetUniformLocation(program, b"planes[%d]" % number), number)
        gl.glUseProgram(0)
        self._size: Size = (0, 0)
        self._uploaded: object = None
        self.renderer = gl.string(names.RENDERER)
        """What draws, as the driver calls it."""
        self.max_side_px = gl.integer(names.MAX_TEXTURE_SIZE)
        """No picture may be wider or higher."""

    def draw(self, frame: Frame, to_tile: Affine, source: Size, tile: Size) -> None:
        """Fill a tile with a yuv420p frame, and black; `to_tile` takes px of a `source` picture there."""
        gl = self._gl
        gl.glViewport(0, 0, *tile)
        for what in _OFF:
            gl.glDisable(what)
        gl.glClearColor(0, 0, 0, 1)
        gl.glClear(names.COLOR_BUFFER_BIT)
        self._bind_textures(frame, small=_is_small(to_tile, source, (frame.width, frame.height)))
        gl.glUseProgram(self._program)
        matrix, offset = conversion(frame.colorspace, frame.color_range)
        columns = [row[column] for column in range(3) for row in matrix]
        gl.glUniformMatrix3fv(self._matrix, 1, 0, (ctypes.c_float * 9)(*columns))
        gl.glUniform3fv(self._offset, 1, (ctypes.c_float * 3)(*offset))
        gl.glUniformMatrix3fv(self._place, 1, 0, (ctypes.c_float * 9)(*to_clip(to_tile, source, tile)))
        if self._array:
            gl.glBindVertexArray(self._array)
        gl.glBindBuffer(names.ARRAY_BUFFER, self._buffer)
        gl.glEnableVertexAttribArray(CORNER)
        gl.glVertexAttribPointer(CORNER, 2, names.FLOAT, 0, 0, None)
        gl.glDrawArrays(names.TRIANGLE_STRIP, 0, 4)
        # As Qt wants to find it.
        gl.glDisableVertexAttribArray(CORNER)
        gl.glBindBuffer(names.ARRAY_BUFFER, 0)
        if self._array:
            gl.glBindVertexArray(0)
        gl.glUseProgram(0)
        gl.glActiveTexture(names.TEXTURE0)
        gl.glBindTexture(names.TEXTURE_2D, 0)

    def release(self) -> None:
        """Give everything back."""
        for texture in self._textures:
            self._gl.delete("Textures", texture)
        self._gl.delete("Buffers", self._buffer)
        if self._array:
            self._gl.delete("VertexArrays", self._array)
        self._gl.glDeleteProgram(self._program)

    def _bind_textures(self, frame: Frame, *, small: bool) -> None:
        """Bind a texture per plane; they are filled when the frame is another one than before.

        For small pictures they are halved again and again: four neighbours would not stand for all.
        """
        gl = self._gl
        key = (frame.stream, frame.key, frame.generation, frame.seq, small)
        new = key != self._uploaded
        if new:
            gl.glPixelStorei(names.UNPACK_ALIGNMENT, 1)
        for number, (texture, plane) in enumerate(zip(self._textures, frame.planes, strict=True)):
            gl.glActiveTexture(names.TEXTURE0 + number)
            gl.glBindTexture(names.TEXTURE_2D, texture)
            if new:
                height, width = plane.shape
                gl.glPixelStorei(names.UNPACK_ROW_LENGTH, plane.strides[0])
                given = (width, height, self._given, names.UNSIGNED_BYTE, plane.ctypes.data)
                if (frame.width, frame.height) == self._size:
                    gl.glTexSubImage2D(names.TEXTURE_2D, 0, 0, 0, *given)
                else:
                    gl.glTexImage2D(names.TEXTURE_2D, 0, self._kept, *given[:2], 0, *given[2:])
                if small:
                    gl.glGenerateMipmap(names.TEXTURE_2D)
                shrinking = names.LINEAR_MIPMAP_LINEAR if small else names.LINEAR
                gl.glTexParameteri(names.TEXTURE_2D, names.TEXTURE_MIN_FILTER, shrinking)
        if new:
            gl.glPixelStorei(names.UNPACK_ROW_LENGTH, 0)
            gl.glPixelStorei(names.UNPACK_ALIGNMENT, 4)
            self._size = (frame.width, frame.height)
            self._uploaded = key


def _is_small(to_tile: Affine, source: Size, picture: Size) -> bool:
    """Tell whether a picture is drawn at less than half its size."""
    a, b, c, d, *_ = to_tile
    return abs(a + b) * source[0] < picture[0] / 2 or abs(c + d) * source[1] < picture[1] / 2
