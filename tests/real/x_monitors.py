"""Monitors of an X server that has none: parts of its screen, declared by RandR, as a graphics card would."""

import ctypes
import struct
from typing import Any, NamedTuple

_SET_MONITOR, _DELETE_MONITOR = 43, 44


class Monitor(NamedTuple):
    """A part of the screen."""

    name: str
    x: int
    y: int
    width: int
    height: int


class _Roots(ctypes.Structure):
    _fields_ = (("first", ctypes.POINTER(ctypes.c_uint32)), ("left", ctypes.c_int), ("index", ctypes.c_int))


class _Request(ctypes.Structure):
    _fields_ = (
        ("parts", ctypes.c_size_t),
        ("extension", ctypes.c_void_p),
        ("opcode", ctypes.c_uint8),
        ("is_void", ctypes.c_uint8),
    )


class _Part(ctypes.Structure):
    _fields_ = (("base", ctypes.c_char_p), ("length", ctypes.c_size_t))


class _Cookie(ctypes.Structure):
    _fields_ = (("sequence", ctypes.c_uint),)


class _Atom(ctypes.Structure):
    _fields_ = (("header", ctypes.c_uint8 * 8), ("atom", ctypes.c_uint32))


def _libraries() -> tuple[Any, Any]:
    xcb, randr = ctypes.CDLL("libxcb.so.1"), ctypes.CDLL("libxcb-randr.so.0")
    pointer = ctypes.c_void_p
    xcb.xcb_connect.restype = xcb.xcb_get_setup.restype = pointer
    xcb.xcb_get_setup.argtypes = xcb.xcb_setup_roots_iterator.argtypes = [pointer]
    xcb.xcb_setup_roots_iterator.restype = _Roots
    xcb.xcb_intern_atom.argtypes = [pointer, ctypes.c_uint8, ctypes.c_uint16, ctypes.c_char_p]
    xcb.xcb_intern_atom.restype = _Cookie
    xcb.xcb_intern_atom_reply.argtypes = [pointer, _Cookie, pointer]
    xcb.xcb_intern_atom_reply.restype = ctypes.POINTER(_Atom)
    xcb.xcb_send_request.argtypes = [pointer, ctypes.c_int, pointer, pointer]
    xcb.xcb_disconnect.argtypes = [pointer]
    randr.xcb_randr_get_screen_resources_current.argtypes = [pointer, ctypes.c_uint32]
    randr.xcb_randr_get_screen_resources_current.restype = _Cookie
    randr.xcb_randr_get_screen_resources_current_reply.argtypes = [pointer, _Cookie, pointer]
    randr.xcb_randr_get_screen_resources_current_reply.restype = pointer
    randr.xcb_randr_get_screen_resources_current_outputs.argtypes = [pointer]
    randr.xcb_randr_get_screen_resources_current_outputs.restype = ctypes.POINTER(ctypes.c_uint32)
    return xcb, randr


class Monitors:
    """Sets and takes away monitors of a display, by a connection that is made for each."""

    def __init__(self, display: str) -> None:
        self._display = display.encode()
        self._xcb, self._randr = _libraries()

    def set(self, monitor: Monitor, *, primary: bool = False) -> None:
        """Have a monitor, or another one by this name; the primary one in place of the whole screen."""
        self._send(_SET_MONITOR, monitor.name, primary, monitor[1:])

    def delete(self, name: str) -> None:
        """Take a monitor away."""
        self._send(_DELETE_MONITOR, name, False, None)

    def _send(self, opcode: int, name: str, primary: bool, area: tuple[int, ...] | None) -> None:
        xcb = self._xcb
        connection = xcb.xcb_connect(self._display, None)
        try:
            root = xcb.xcb_setup_roots_iterator(xcb.xcb_get_setup(connection)).first[0]
            atom = self._atom(connection, name)
            # The first four bytes are xcb's. What libxcb has for this request, it refuses to send itself.
            body = struct.pack("=4xII", root, atom)
            if area is not None:
                body += struct.pack("=BBHhhHHII", primary, False, primary, *area, area[2] // 4, area[3] // 4)
            if primary:
                # Without its output it would be a monitor beside the one that there is.
                body += struct.pack("=I", self._output(connection, root))
            extension = ctypes.addressof(ctypes.c_char.in_dll(self._randr, "xcb_randr_id"))
            request = _Request(1, extension, opcode, 1)
            # xcb writes into the places before the vector that it is given.
            parts = (_Part * 3)()
            held = ctypes.create_string_buffer(body, len(body))
            parts[2] = _Part(ctypes.cast(held, ctypes.c_char_p), len(body))
            assert xcb.xcb_send_request(
                connection, 0, ctypes.addressof(parts) + 2 * ctypes.sizeof(_Part), ctypes.addressof(request)
            )
            # An answer to a later request: the server has done this one.
            self._atom(connection, name)
        finally:
            xcb.xcb_disconnect(connection)

    def _output(self, connection: int, root: int) -> int:
        randr = self._randr
        cookie = randr.xcb_randr_get_screen_resources_current(connection, root)
        reply = randr.xcb_randr_get_screen_resources_current_reply(connection, cookie, None)
        assert reply, "the X server has no RandR"
        output: int = randr.xcb_randr_get_screen_resources_current_outputs(reply)[0]
        _free(reply)
        return output

    def _atom(self, connection: int, name: str) -> int:
        cookie = self._xcb.xcb_intern_atom(connection, 0, len(name), name.encode())
        reply = self._xcb.xcb_intern_atom_reply(connection, cookie, None)
        assert reply, "the X server does not answer"
        atom: int = reply[0].atom
        _free(ctypes.cast(reply, ctypes.c_void_p))
        return atom


def _free(reply: Any) -> None:
    libc = ctypes.CDLL(None)
    libc.free.argtypes = [ctypes.c_void_p]
    libc.free(reply)
