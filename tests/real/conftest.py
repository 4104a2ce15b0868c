"""What tests with real programs share."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.real.running_example import Example


@pytest.fixture
def start(tmp_path: Path, xvfb: str) -> Iterator[Callable[..., Example]]:
    started: list[Example] = []

    def start(name: str, *arguments: str, **environment: str) -> Example:
        started.append(Example(tmp_path, xvfb, name, *arguments, **environment))
        return started[-1]

    yield start
    for running in started:
        running.popen.kill()
        running.popen.wait()
