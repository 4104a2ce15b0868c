"""The version that programs ask for."""

from valkka import core, multiprocess
from valkka.multiprocess.version import getVersionTag


def test_it_is_that_of_the_core() -> None:
    assert multiprocess.__version__ == getVersionTag() == core.__version__
