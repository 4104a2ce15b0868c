"""Pairs of UDP sockets; what a camera or a file names is not looked up."""

import socket
from collections.abc import Iterator
from contextlib import closing

import pytest

from camgraph.media.sources.datagrams import DatagramPair, arrived, is_address
from camgraph.testing.waiting import wait_until


@pytest.fixture
def pair() -> Iterator[DatagramPair]:
    with closing(DatagramPair.bound(socket.AF_INET)) as pair:
        yield pair


def test_two_ports_in_a_row_are_had_the_first_of_them_even(pair: DatagramPair) -> None:
    rtp, rtcp = pair.ports
    assert rtp % 2 == 0
    assert rtcp == rtp + 1
    with pytest.raises(OSError, match="in use"):
        DatagramPair.at("127.0.0.1", rtp)


def test_a_sender_hears_first_and_is_the_only_one_to_be_heard(pair: DatagramPair) -> None:
    with (
        closing(DatagramPair.bound(socket.AF_INET)) as camera,
        closing(socket.socket(type=socket.SOCK_DGRAM)) as stranger,
    ):
        pair.connect("127.0.0.1", camera.ports)
        opened = wait_until(lambda: list(arrived(camera.rtp)))
        assert len(opened) == 1, "nothing has opened the way back"
        stranger.sendto(b"not this", ("127.0.0.1", pair.ports[0]))
        for number in range(3):
            camera.rtp.sendto(bytes([number]), ("127.0.0.1", pair.ports[0]))
        assert wait_until(lambda: list(arrived(pair.rtp))) == [b"\0", b"\1", b"\2"]


def test_names_are_not_looked_up() -> None:
    assert is_address("192.0.2.1")
    assert is_address("fe80::1%lo")
    assert not is_address("camera.example")
    assert not is_address("")
    with closing(DatagramPair.bound(socket.AF_INET)) as free:
        port = free.ports[0]
    with closing(DatagramPair.at("camera.example", port)) as pair:
        assert pair.rtp.getsockname() == ("0.0.0.0", port)


@pytest.mark.parametrize("group", ["239.1.2.3 x", "cam.local", ""])
def test_a_group_is_an_address(group: str) -> None:
    with pytest.raises(OSError, match="is no group"):
        DatagramPair.joined(group, 15000)
