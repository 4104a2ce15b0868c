"""Whether what a program declares is of the types that the processes of its site can read."""

import re

import msgspec

from camgraph.base.errors import GraphError

_SAID = re.compile(r"(?P<what>.*) - at `\$\.(?P<place>.*)`")


def check_types(name: str, value: msgspec.Struct) -> None:
    """Raise GraphError if a field is of another type than is declared: nobody could read it.

    The text names the place: in `name`, a stream.
    """
    try:
        msgspec.convert(msgspec.to_builtins(value), type(value))
    except (msgspec.ValidationError, TypeError) as error:
        said = _SAID.fullmatch(str(error))
        told = f"{said['place']}: {said['what'][0].lower()}{said['what'][1:]}" if said else str(error)
        raise GraphError(f"stream {name!r}: {told}") from error
