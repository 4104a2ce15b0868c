"""What tests of programs share with those in tests/real."""

from tests.real.conftest import cameras, site, start

__all__ = ["cameras", "site", "start"]
