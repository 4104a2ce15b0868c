"""Errors of the second level."""

__all__ = ["ValkkaFSLoadError"]

from valkka.fs import ValkkaFSLoadError
