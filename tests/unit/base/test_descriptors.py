import os
import socket
import subprocess
import sys
from uuid import uuid4

import pytest

from camgraph.base.descriptors import (
    close_all,
    connect_site,
    peer_of,
    receive_with_descriptors,
    send_with_descriptors,
    site_address,
)
from camgraph.base.errors import BrokenError


def test_descriptors_arrive_with_their_datagram_and_close_on_exec() -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs:
        read_end, write_end = os.pipe()
        send_with_descriptors(ours, b"one", [write_end])
        send_with_descriptors(ours, b"two")
        data, received = receive_with_descriptors(theirs, 100)
        assert data == b"one"
        assert not os.get_inheritable(received[0])
        os.write(received[0], b"!")
        assert os.read(read_end, 1) == b"!"
        assert receive_with_descriptors(theirs, 100) == (b"two", [])
        close_all([*received, read_end, write_end])


def test_a_datagram_that_is_cut_raises_and_leaks_nothing() -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs:
        before = set(os.listdir("/proc/self/fd"))
        send_with_descriptors(ours, b"a long message", [0])
        with pytest.raises(BrokenError):
            receive_with_descriptors(theirs, 4)
        assert set(os.listdir("/proc/self/fd")) == before


def test_a_site_that_does_not_run_is_named() -> None:
    with pytest.raises(BrokenError, match="'nobody-"):
        connect_site(f"nobody-{uuid4()}")


def test_the_peer_of_a_site_is_known() -> None:
    site = f"test-{uuid4()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.bind(site_address(site))
        listener.listen(1)
        with connect_site(site) as sock:
            assert peer_of(sock) == (os.getpid(), os.getuid(), os.getgid())


def test_standard_streams_that_are_closed_are_occupied_and_inherited() -> None:
    program = (
        "import os, subprocess\n"
        "from camgraph.base.descriptors import occupy_standard\n"
        "os.close(0)\n"
        "occupy_standard()\n"
        "occupied = os.readlink('/proc/self/fd/0')\n"
        "inherited = subprocess.check_output(['readlink', '/proc/self/fd/0'], text=True).strip()\n"
        "print(occupied, inherited)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=20)
    assert done.stdout == "/dev/null /dev/null\n", done.stderr
