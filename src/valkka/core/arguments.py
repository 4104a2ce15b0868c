"""Arguments as the documented API takes them: of another type they are refused as wrong types are."""

from typing import Any, TypeVar

T = TypeVar("T")

LARGEST_SLOT = 255


def text(where: str, name: str, value: object) -> str:
    """Return a string."""
    return a(where, name, value, str)


def whole(where: str, name: str, value: Any, least: int | None = None) -> int:
    """Return a whole number; numpy's are some, too."""
    try:
        number: int = value.__index__()
    except AttributeError:
        raise TypeError(f"{where}: {name} must be a whole number, not {value!r}") from None
    if least is not None and number < least:
        raise ValueError(f"{where}: {name} must be {least} or more, not {number}")
    return number


def number(where: str, name: str, value: Any) -> float:
    """Return a number."""
    try:
        return float(value.__float__())
    except AttributeError:
        return float(whole(where, name, value))


def a(where: str, name: str, value: object, kind: type[T]) -> T:
    """Return what is of a kind."""
    if not isinstance(value, kind):
        raise TypeError(f"{where}: {name} must be of type {kind.__name__}, not {value!r}")
    return value


def a_or_none(where: str, name: str, value: object, kind: type[T]) -> T | None:
    """Return what is of a kind, or None."""
    return None if value is None else a(where, name, value, kind)
