"""The version that programs ask for."""

import pytest

from valkka import core, multiprocess
from valkka.multiprocess.version import getVersionTag


@pytest.mark.effect(
    "valkka.multiprocess.version.getVersionTag", "valkka.multiprocess.__version__", "valkka.core.__version__"
)
def test_it_is_that_of_the_core() -> None:
    assert multiprocess.__version__ == getVersionTag() == core.__version__
