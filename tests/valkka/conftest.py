"""What all tests of the documented API share."""

from collections.abc import Iterator

import pytest
from tests.conftest import reset_log_levels


@pytest.fixture(autouse=True)
def log_levels() -> Iterator[None]:
    """Leave loggers as they were: many calls of the API set their levels."""
    yield
    reset_log_levels()
