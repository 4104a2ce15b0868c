"""Pickling between front and back end, and naming what cannot travel."""

import dis
import inspect
import io
import os
import pickle
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from operator import attrgetter
from types import BuiltinMethodType, CodeType, FunctionType, MethodType
from typing import Any, NamedTuple
from weakref import WeakValueDictionary

import cloudpickle

from camgraph.base.descriptors import close_all
from camgraph.base.errors import CannotTravel
from camgraph.process.barrier import SHARED, Barrier, Place, take_place
from camgraph.process.descriptor import Arriving, Descriptor, arrived
from camgraph.process.wire import MOST_DESCRIPTORS

_homeless: WeakValueDictionary[tuple[str | None, str], Any] = WeakValueDictionary()
"""What went to back ends of programs that are no module: of a console of `code.interact`, of `exec`."""
_ATOMS = frozenset({type(None), bool, int, float, complex, str, bytes})


class Parcel(NamedTuple):
    """A pickled value, and the descriptors in it, which belong to whom it is given."""

    body: bytes
    descriptors: tuple[int, ...] = ()
    places: tuple[Place, ...] = ()
    """At barriers, which wait for what becomes of it: see `settle`."""

    def settle(self, *, gone: bool) -> None:
        """Its places are given away, also if it is lost on its way; or it comes back, and they with it."""
        for place in self.places:
            place.give() if gone else place.take_back()

    def drop(self) -> None:
        """Do not send it."""
        close_all(self.descriptors)
        self.settle(gone=False)


def loads(body: bytes, descriptors: Sequence[int] = ()) -> Any:
    """Return the value of a parcel; takes over the descriptors."""
    if not descriptors:
        return pickle.loads(body)
    with Arriving(descriptors):
        return pickle.loads(body)


def dumps(label: str, value: object) -> Parcel:
    """Pickle a value for the back end; classes and functions of ``__main__`` go by value.

    Raises CannotTravel naming, from `label` on, the part of the value that can't be pickled.
    """
    try:
        return _dump(_Pickler, value)
    except Exception as error:
        raise cannot_travel({label: value}, error) from error


