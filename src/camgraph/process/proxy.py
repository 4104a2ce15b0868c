"""Front-end classes: the methods of a back end as real methods with their real signatures."""

import inspect
from collections.abc import Callable
from typing import Any

from camgraph.base.errors import WrongSide
from camgraph.process.calls import Call
from camgraph.process.declare import HOOKS, MessageProcess, backend_methods_of, has_result

_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


class _Name:
    """Stands for a default value in a rendered signature."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return self.name


class _Arguments:
    """Turns what a proxy was called with into what is sent.

    A value that *is* the default is left out where it can be, so that the back end's own default counts: a
    sentinel would not survive the way.
    """

    def __init__(self, signature: inspect.Signature) -> None:
        parameters = list(signature.parameters.values())[1:]
        self.positional = [p for p in parameters if p.kind in _POSITIONAL]
        self.keyword_only = [p for p in parameters if p.kind is inspect.Parameter.KEYWORD_ONLY]
        self.var_positional = "".join(p.name for p in parameters if p.kind is p.VAR_POSITIONAL)
        self.var_keyword = "".join(p.name for p in parameters if p.kind is p.VAR_KEYWORD)
        self.as_they_are = all(p.default is p.empty for p in parameters) and not self.keyword_only
        """They are sent as they were given; there is nothing to collect."""

    def collect(
        self,
        positional: tuple[Any, ...],
        var_positional: tuple[Any, ...],
        keyword_only: tuple[Any, ...],
        var_keyword: dict[str, Any],
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        args: list[Any] = []
        kwargs = dict(var_keyword)
        by_name = False
        for parameter, value in zip(self.positional, positional, strict=True):
            can_be_named = parameter.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD and not var_positional
            if value is parameter.default and can_be_named:
                by_name = True
            elif by_name:
                kwargs[parameter.name] = value
            else:
                args.append(value)
        for parameter, value in zip(self.keyword_only, keyword_only, strict=True):
            if value is not parameter.default:
                kwargs[parameter.name] = value
        return (*args, *var_positional), kwargs


def proxies_of(kind: type[MessageProcess], base: type) -> dict[str, Callable[..., Any]]:
    """Return the methods that a front-end class for `kind` adds to its `base`, by name.

    Backend methods send a call; other public methods of `kind` raise WrongSide.
    """
    owner = kind.__qualname__
    remote = backend_methods_of(kind)
    proxies = {
        name: proxy_of(owner, name, function, asks=has_result(kind, name))
        for name, function in remote.items()
    }
    for name in dir(kind):
        public = not name.startswith("_") and not hasattr(base, name)
        if public and name not in remote and inspect.isroutine(getattr(kind, name)):
            if name in HOOKS:
                hint = "the back end calls it itself"
            elif hasattr(MessageProcess, name):
                hint = "call it there"
            else:
                hint = "mark it with @cg.backend to call it here"
            proxies[name] = wrong_side(owner, name, hint)
    return proxies


def proxy_of(owner: str, name: str, function: Callable[..., Any], *, asks: bool) -> Callable[..., Any]:
    """Return a method that calls ``self._call(name, args, kwargs)``, with the signature of `function`.

    One that `asks` for a result returns ``self._ask(name, args, kwargs)``.

    It is compiled, not a closure over ``*args``: Qt asks a slot's code for its number of arguments, and
    Python itself names an argument that is missing or unknown.
    """
    signature = inspect.signature(function)
    arguments = _Arguments(signature)
    namespace: dict[str, Any] = {"_camgraph_collect": arguments.collect}
    parameters = []
    for index, parameter in enumerate(signature.parameters.values()):
        default: Any = parameter.empty
        if parameter.default is not parameter.empty:
            default = _Name(f"_camgraph_default_{index}")
            namespace[default.name] = parameter.default
        parameters.append(parameter.replace(annotation=parameter.empty, default=default))
    header = signature.replace(parameters=parameters, return_annotation=signature.empty)
    groups = (
        _tuple(arguments.positional),
        arguments.var_positional or "()",
        _tuple(arguments.keyword_only),
        arguments.var_keyword or "{}",
    )
    if arguments.as_they_are:
        collected = f"(*{groups[0]}, *{groups[1]})" if arguments.var_positional else groups[0]
        collected += f", {groups[3]}"
    else:
        collected = f"*_camgraph_collect({', '.join(groups)})"
    call = "return {}._ask" if asks else "{}._call"
    source = f"def {name}{header}:\n    {call.format(parameters[0].name)}({name!r}, {collected})\n"
    exec(compile(source, f"<front end of {owner}.{name}>", "exec"), namespace)
    proxy: Callable[..., Any] = namespace[name]
    proxy.__qualname__ = f"{owner}.{name}"
    proxy.__module__ = function.__module__
    proxy.__doc__ = function.__doc__
    proxy.__annotations__ = {**getattr(function, "__annotations__", {}), "return": Call if asks else None}
    return proxy


def wrong_side(owner: str, name: str, hint: str) -> Callable[..., None]:
    """Return a method that raises WrongSide."""

    def method(self: object, *args: object, **kwargs: object) -> None:
        raise WrongSide(f"{owner}.{name}() runs in the back end; {hint}")

    method.__name__ = name
    method.__qualname__ = f"{owner}.{name}"
    return method


def _tuple(parameters: list[inspect.Parameter]) -> str:
    return f"({''.join(f'{parameter.name}, ' for parameter in parameters)})"
