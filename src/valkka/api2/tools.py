"""Checks of parameters, loggers, and where files are.

Types are compared exactly, by ``obj.__class__ == type``: True is no int, and an object of a subclass is not
one of its base class.
"""

__all__ = [
    "dictionaryCheck",
    "generateGetters",
    "getDataFile",
    "getDataPath",
    "getLogger",
    "getModulePath",
    "getTestDataFile",
    "getTestDataPath",
    "get_system_numpy",
    "import_file",
    "noCheck",
    "objectCheck",
    "parameterInitCheck",
    "setLogger",
    "typeCheck",
]

import functools
import importlib.metadata
import importlib.util
import logging
import os
import sys
import traceback
from collections.abc import Mapping
from types import ModuleType
from typing import Any

from camgraph.base.redact import redact


def noCheck(obj: object) -> bool:
    """Accept anything."""
    return True


def typeCheck(obj: object, typ: type) -> None:
    """Raise AttributeError unless the class of ``obj`` is exactly ``typ``."""
    if obj.__class__ != typ:
        raise AttributeError(
            f"{redact(repr(obj))} should be of type {typ.__name__}, not {obj.__class__.__name__}"
        )


def dictionaryCheck(definitions: Mapping[str, Any], dic: Mapping[str, object]) -> None:
    """Raise AttributeError unless ``dic`` has a value for each definition, which fits it."""
    for name, definition in definitions.items():
        if name not in dic:
            raise AttributeError(f"Missing key '{name}'")
        _check(name, definition, dic[name])


def objectCheck(definitions: Mapping[str, Any], obj: object) -> None:
    """Raise AttributeError unless ``obj`` has an attribute for each definition, which fits it."""
    for name, definition in definitions.items():
        if not hasattr(obj, name):
            raise AttributeError(f"Missing attribute '{name}'")
        _check(name, definition, getattr(obj, name))


def parameterInitCheck(
    definitions: Mapping[str, Any], parameters: Mapping[str, Any], obj: object, undefined_ok: bool = False
) -> None:
    """Check the keyword arguments of a constructor and set them as attributes of ``obj``.

    A definition is a pair ``(type, default)``, a type (the parameter must be given), a function that says
    whether a value is right (the parameter must be given), or None (anything; None by default). A pair
    whose default is None takes None, too.

    Raises AttributeError for a parameter that is missing, of another type, or, unless ``undefined_ok``,
    unknown; the last after printing where the call came from.
    """
    for name in parameters:
        if name not in definitions and not undefined_ok:
            traceback.print_stack()
            known = ", ".join(definitions)
            raise AttributeError(f"Unknown parameter '{name}' for {type(obj).__name__}; it has: {known}")
    for name, definition in definitions.items():
        if name in parameters:
            value = parameters[name]
            _check(name, definition, value)
        elif definition is None:
            value = None
        elif isinstance(definition, tuple):
            value = definition[1]
        else:
            raise AttributeError(f"Missing mandatory parameter '{name}' for {type(obj).__name__}")
        setattr(obj, name, value)


def generateGetters(definitions: Mapping[str, Any], obj: object) -> None:
    """Give ``obj`` a method ``get_<name>()`` for each of its attributes that is defined."""
    for name in definitions:
        setattr(obj, f"get_{name}", functools.partial(getattr, obj, name))


def getLogger(name: str) -> logging.Logger:
    """Return the logger of this name."""
    return logging.getLogger(name)


def setLogger(name: str, level: int) -> logging.Logger:
    """Let the logger of this name write to standard error from a level of `logging` on."""
    logger = logging.getLogger(name)
    logger.setLevel(level)
    if not logger.handlers:
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter("%(asctime)s %(name)s %(levelname)s: %(message)s"))
        logger.addHandler(handler)
        logger.propagate = False
    return logger


def import_file(full_name: str, path: str) -> ModuleType:
    """Import the Python file at ``path`` as module ``full_name``, and return it."""
    spec = importlib.util.spec_from_file_location(full_name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is not a Python file", name=full_name, path=path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[full_name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        sys.modules.pop(full_name, None)
        raise
    return module


def getModulePath() -> str:
    """Return the folder of this package."""
    return os.path.dirname(os.path.abspath(__file__))


def getDataPath() -> str:
    """Return the folder of the package's own files."""
    return os.path.join(getModulePath(), "data")


def getDataFile(fname: str) -> str:
    """Return the path of one of the package's own files."""
    return os.path.join(getDataPath(), fname)


def getTestDataPath() -> str:
    """Return the folder of files to try things with."""
    return os.path.join(getModulePath(), "test_data")


def getTestDataFile(fname: str) -> str:
    """Return the path of a file to try things with."""
    return os.path.join(getTestDataPath(), fname)


def get_system_numpy() -> str:
    """Return the version of the numpy that is installed."""
    return importlib.metadata.version("numpy")


def _check(name: str, definition: Any, value: object) -> None:
    if definition is None:
        return
    if isinstance(definition, tuple):
        wanted, default = definition
        if value is None and default is None:
            return
        definition = wanted
    if isinstance(definition, type):
        try:
            typeCheck(value, definition)
        except AttributeError as error:
            raise AttributeError(f"Parameter '{name}': {error}") from None
    elif callable(definition) and not definition(value):
        raise AttributeError(f"Parameter '{name}': {redact(repr(value))} is refused by {definition.__name__}")
