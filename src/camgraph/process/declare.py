"""The words a program declares a process with: `MessageProcess`, `backend`, `Restart`."""

import inspect
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NoReturn, Protocol, Self, TypeVar, cast, overload

from camgraph.base.errors import WrongSide
from camgraph.base.loop import HasFileno
from camgraph.process.message import Message, Outlet, message

F = TypeVar("F", bound=Callable[..., Any])

HOOKS = ("setup", "on_frame", "cleanup")
BUILT_IN_MESSAGES = ("ready", "failed", "stopped", "restarted", "exited")
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
    "wait_ready",
    "watch",
)
_FRONT_ONLY = ("dispatch", "fileno", "messages", "statistics", "unwatch", "wait", "wait_ready", "watch")
_MARK = "__camgraph_backend__"
_NOTHING: tuple[object, ...] = (None, "None", NoReturn, "NoReturn")
_MOST_CRASHES = 10_000
_LEAST_S, _MOST_S = 1e-6, 1e9
_A_SPAN = f"a number of seconds from {_LEAST_S:g} to {_MOST_S:g}"


class Timer(Protocol):
    """A callback that is due later."""

    def cancel(self) -> None:
        """Forget it; twice does nothing."""
        ...


class Home(Outlet, Protocol):
    """The back end in which an instance lives."""

    def read(self, request: Any) -> Any:
        """See `MessageProcess.read`."""
        ...

    def call_later(self, seconds: float, callback: Callable[[], object]) -> Timer:
        """See `MessageProcess.call_later`."""
        ...

    def every(self, seconds: float, callback: Callable[[], object]) -> Timer:
        """See `MessageProcess.every`."""
        ...

    def add_reader(self, file: HasFileno | int, callback: Callable[[], object]) -> None:
        """See `MessageProcess.add_reader`."""
        ...

    def remove_reader(self, file: HasFileno | int) -> None:
        """See `MessageProcess.remove_reader`."""
        ...


home_of_new_instances: ContextVar[Home | None] = ContextVar("home_of_new_instances", default=None)
"""Set by a back end while it makes its instance."""


@overload
def backend(method: F, /) -> F: ...
@overload
def backend(*, deadline_s: float) -> Callable[[F], F]: ...
def backend(method: F | None = None, /, *, deadline_s: float | None = None) -> F | Callable[[F], F]:
    """Mark a method that is called at the front end and runs in the back end.

    The call checks its arguments at the front and returns at once; the calls of a front end run in their
    order, one at a time, between frames. A method that is annotated to return something has a result: the
    call returns a `Call`, a future, and what the method raises goes there and ends nothing. Else it returns
    None, and an exception ends the process. `deadline_s` goes before that of the class.
    """
    if method is not None:
        return _marked(method, deadline_s)
    return lambda method: _marked(method, deadline_s)


def _marked(method: F, deadline_s: float | None) -> F:
    if not inspect.isfunction(method):
        raise TypeError(f"@backend goes on a plain method, not on {method!r}")
    if inspect.isgeneratorfunction(method) or inspect.isasyncgenfunction(method):
        raise TypeError(f"@backend {method.__qualname__}: it may be no generator")
    if method.__code__.co_argcount == 0:
        raise TypeError(f"@backend {method.__qualname__}: a method takes self first")
    if method.__name__.startswith("_"):
        raise TypeError(f"@backend {method.__qualname__}: what the front end calls begins with no underscore")
    if method.__name__ in HOOKS:
        raise TypeError(f"{method.__qualname__} is called by the back end itself: leave @backend out")
    if method.__name__ in FRONT_NAMES:
        raise TypeError(f"@backend {method.__qualname__}: front ends have their own {method.__name__!r}")
    if deadline_s is not None and not _is_span(deadline_s):
        raise ValueError(f"@backend {method.__qualname__}: deadline_s is {_A_SPAN}, not {deadline_s!r}")

    @wraps(method)
    def guarded(self: Any, *args: Any, **kwargs: Any) -> Any:
        if not isinstance(self, MessageProcess):
            owner = method.__qualname__.rpartition(".")[0]
            raise WrongSide(
                f"{method.__qualname__}() is called on what site.spawn({owner}, …) returned, not on the class"
            )
        return method(self, *args, **kwargs)

    setattr(guarded, _MARK, _Marked(deadline_s))
    return cast(F, guarded)


