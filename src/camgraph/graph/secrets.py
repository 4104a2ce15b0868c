"""References to secrets (``env:NAME``, ``file:/path``), and what they stand for."""

import os
from collections.abc import Iterable
from pathlib import Path

from camgraph.base.errors import GraphError
from camgraph.base.withheld import withhold


def resolve(reference: str) -> str:
    """Return the ``user:password`` a reference stands for; raise GraphError naming the reference.

    An environment variable that it names is withheld from all processes that are started from now on.
    """
    kind, _, name = reference.partition(":")
    if kind == "env":
        withhold([name])
        value = os.environ.get(name)
        if value is None:
            raise GraphError(
                f"login {reference!r}: the environment has no {name}; set it to user:password before starting"
            )
        if not _is_text(value):
            raise GraphError(f"login {reference!r}: {name} holds no text; write user:password in UTF-8")
    elif kind == "file":
        try:
            value = _text(Path(name).read_bytes())
        except OSError as error:
            raise GraphError(f"login {reference!r}: the file can't be read: {error.strerror}") from error
        if value is None:
            raise GraphError(f"login {reference!r}: the file holds no text; write user:password into it")
    elif kind == "url":
        raise GraphError(
            f'login {reference!r}: the url\'s password is not stored with a graph; use "env:NAME"'
        )
    else:
        raise GraphError(f'login {reference!r} is not a reference: write "env:NAME" or "file:/path"')
    if ":" not in value:
        raise GraphError(f"login {reference!r}: the value must be user:password")
    return value


def variables_of(references: Iterable[str]) -> set[str]:
    """Return the environment variables that references name."""
    return {reference.removeprefix("env:") for reference in references if reference.startswith("env:")}


def _is_text(value: str) -> bool:
    """Tell whether it can be sent as text: the environment may hold any bytes."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _text(data: bytes) -> str | None:
    """Return the text, or None: the error would hold the bytes, and so would what is raised after it."""
    try:
        return data.decode().strip()
    except UnicodeDecodeError:
        return None
