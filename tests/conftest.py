"""What tests of all rooms share."""

from collections.abc import Iterator

import pytest

from camgraph.testing.screens import screen


@pytest.fixture(scope="session")
def xvfb() -> Iterator[str]:
    """Name of the display (``:N``) of an X server of this session's own."""
    with screen() as display:
        yield display