@dataclass(frozen=True)
class _Marked:
    deadline_s: float | None


@dataclass(frozen=True)
class Restart:
    """A process that ends without being closed is started again, but not for ever.

    `crashes` of them within `within_s` seconds end it for good; ``crashes=0``: nothing does.
    """

    crashes: int = 10
    within_s: float = 60.0

    def __post_init__(self) -> None:
        if not isinstance(self.crashes, int) or not 0 <= self.crashes <= _MOST_CRASHES:
            raise ValueError(f"{self}: crashes is an int from 0 to {_MOST_CRASHES}")
        if not _is_span(self.within_s):
            raise ValueError(f"{self}: within_s is {_A_SPAN}")


class MessageProcess:
    """What runs in a process of its own: subclass it, and start it with ``site.spawn(YourClass, …)``.

    All methods run in the back end, `__init__` (with the arguments of `spawn`) too; heavy imports go into
    `setup`. Methods marked with `backend` are called at the front end. A class of ``__main__`` travels there
    by value and ``__main__`` is not run again; a class of a module is imported there from that module.

    An exception that leaves a method is reported at the front end with its traceback, then `cleanup` runs and
    the process ends with exit code 1; `SystemExit` ends it with its own code and is no failure. With
    ``restart = True`` in the class, a process that ends so, or is killed, is started again.
    """

    restart: ClassVar[bool | Restart] = False
    """True, or a `Restart`: a process that ends without being closed, by an exception, a signal or an exit
    code other than 0, is started again with the same arguments, and watches the same streams. The supervisor
    does it, at once and, when it ends again and again, after growing pauses; the program may hang meanwhile.
    The front end stays the same; it tells of it by ``restarted``. After so many crashes in so short a time as
    `Restart` says (True: its defaults), it has ended for good, and `exit` tells the story."""

    start_method: ClassVar[Literal["exec", "fork"]] = "exec"
    """``"fork"``: it is a copy of the program, with its globals and descriptors, made when `spawn` is called;
    for programs that rely on that. It can't be started again. ``"exec"`` is safe at any time."""

    deadline_s: ClassVar[float | None] = None
    """How long a handler may take: `on_frame`, a backend method, the callback of a timer or descriptor; one
    that takes longer is reported, with what it was doing, and the process is killed. `backend` takes one for
    a method."""

    _may_wait: ClassVar[bool] = False
    """Its hooks and backend methods may be coroutines."""

    if TYPE_CHECKING:
        _outlet: Home
    else:

        def __getattr__(self, name):
            kind = type(self).__name__
            if name in _FRONT_ONLY:
                raise WrongSide(f"{kind}.{name} belongs to the front end: use what site.spawn() returned")
            raise AttributeError(f"{kind!r} object has no attribute {name!r}")

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        """Make the instance in its back end; anywhere else, raise WrongSide."""
        home = home_of_new_instances.get()
        if home is None:
            raise WrongSide(
                f"{cls.__name__} is made in its back end: start it with site.spawn({cls.__name__}, …)"
            )
        instance = super().__new__(cls)
        instance.__dict__["_outlet"] = home
        return instance

    def __init__(self) -> None:
        pass

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if not isinstance(cls.restart, bool | Restart):
            raise TypeError(
                f"{cls.__qualname__}.restart is True, False or a Restart; call what you have there otherwise"
            )
        if cls.start_method not in ("exec", "fork"):
            raise TypeError(f"{cls.__qualname__}.start_method is 'exec' or 'fork', not {cls.start_method!r}")
        if cls.start_method == "fork" and cls.restart:
            raise TypeError(
                f"{cls.__qualname__}: a forked process can't be started again: leave restart or "
                "start_method out"
            )
        if cls.deadline_s is not None and not _is_span(cls.deadline_s):
            raise ValueError(f"{cls.__qualname__}.deadline_s is {_A_SPAN}, not {cls.deadline_s!r}")
        if not cls._may_wait:
            for name, value in vars(cls).items():
                if inspect.iscoroutinefunction(inspect.unwrap(value)) and (
                    name in HOOKS or hasattr(value, _MARK)
                ):
                    raise TypeError(
                        f"{cls.__qualname__}.{name} is a coroutine: derive from AsyncMessageProcess"
                    )
        for name, value in vars(cls).items():
            if value is message:
                raise TypeError(
                    f"{cls.__qualname__}.{name} = message: it is called, message() or message(n=int)"
                )
            if isinstance(value, Message) and (name in FRONT_NAMES + HOOKS or name.startswith("_")):
                raise TypeError(f"{cls.__qualname__}.{name}: no message can have this name; choose another")

    def setup(self) -> Any:
        """Called first in the back end. An exception here ends the process, without `cleanup`."""

    def on_frame(self, frame: Any) -> Any:
        """Called in the back end with each frame (`camgraph.Frame`) of the requests it watches.

        `frame.array` is a view, valid while referenced; keep ``frame.copy()`` for longer.
        """

    def cleanup(self) -> Any:
        """Called last in the back end: closed by the front end, SIGTERM, front end gone, or failed."""

    def read(self, request: Any) -> Any:
        """Return a `camgraph.Reader` of the frames asked for, as `Site.read` does at the front.

        For the back end that reads by itself, instead of `on_frame`: ``reader.read(timeout)``, iterating, in
        asyncio ``async for``, or `add_reader` with it. Requests travel as arguments. It is closed at the end
        of the back end, or before by who has it. Raises BrokenError if the site is gone.
        """
        return self._outlet.read(request)

    def call_later(self, seconds: float, callback: Callable[[], object]) -> Timer:
        """Call back in `seconds`, between calls and frames; the timer that is returned can ``cancel()`` it.

        For the back end, like the three methods that follow. This one and the next may be called from any of
        its threads: the callback runs where all others do. An exception that leaves it ends the process, as
        one of `on_frame`.
        """
        return self._outlet.call_later(seconds, callback)

    def every(self, seconds: float, callback: Callable[[], object]) -> Timer:
        """Call back every so many seconds, first after as many; turns that were missed are left out.

        A turn is missed if the last one is not done by then.
        """
        return self._outlet.every(seconds, callback)

    def add_reader(self, file: HasFileno | int, callback: Callable[[], object]) -> None:
        """Call back whenever `file`, a descriptor or what has one, is readable or at its end.

        It stays the caller's, who takes it back with `remove_reader` before closing it; one that was closed
        before is heard of no more.
        """
        self._outlet.add_reader(file, callback)

    def remove_reader(self, file: HasFileno | int) -> None:
        """Call back no more; does nothing for one that is not watched."""
        self._outlet.remove_reader(file)


