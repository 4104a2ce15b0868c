"""What a camera names as a group is not looked up."""

import pytest

from camgraph.media.datagrams import DatagramPair


@pytest.mark.parametrize("group", ["239.1.2.3 x", "cam.local", ""])
def test_a_group_is_an_address(group: str) -> None:
    with pytest.raises(OSError, match="is no group"):
        DatagramPair.joined(group, 15000)
