"""Another user's processes get nothing, and are believed nothing."""

import os
import socket
import struct
from collections.abc import Callable
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from camgraph.base.errors import BrokenError
from camgraph.ring.protocol import Hello, Refused, RingRequest, decode_answer
from camgraph.ring.reader import Reader

if TYPE_CHECKING:
    from tests.unit.ring.conftest import Site

pytestmark = [
    pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user"),
    # Python 3.12 warns of forking beside threads (pytest-timeout's): the children only connect, and _exit.
    pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning"),
]

NOBODY = 65534


def as_nobody(function: Callable[[], None]) -> int:
    """Run a function in a child of another user; return the child's pid."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            os.setgid(NOBODY)
            os.setuid(NOBODY)
            function()
            code = 0
        finally:
            os._exit(code)
    return pid


def seqpacket() -> socket.socket:
    return socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)


def test_a_reader_of_another_user_is_refused(site: "Site") -> None:
    address = f"\0camgraph-test-{uuid4()}"
    writer = site.writer()

    def stranger() -> None:
        with seqpacket() as sock:
            sock.settimeout(10)
            sock.connect(address)
            sock.send(Hello(RingRequest("door")).encode())
            data, ancillary, _, _ = sock.recvmsg(2048, 1024)
            answer = decode_answer(data)
            assert isinstance(answer, Refused)
            assert not ancillary
            assert f"user {NOBODY}" in answer.reason
            assert sock.recv(2048) == b""

    with seqpacket() as listener:
        listener.bind(address)
        listener.listen(1)
        pid = as_nobody(stranger)
        sock, _ = listener.accept()
        hello = Hello.decode(sock.recv(2048))
        assert not writer.add_reader(sock, hello)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert writer.readers == 0


def test_a_site_of_another_user_is_not_believed() -> None:
    address = f"\0camgraph-test-{uuid4()}"
    ready_end, write_end = os.pipe()

    def stranger() -> None:
        with seqpacket() as listener:
            listener.bind(address)
            listener.listen(1)
            os.write(write_end, b"x")
            sock, _ = listener.accept()
            sock.settimeout(10)
            assert sock.recv(2048) == b""  # not even a greeting
            sock.close()

    pid = as_nobody(stranger)
    os.read(ready_end, 1)
    os.close(ready_end)
    os.close(write_end)

    def connect() -> socket.socket:
        sock = seqpacket()
        sock.connect(address)
        return sock

    with pytest.raises(BrokenError, match=f"user {NOBODY}"):
        Reader(connect, RingRequest("door"))
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def test_who_holds_a_slot_is_known_by_the_process(site: "Site") -> None:
    writer = site.writer()
    site.reader(writer)
    sock = writer.sockets()[0]
    pid, uid, _ = struct.unpack("3i", sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
    assert (pid, uid) == (os.getpid(), os.getuid())
    assert writer._names == {1: f"process {pid} (reader 1)"}