def dumps_arguments(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Parcel:
    """Pickle ``(args, kwargs)`` for the method `function` of the back end, as `dumps`."""
    if not kwargs and _are_atoms(args):
        return Parcel(pickle.dumps((args, kwargs), pickle.HIGHEST_PROTOCOL))
    try:
        return _dump(_Pickler, (args, kwargs))
    except Exception as error:
        raise cannot_travel(named_arguments(function, args, kwargs), error) from error


def dumps_process(value: object) -> bytes:
    """Pickle as `dumps`, without descriptors, but raise what pickling raises."""
    parcel = _dump(_Pickler, value)
    if parcel.descriptors:
        parcel.drop()
        raise TypeError("what has descriptors is passed by a backend method, once the process is spawned")
    return parcel.body


def named_arguments(
    function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> dict[str, Any]:
    """Return the arguments by label: ``Movement.set_limit(value)``."""
    bound = inspect.signature(function).bind(None, *args, **kwargs)
    named = list(bound.arguments.items())[1:]
    return {f"{function.__qualname__}({name})": value for name, value in named}


def dumps_home(place: Callable[[], str], fields: Iterable[str], values: tuple[Any, ...]) -> Parcel:
    """Pickle values in the back end for the front end: those of a message, or the result of a method.

    What came from the program by value goes back by name: the program has the original, and gets that.
    Raises CannotTravel naming the field, and the `place`.
    """
    if _are_atoms(values):
        return Parcel(pickle.dumps(values, pickle.HIGHEST_PROTOCOL))
    try:
        return _dump(_HomewardPickler, values)
    except Exception as error:
        named = {f"{place()}({field})": value for field, value in zip(fields, values, strict=True)}
        raise cannot_travel(named, error, "stays in the back end; send plain values") from error


class _Pickler(cloudpickle.Pickler):  # type: ignore[misc]
    def __init__(self, file: io.BytesIO) -> None:
        super().__init__(file)
        self.descriptors: list[int] = []
        self.places: list[Place] = []

    def reducer_override(self, obj: Any) -> Any:
        if isinstance(obj, CodeType):
            # cloudpickle forgets where code was written; tracebacks of the back end are to show it.
            make, args = self.dispatch_table[CodeType](obj)
            return make, tuple(obj.co_filename if arg == "<dynamic-code>" else arg for arg in args)
        if isinstance(obj, type | FunctionType) and obj.__module__ not in sys.modules:
            _homeless[obj.__module__, obj.__qualname__] = obj
        if isinstance(obj, io.TextIOWrapper) and obj not in (sys.stdin, sys.stdout, sys.stderr):
            # cloudpickle would send a copy of what is in the file.
            raise TypeError("an open file can't be pickled")
        if isinstance(obj, Descriptor):
            return arrived, (self._add(obj.fileno()),)
        if isinstance(obj, Barrier):
            place = obj.offer()
            self.places.append(place)
            first = self._add(*place.descriptors)
            return take_place, (first, place.parties, place.number)
        return super().reducer_override(obj)

    def parcel(self, body: bytes) -> Parcel:
        return Parcel(body, tuple(self.descriptors), tuple(self.places))

    def _add(self, *descriptors: int) -> int:
        """Have them go along; return the place of the first."""
        first = len(self.descriptors)
        if first + len(descriptors) > MOST_DESCRIPTORS:
            raise ValueError(
                f"{MOST_DESCRIPTORS} descriptors at most go along with one message, "
                f"and a Barrier counts for {SHARED}"
            )
        for descriptor in descriptors:
            self.descriptors.append(os.dup(descriptor))
        return first


class _HomewardPickler(_Pickler):
    def reducer_override(self, obj: Any) -> Any:
        if isinstance(obj, type | FunctionType) and "<" not in obj.__qualname__:
            module = obj.__module__
            if module == "__main__" or module not in sys.modules:
                return _of_program, (module, obj.__qualname__)
        return super().reducer_override(obj)


def _are_atoms(values: tuple[Any, ...]) -> bool:
    """Tell whether plain pickling does, several times faster."""
    return _ATOMS.issuperset(map(type, values))


def _dump(pickler: type[_Pickler], value: object) -> Parcel:
    file = io.BytesIO()
    made = pickler(file)
    try:
        made.dump(value)
    except BaseException:
        made.parcel(b"").drop()
        raise
    return made.parcel(file.getvalue())


def _of_program(module: str, qualname: str) -> Any:
    if module in sys.modules:
        return attrgetter(qualname)(sys.modules[module])
    return _homeless[module, qualname]


def cannot_travel(
    values: dict[str, Any],
    error: Exception,
    remedy: str = "stays at the front; pass plain values, or make it in setup()",
) -> CannotTravel:
    """Return the error that names what can't be pickled among `values`, by label."""
    culprits = (_culprit(label, value, set()) for label, value in values.items() if not _travels(value))
    found = next(culprits, None)
    if found is None:
        return CannotTravel(f"{', '.join(values)} can't go together: {error}")
    path, part = found
    if callable(getattr(part, "fileno", None)):
        remedy = "does not go along as it is; pass cg.Descriptor(…) of it, in a backend method or a message"
    return CannotTravel(f"{path}: {type(part).__name__} {remedy} ({error})")


def _culprit(label: str, value: object, seen: set[int]) -> tuple[str, object]:
    """Follow what can't be pickled down to its innermost part that can't."""
    seen.add(id(value))
    for name, part in _parts(label, value):
        if id(part) not in seen and not _travels(part):
            return _culprit(name, part, seen)
    return label, value


def _travels(value: object) -> bool:
    try:
        parcel = _dump(_Pickler, value)
    except Exception:
        return False
    parcel.drop()
    return True


def _parts(label: str, value: object) -> Iterator[tuple[str, object]]:
    match value:
        case FunctionType() if hasattr(value, "__wrapped__"):
            yield label, inspect.unwrap(value)
        case FunctionType():
            for name in _globals_used(value.__code__):
                if name in value.__globals__:
                    yield f"{label} → {name}", value.__globals__[name]
            for name, cell in zip(value.__code__.co_freevars, value.__closure__ or (), strict=True):
                try:
                    yield f"{label} → {name}", cell.cell_contents
                except ValueError:
                    continue
            for default in (*(value.__defaults__ or ()), *(value.__kwdefaults__ or {}).values()):
                yield f"{label} → a default", default
        case MethodType():
            yield label, value.__func__
            yield f"{label}.__self__", value.__self__
        case BuiltinMethodType():
            yield f"{label}.__self__", value.__self__
        case staticmethod() | classmethod():
            yield label, value.__func__
        case property():
            for accessor in (value.fget, value.fset, value.fdel):
                yield label, accessor
        case type():
            for name, attribute in list(vars(value).items()):
                yield f"{label}.{name}", attribute
            for base in value.__bases__:
                yield base.__qualname__, base
        case dict():
            for key, item in value.items():
                yield f"{label}[{key!r}]", item
        case list() | tuple() | set() | frozenset():
            for index, item in enumerate(value):
                yield f"{label}[{index}]", item
        case _ if hasattr(value, "__dict__") and _has_state(value):
            for name, attribute in list(vars(value).items()):
                yield f"{label}.{name}", attribute


def _has_state(value: object) -> bool:
    """Tell whether pickling would go on with the object's parts: it does not refuse by itself."""
    try:
        value.__reduce_ex__(pickle.HIGHEST_PROTOCOL)
    except Exception:
        return False
    return True


def _globals_used(code: CodeType) -> Iterator[str]:
    for instruction in dis.get_instructions(code):
        if instruction.opname == "LOAD_GLOBAL":
            yield instruction.argval
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _globals_used(constant)
