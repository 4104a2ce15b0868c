"""Rings of the documented API: a name for each test, and forked processes that say what they see."""

import multiprocessing
import multiprocessing.connection
import multiprocessing.context
import multiprocessing.process
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest

FORK = multiprocessing.get_context("fork")


class Child:
    """A forked process, and the pipe to it."""

    def __init__(self, target: Callable[..., None], *args: Any) -> None:
        self.pipe, theirs = FORK.Pipe()
        self.process = FORK.Process(target=target, args=(theirs, *args))
        self.process.start()
        theirs.close()

    def said(self, within_s: float = 10) -> Any:
        """Return what it says next."""
        assert self.pipe.poll(within_s), "it says nothing"
        return self.pipe.recv()

    def tell(self, what: Any) -> None:
        self.pipe.send(what)

    def end(self) -> None:
        """Wait until it has ended, and well."""
        self.process.join(10)
        assert self.process.exitcode == 0

    def close(self) -> None:
        self.pipe.close()
        self.process.kill()
        self.process.join()
        self.process.close()


@pytest.fixture
def fork() -> Iterator[Callable[..., Child]]:
    """Start a forked process: ``fork(target, *args)``; the target gets a pipe first."""
    children: list[Child] = []

    def start(target: Callable[..., None], *args: Any) -> Child:
        children.append(Child(target, *args))
        return children[-1]

    yield start
    for child in children:
        child.close()


@pytest.fixture
def name() -> str:
    return f"ring {uuid4().hex}"
