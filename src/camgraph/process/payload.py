"""What a back end is started with: the class, the arguments of its constructor, the program's import path.

A class that the back end can import goes by reference; one of ``__main__``, or of a module that no import
path leads to, goes by value, with the globals that its methods use and nothing else of its module.
"""

import os
import pickle
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.machinery import FileFinder, ModuleSpec, PathFinder
from types import ModuleType
from typing import Any

import cloudpickle

from camgraph.process.declare import MessageProcess
from camgraph.process.travel import cannot_travel, dumps_process, loads, named_arguments

_registry = threading.Lock()


def pack(kind: type[MessageProcess], args: tuple[Any, ...], kwargs: dict[str, Any]) -> bytes:
    """Return the payload of a back end that is to run ``kind(*args, **kwargs)``.

    Raises TypeError naming an argument that `kind` does not take or lacks, CannotTravel naming what can't be
    pickled: an argument, an attribute of the class, a global that one of its methods uses.
    """
    arguments = check_arguments(kind, args, kwargs)
    with _by_value(kind):
        try:
            process = dumps_process((kind, args, kwargs))
        except Exception as error:
            raise cannot_travel({kind.__qualname__: kind, **arguments}, error) from error
    return pickle.dumps((_absolute_path(), process))


def check_arguments(
    kind: type[MessageProcess], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> dict[str, Any]:
    """Return the arguments by label; raises TypeError naming one that `kind` does not take or lacks."""
    if not (isinstance(kind, type) and issubclass(kind, MessageProcess)):
        raise TypeError(f"spawn() takes a subclass of MessageProcess, not {kind!r}")
    try:
        return named_arguments(kind.__init__, args, kwargs)
    except TypeError as error:
        raise TypeError(f"{kind.__qualname__}: {error}") from None


def unpack(payload: bytes) -> tuple[type[MessageProcess], tuple[Any, ...], dict[str, Any]]:
    """Take over the program's import path, and return class and arguments. In the back end."""
    path, process = loads(payload)
    sys.path[:] = [*path, *(entry for entry in sys.path if entry not in path)]
    kind, args, kwargs = loads(process)
    return kind, args, kwargs


@contextmanager
def _by_value(kind: type) -> Iterator[None]:
    """Have the modules of a class that the back end can't import pickled by value."""
    with _registry:
        modules = [
            module
            for name in {base.__module__ for base in kind.__mro__} - {"__main__", "builtins", __name__}
            if (module := sys.modules.get(name)) is not None
            and name not in cloudpickle.list_registry_pickle_by_value()
            and not _importable(module)
        ]
        for module in modules:
            cloudpickle.register_pickle_by_value(module)
        try:
            yield
        finally:
            for module in modules:
                cloudpickle.unregister_pickle_by_value(module)


def _absolute_path() -> list[str]:
    try:
        return [os.path.abspath(_place(entry)) for entry in sys.path]
    except FileNotFoundError:  # the working directory was removed, and nothing can be imported from it
        return [entry for entry in map(_place, sys.path) if os.path.isabs(entry)]


def _place(entry: str) -> str:
    """Return the folder in which this program looks for a relative entry: as it was when it first looked."""
    finder = sys.path_importer_cache.get(entry)
    return finder.path if isinstance(finder, FileFinder) else entry


def _importable(module: ModuleType) -> bool:
    """Tell whether a fresh interpreter with this import path would find the same module."""
    path: Sequence[str] | None = None
    spec: ModuleSpec | None = None
    parts = module.__name__.split(".")
    for count in range(1, len(parts) + 1):
        spec = _find_spec(".".join(parts[:count]), path)
        if spec is None:
            return False
        path = spec.submodule_search_locations
    file = getattr(module, "__file__", None)
    if spec is None or spec.origin is None or file is None:
        return False
    return bool(os.path.realpath(spec.origin) == os.path.realpath(file))


def _find_spec(name: str, path: Sequence[str] | None) -> ModuleSpec | None:
    finders: list[Any] = [PathFinder, *sys.meta_path]
    for finder in finders:
        spec: ModuleSpec | None = finder.find_spec(name, path)
        if spec is not None:
            return spec
    return None
