"""The program that the graphics card runs: puts a picture into its place, and turns YUV into RGB."""

import ctypes

from camgraph.qt.gl.functions import COMPILE_STATUS, FRAGMENT_SHADER, LINK_STATUS, VERTEX_SHADER, Functions

CORNER = 0
"""The number of the attribute: which corner of the picture, 0 or 1 to the right and down."""

_VERTEX = """
attribute vec2 corner;
varying vec2 at;
uniform mat3 place;

void main() {
    at = corner;
    gl_Position = vec4((place * vec3(corner, 1.0)).xy, 0.0, 1.0);
}
"""
_FRAGMENT = """
varying vec2 at;
uniform sampler2D planes[3];
uniform mat3 matrix;
uniform vec3 offset;

void main() {
    vec3 yuv = vec3(texture2D(planes[0], at).r, texture2D(planes[1], at).r, texture2D(planes[2], at).r);
    gl_FragColor = vec4(clamp(matrix * yuv + offset, 0.0, 1.0), 1.0);
}
"""
# What a core profile calls otherwise.
_CORE_VERTEX = "#version 150\n#define attribute in\n#define varying out\n"
_CORE_FRAGMENT = """#version 150
#define varying in
#define texture2D texture
#define gl_FragColor color
out vec4 color;
"""
# Without high precision 4K pictures would be sampled beside their pixels.
_ES_FRAGMENT = """
#ifdef GL_FRAGMENT_PRECISION_HIGH
precision highp float;
#else
precision mediump float;
#endif
"""


def build_program(gl: Functions, *, core: bool, es: bool) -> int:
    """Compile and link; return the program's name. Raises RuntimeError with the driver's words."""
    vertex = (_CORE_VERTEX if core else "") + _VERTEX
    fragment = (_CORE_FRAGMENT if core else _ES_FRAGMENT if es else "") + _FRAGMENT
    program: int = gl.glCreateProgram()
    for kind, source in ((VERTEX_SHADER, vertex), (FRAGMENT_SHADER, fragment)):
        shader = _compiled(gl, kind, source)
        gl.glAttachShader(program, shader)
        gl.glDeleteShader(shader)  # Goes with the program.
    gl.glBindAttribLocation(program, CORNER, b"corner")
    gl.glLinkProgram(program)
    done = ctypes.c_int()
    gl.glGetProgramiv(program, LINK_STATUS, ctypes.byref(done))
    if not done.value:
        raise RuntimeError(f"the shaders can't be linked: {_words(gl.glGetProgramInfoLog, program)}")
    return program


def _compiled(gl: Functions, kind: int, source: str) -> int:
    shader: int = gl.glCreateShader(kind)
    text = ctypes.c_char_p(source.encode())
    gl.glShaderSource(shader, 1, ctypes.byref(text), None)
    gl.glCompileShader(shader)
    done = ctypes.c_int()
    gl.glGetShaderiv(shader, COMPILE_STATUS, ctypes.byref(done))
    if not done.value:
        raise RuntimeError(f"a shader can't be compiled: {_words(gl.glGetShaderInfoLog, shader)}")
    return shader


def _words(ask: object, name: int) -> str:
    text = ctypes.create_string_buffer(1024)
    assert callable(ask)
    ask(name, len(text), None, text)
    return " ".join(text.value.decode(errors="replace").split())
