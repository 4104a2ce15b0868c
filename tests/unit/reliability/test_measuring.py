"""What is counted: frames that are missing, and what a process has more of than before."""

import socket
import struct

from camgraph.testing.watching import Seen
from reliability.census import growth
from reliability.measuring import lost
from reliability.names import answer


def seen(*numbers: int) -> list[Seen]:
    return [Seen(0.0, 1, index, number, ok=number >= 0) for index, number in enumerate(numbers)]


def test_frames_are_missed_by_their_numbers() -> None:
    assert lost(seen(248, 249, 0, 1)) == 0
    assert lost(seen(247, 0, 1, 5)) == 5
    assert lost(seen(1, -1, 3)) == 1


def test_only_growth_is_a_leak() -> None:
    assert growth({"thread": 3, "pipe": 2}, {"thread": 2, "pipe": 4, "socket": 1}) == [
        "pipe",
        "pipe",
        "socket",
    ]


def test_the_name_server_tells_one_address_or_none() -> None:
    name = b"\x06camera\x04test\x00"
    header = struct.pack("!HHHHHH", 77, 0x0100, 1, 0, 0, 0)
    asks_v4, asks_v6 = (header + name + struct.pack("!HH", kind, 1) for kind in (1, 28))
    found = answer(asks_v4, "127.0.0.2")
    assert found[:2] == asks_v4[:2]
    assert found.endswith(socket.inet_aton("127.0.0.2"))
    assert struct.unpack_from("!HHHH", found, 0)[3] == 1
    assert struct.unpack_from("!HHHH", answer(asks_v6, "127.0.0.2"), 0)[1:] == (0x8180, 1, 0)
    assert answer(asks_v4, "")[3] & 15 == 3
