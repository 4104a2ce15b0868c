"""The words a program declares a process with: `MessageProcess`, `message`, `backend`."""

import inspect
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, Self, TypeVar

from camgraph.base.errors import WrongSide

F = TypeVar("F", bound=Callable[..., Any])

HOOKS = ("setup", "on_frame", "cleanup")
BUILT_IN_MESSAGES = ("failed", "restarted", "exited")
FRONT_NAMES = (
    *BUILT_IN_MESSAGES,
    "alive",
    "close",
    "dispatch",
    "exit",
    "failure",
    "fileno",
    "messages",
    "name",
    "pid",
    "statistics",
    "unwatch",
    "wait",
    "watch",
)
_FRONT_ONLY = ("dispatch", "fileno", "messages", "statistics", "unwatch", "wait", "watch")
_MARK = "__camgraph_backend__"


class Outlet(Protocol):
    """Where the messages of an instance go: its back end."""

    def emit(self, message: "Message", values: tuple[Any, ...]) -> None:
        """Send a message to the front end; never waits."""
        ...


outlet_of_new_instances: ContextVar[Outlet | None] = ContextVar("outlet_of_new_instances", default=None)
"""Set by a back end while it makes its instance."""


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


def message(**fields: Any) -> Any:
    """Declare a message from the back end to the front end, with its fields and their types.

    In the back end ``self.moved.emit(stream="door", score=9.5)`` sends it. At the front end it is a port with
    ``connect(callback)``, and with `camgraph.qt.signals` a Qt signal. Without Qt the callback runs in the
    site's thread, with the fields by their names, or in the thread that calls the front end's ``dispatch()``;
    in asyncio there is ``async for name, fields in front.messages()``. Values are pickled and arrive as they
    are: the types tell a reader what comes, they convert and check nothing.
    """
    for name in fields:
        if name.startswith("_"):
            raise TypeError(f"message field {name!r}: a field's name may not begin with an underscore")
    return Message(fields)


def backend(method: F) -> F:
    """Mark a method that is called at the front end and runs in the back end.

    The call checks its arguments at the front and returns None at once; the calls of a front end run in their
    order, one at a time, between frames. What the method returns is not brought back.
    """
    if not inspect.isfunction(method):
        raise TypeError(f"@backend goes on a plain method, not on {method!r}")
    if (
        inspect.iscoroutinefunction(method)
        or inspect.isgeneratorfunction(method)
        or inspect.isasyncgenfunction(method)
    ):
        raise TypeError(f"@backend {method.__qualname__}: it may be no coroutine or generator")
    if method.__code__.co_argcount == 0:
        raise TypeError(f"@backend {method.__qualname__}: a method takes self first")
    if method.__name__.startswith("_"):
        raise TypeError(f"@backend {method.__qualname__}: what the front end calls begins with no underscore")
    if method.__name__ in HOOKS:
        raise TypeError(f"{method.__qualname__} is called by the back end itself: leave @backend out")
    if method.__name__ in FRONT_NAMES:
        raise TypeError(f"@backend {method.__qualname__}: front ends have their own {method.__name__!r}")
    setattr(method, _MARK, True)
    return method


class MessageProcess:
    """What runs in a process of its own: subclass it, and start it with ``site.spawn(YourClass, …)``.

    All methods run in the back end, `__init__` (with the arguments of `spawn`) too; heavy imports go into
    `setup`. Methods marked with `backend` are called at the front end. A class of ``__main__`` travels there
    by value and ``__main__`` is not run again; a class of a module is imported there from that module.

    An exception that leaves a method is reported at the front end with its traceback, then `cleanup` runs and
    the process ends with exit code 1; `SystemExit` ends it with its own code and is no failure. With
    ``restart = True`` in the class, a process that ends so, or is killed, is started again.
    """

    restart: ClassVar[bool] = False
    """True: a process that ends without being closed, by an exception, a signal or an exit code other than 0,
    is started again with the same arguments, and watches the same streams. The supervisor does it, at once
    and, when it ends again and again, after growing pauses; the program may hang meanwhile. The front end
    stays the same; it tells of it by ``restarted``."""

    if TYPE_CHECKING:
        _outlet: Outlet
    else:

        def __getattr__(self, name):
            kind = type(self).__name__
            if name in _FRONT_ONLY:
                raise WrongSide(f"{kind}.{name} belongs to the front end: use what site.spawn() returned")
            raise AttributeError(f"{kind!r} object has no attribute {name!r}")

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        """Make the instance in its back end; anywhere else, raise WrongSide."""
        outlet = outlet_of_new_instances.get()
        if outlet is None:
            raise WrongSide(
                f"{cls.__name__} is made in its back end: start it with site.spawn({cls.__name__}, …)"
            )
        instance = super().__new__(cls)
        instance.__dict__["_outlet"] = outlet
        return instance

    def __init__(self) -> None:
        pass

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if not isinstance(cls.restart, bool):
            raise TypeError(
                f"{cls.__qualname__}.restart is True or False; call what you have there otherwise"
            )
        for name, value in vars(cls).items():
            if isinstance(value, Message) and (name in FRONT_NAMES + HOOKS or name.startswith("_")):
                raise TypeError(f"{cls.__qualname__}.{name}: no message can have this name; choose another")

    def setup(self) -> None:
        """Called first in the back end. An exception here ends the process, without `cleanup`."""

    def on_frame(self, frame: Any) -> None:
        """Called in the back end with each frame (`camgraph.Frame`) of the requests it watches.

        `frame.array` is a view, valid while referenced; keep ``frame.copy()`` for longer.
        """

    def cleanup(self) -> None:
        """Called last in the back end: closed by the front end, SIGTERM, front end gone, or failed."""


def messages_of(kind: type[MessageProcess]) -> dict[str, Message]:
    """Return the declared messages of a class and its bases, by name, in the order of their declaration."""
    found: dict[str, Message] = {}
    for name, value in _attributes(kind):
        if isinstance(value, Message):
            found[name] = value
        else:
            found.pop(name, None)
    return found


def backend_methods_of(kind: type[MessageProcess]) -> dict[str, Callable[..., Any]]:
    """Return the methods of a class and its bases that are called at the front end, by name."""
    found: dict[str, Callable[..., Any]] = {}
    for name, value in _attributes(kind):
        if getattr(value, _MARK, False):
            found[name] = value
        elif not callable(value):
            found.pop(name, None)
        elif name in found:
            # An override without the mark is still the back end's: the base made the promise.
            found[name] = value
    return found


def _attributes(kind: type) -> Iterator[tuple[str, Any]]:
    for base in reversed(kind.__mro__):
        yield from vars(base).items()
