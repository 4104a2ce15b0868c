"""Chains that store, or play what is stored: they come with a later version."""

__all__ = ["ValkkaFSFileFilterchain", "ValkkaFSLiveFilterchain"]

from valkka.core.later import STORING, Later


class ValkkaFSLiveFilterchain(Later, what=STORING):
    """Camera → decoder, and → store."""


class ValkkaFSFileFilterchain(Later, what=STORING):
    """Store → decoder."""
