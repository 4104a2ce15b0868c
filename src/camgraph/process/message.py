"""Messages from the back end to the front end, as they are declared and emitted."""

import keyword
from typing import Any, Protocol

from camgraph.base.errors import WrongSide


class Outlet(Protocol):
    """Where the messages of an instance go: its back end."""

    def emit(self, message: "Message", values: tuple[Any, ...]) -> None:
        """Send a message to the front end; never waits."""
        ...


class Message:
    """A declared message, back end → front end; made by `message`."""

    def __init__(self, fields: dict[str, Any]) -> None:
        self.fields = fields
        """Names of the fields, in order, and the type that each is declared with."""
        self.name = ""
        self.owner = ""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name, self.owner = name, owner.__qualname__

    def __getstate__(self) -> dict[str, Any]:
        # The types are the reader's; travelling with a class by value, they would bring their modules along.
        return self.__dict__ | {"fields": dict.fromkeys(self.fields, object)}

    def __get__(self, instance: Any, owner: type) -> Any:
        return self if instance is None else Emitter(self, instance.__dict__["_outlet"])

    def values_of(self, args: tuple[Any, ...], fields: dict[str, Any]) -> tuple[Any, ...]:
        """Return the values in the order of the declaration; raise TypeError naming what is wrong."""
        if not fields and len(args) == len(self.fields):
            return args
        call = f"{self.owner}.{self.name}.emit()"
        if len(args) > len(self.fields):
            raise TypeError(f"{call} takes {', '.join(self.fields) or 'no fields'}; {len(args)} were given")
        given = dict(zip(self.fields, args, strict=False))
        for name in fields:
            if name not in self.fields:
                raise TypeError(f"{call} has no field {name!r}; it takes {', '.join(self.fields) or 'none'}")
            if name in given:
                raise TypeError(f"{call} got field {name!r} twice")
        given |= fields
        missing = [name for name in self.fields if name not in given]
        if missing:
            raise TypeError(f"{call} lacks {', '.join(missing)}")
        return tuple(given[name] for name in self.fields)


class Emitter:
    """A message in the back end; emitting sends it to the front end."""

    __slots__ = ("_message", "_outlet")

    def __init__(self, message: Message, outlet: Outlet) -> None:
        self._message = message
        self._outlet = outlet

    def emit(self, *args: Any, **fields: Any) -> None:
        """Send the message, by position or by name; from any thread of the back end. Never waits.

        Raises TypeError naming a field that is missing, unknown or given twice, CannotTravel naming one whose
        value can't be pickled. What a slow front end leaves no room for is counted in `statistics().lost`.
        """
        self._outlet.emit(self._message, self._message.values_of(args, fields))

    def connect(self, callback: object) -> None:
        """Belongs to the front end; raises WrongSide."""
        name = f"{self._message.owner}.{self._message.name}"
        raise WrongSide(f"{name}.connect() belongs to the front end: call it on what site.spawn() returned")

    disconnect = connect


def message(*types: Any, **fields: Any) -> Any:
    """Declare a message from the back end to the front end, with its fields and their types.

    In the back end ``self.moved.emit(stream="door", score=9.5)`` sends it. At the front end it is a port with
    ``connect(callback)``, and with `camgraph.qt.signals` a Qt signal. Without Qt the callback runs in the
    site's thread, with the fields by their names, or in the thread that calls the front end's ``dispatch()``;
    in asyncio there is ``async for name, fields in front.messages()``. Values are pickled and arrive as they
    are: the types tell a reader what comes, they convert and check nothing.

    Emitting never waits: what a slow front end leaves no room for (1,024 messages or 64 MiB that wait, 32 MiB
    of large ones under way) is lost, and counted in ``front.statistics().lost``. What must arrive, return
    from a method.
    """
    if types:
        raise TypeError(f"message() takes its fields by name, as in message(score=float), not {types[0]!r}")
    for name in fields:
        if name.startswith("_"):
            raise TypeError(f"message field {name!r}: a field's name may not begin with an underscore")
        if not name.isidentifier() or keyword.iskeyword(name) or name == "self":
            raise TypeError(f"message field {name!r}: callbacks could not have a parameter of this name")
    return Message(fields)
