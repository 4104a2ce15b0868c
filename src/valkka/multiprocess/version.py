"""The version that programs ask for."""

VERSION_MAJOR = 1
VERSION_MINOR = 6
VERSION_PATCH = 1


def getVersionTag() -> str:
    """Return the version, as "1.6.1"."""
    return f"{VERSION_MAJOR}.{VERSION_MINOR}.{VERSION_PATCH}"
