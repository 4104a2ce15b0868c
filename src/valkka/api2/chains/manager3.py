"""Chains of the last version, whatever their source: they come with a later version."""

__all__ = ["LiveManagedFilterchain", "ManagedFilterchain3", "USBManagedFilterchain"]

from valkka.core.later import Later


class ManagedFilterchain3(Later, what="a filterchain whatever its source"):
    """Decoder → windows, which come and go."""


class LiveManagedFilterchain(ManagedFilterchain3):
    """The same, fed by a camera."""


class USBManagedFilterchain(ManagedFilterchain3):
    """The same, fed by a USB camera."""
