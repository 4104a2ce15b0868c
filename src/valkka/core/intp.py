"""Whole numbers that a function can set, as pointers to integers are in C."""

__all__ = ["copy_intp", "delete_intp", "intp_assign", "intp_value", "new_intp"]


class _IntPointer:
    __slots__ = ("value",)

    def __init__(self, value: int) -> None:
        self.value = value


def new_intp() -> _IntPointer:
    """Return a new one, which is 0."""
    return _IntPointer(0)


def copy_intp(value: int) -> _IntPointer:
    """Return a new one of that value."""
    return _IntPointer(int(value))


def delete_intp(obj: _IntPointer) -> None:
    """Let it go; Python does that by itself."""


def intp_assign(obj: _IntPointer, value: int) -> None:
    """Set it."""
    obj.value = int(value)


def intp_value(obj: _IntPointer) -> int:
    """Return its value."""
    return obj.value