class AsyncMessageProcess(MessageProcess):
    """A `MessageProcess` whose back end is an asyncio loop: each of its methods may be ``async def``.

    Backend methods and callbacks run as tasks, begun in their order after `setup`; while one waits, others
    run, 256 at most: then calls wait at the front end, which is told `BackendBusy` in the end. The frames of
    a request come one at a time: the next one when `on_frame` has returned; so do the turns of a timer. Past
    a deadline, a task is cancelled, reported, and the process ends; one that holds the loop is killed. At the
    end, tasks under way have a second to finish, then they are cancelled; `cleanup` comes last.
    """

    _may_wait = True


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


def has_result(kind: type[MessageProcess], method: str) -> bool:
    """Tell whether a backend method is annotated to return something; an override may leave that out."""
    for base in kind.__mro__:
        annotations = getattr(vars(base).get(method), "__annotations__", {})
        if "return" in annotations:
            return annotations["return"] not in _NOTHING
    return False


def deadline_of(kind: type[MessageProcess], method: str) -> float | None:
    """Return how long a handler of the class may take, in s; None: as long as it likes."""
    for base in kind.__mro__:
        marked = getattr(vars(base).get(method), _MARK, None)
        if isinstance(marked, _Marked) and marked.deadline_s is not None:
            return marked.deadline_s
    return kind.deadline_s


def _is_span(seconds: object) -> bool:
    """Tell whether the kernel's timers, and the supervisor's clock, can count so many seconds."""
    return isinstance(seconds, int | float) and _LEAST_S <= seconds <= _MOST_S


def _attributes(kind: type) -> Iterator[tuple[str, Any]]:
    for base in reversed(kind.__mro__):
        yield from vars(base).items()
