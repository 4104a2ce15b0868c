"""Ending another thread's wait on a TCP connection whose descriptor only a C library knows.

FFmpeg gives no way to end a blocked read from outside, and closing its context from another thread frees
memory in use. But a thread that waits stands in ``poll``: the kernel tells where its list of descriptors
lies, the list tells which connection it waits for, and shutting that one down ends the wait at once.
"""

import os
import socket
import struct

_POLL_CALLS = {b"7", b"73", b"271"}  # poll on x86-64; ppoll on AArch64 and x86-64
_POLLFD = struct.Struct("=ihh")
_MAX_POLLED = 64


def interrupt_wait(native_thread_id: int) -> bool:
    """Shut down the TCP connections that a thread of this process waits for.

    False: the thread is not in such a wait now (it runs, has ended, or waits for something else), or the
    kernel does not tell; trying again a little later is cheap.
    """
    done = False
    for descriptor in _polled_by(native_thread_id):
        try:
            sock = socket.socket(fileno=os.dup(descriptor))
        except OSError:
            continue
        with sock:
            if sock.family in (socket.AF_INET, socket.AF_INET6) and sock.type == socket.SOCK_STREAM:
                try:
                    sock.shutdown(socket.SHUT_RDWR)
                except OSError:
                    continue
                done = True
    return done


def _polled_by(native_thread_id: int) -> list[int]:
    call = _blocked_call(native_thread_id)
    if len(call) < 3 or call[0] not in _POLL_CALLS:
        return []
    address, count = int(call[1], 16), int(call[2], 16)
    if not 0 < count <= _MAX_POLLED:
        return []
    try:
        # Read through the kernel: if the thread has just ended, its stack may be gone.
        memory = os.open("/proc/self/mem", os.O_RDONLY | os.O_CLOEXEC)
        try:
            listed = os.pread(memory, count * _POLLFD.size, address)
        finally:
            os.close(memory)
    except OSError:
        return []
    if len(listed) != count * _POLLFD.size or _blocked_call(native_thread_id) != call:
        return []
    return [descriptor for descriptor, _, _ in _POLLFD.iter_unpack(listed) if descriptor >= 0]


def _blocked_call(native_thread_id: int) -> list[bytes]:
    try:
        with open(f"/proc/self/task/{native_thread_id}/syscall", "rb") as file:
            return file.read().split()
    except OSError:
        return []
