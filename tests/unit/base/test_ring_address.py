"""Where a ring is asked for by its name: an address for every name, and another one for each."""

import os
import socket

from hypothesis import given
from hypothesis import strategies as st

from camgraph.base.descriptors import ring_address, site_address

names = st.text(st.characters(codec="utf-8"), max_size=300)


@given(one=names, other=names)
def test_every_name_has_an_address_of_its_own(one: str, other: str) -> None:
    assert (ring_address(one) == ring_address(other)) == (one == other)
    assert ring_address(one) != os.fsencode(site_address(other))


def test_the_kernel_takes_the_longest() -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.bind(ring_address("ring of a test " * 100))
