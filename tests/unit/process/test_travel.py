import os
import pickle
import socket
import sys
import threading
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import camgraph as cg
from camgraph.base.errors import CannotTravel
from camgraph.process import payload
from camgraph.process.travel import dumps, dumps_arguments, dumps_home, loads

PROGRAM = """
import threading
import camgraph as cg

lock = threading.Lock()
unused = threading.Lock()
table = {"a": [1, lock]}

def helper():
    return lock

class Fine(cg.MessageProcess):
    def __init__(self, size, *, name="x"): ...
    def setup(self): self.unused = 1
    @cg.backend
    def set_limit(self, value): ...

class Attribute(Fine):
    lock = threading.Lock()

class Global(Fine):
    def setup(self): return lock

class Through(Fine):
    def setup(self): return [helper() for _ in range(3)]

class Table(Fine):
    def setup(self): return table

def enclosed():
    own = threading.Lock()
    class Enclosed(Fine):
        def setup(self): return own
    return Enclosed

Enclosed = enclosed()
"""


@pytest.fixture
def program() -> Any:
    """A module that no import path leads to, as ``__main__`` is one."""
    module = ModuleType("camgraph_test_program")
    sys.modules[module.__name__] = module
    exec(compile(PROGRAM, "program.py", "exec"), module.__dict__)
    yield module
    del sys.modules[module.__name__]


def test_a_class_that_uses_nothing_of_its_module_travels_without_it(program: Any) -> None:
    kind, args, kwargs = payload.unpack(payload.pack(program.Fine, (1,), {"name": "y"}))
    assert kind.__name__ == "Fine"
    assert (args, kwargs) == ((1,), {"name": "y"})


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("Attribute", r"Attribute\.lock"),
        ("Global", r"Global\.setup → lock"),
        ("Through", r"Through\.setup → helper → lock"),
        ("Table", r"Table\.setup → table\['a'\]\[1\]"),
        ("Enclosed", r"Enclosed\.setup → own"),
    ],
)
def test_what_cannot_travel_with_a_class_is_named(program: Any, name: str, path: str) -> None:
    text = rf"{path}: lock stays at the front; pass plain values, or make it in setup\(\)"
    with pytest.raises(CannotTravel, match=text):
        payload.pack(getattr(program, name), (1,), {})


def test_an_argument_that_cannot_travel_is_named(program: Any) -> None:
    with pytest.raises(CannotTravel, match=r"Fine\.__init__\(name\)\['x'\]: lock stays at the front"):
        payload.pack(program.Fine, (1,), {"name": {"x": threading.Lock()}})
    with pytest.raises(CannotTravel, match=r"Fine\.set_limit\(value\): lock stays at the front"):
        dumps_arguments(program.Fine.set_limit, (threading.Lock(),), {})


@pytest.mark.parametrize(
    ("args", "kwargs", "text"),
    [
        ((), {}, r"Fine: missing a required argument: 'size'"),
        ((1, 2), {}, r"Fine: too many positional arguments"),
        ((1,), {"nmae": "x"}, r"Fine: got an unexpected keyword argument 'nmae'"),
    ],
)
def test_wrong_constructor_arguments_are_named(
    program: Any, args: tuple[Any, ...], kwargs: dict[str, Any], text: str
) -> None:
    with pytest.raises(TypeError, match=text):
        payload.pack(program.Fine, args, kwargs)


@pytest.mark.parametrize("wrong", [int, cg.FrameRequest, "Movement", None])
def test_only_message_processes_are_spawned(wrong: Any) -> None:
    with pytest.raises(TypeError, match="takes a subclass of MessageProcess"):
        payload.pack(wrong, (), {})


def test_a_class_of_an_importable_module_goes_by_reference(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "camgraph_test_library.py").write_text(PROGRAM)
    monkeypatch.syspath_prepend(tmp_path)
    import camgraph_test_library as library  # type: ignore[import-not-found]

    try:
        # By value, its lock could not travel.
        path, process = pickle.loads(payload.pack(library.Global, (1,), {}))
        assert loads(process)[0] is library.Global
        assert str(tmp_path) in path
    finally:
        del sys.modules["camgraph_test_library"]


def test_a_cycle_is_followed_once() -> None:
    ring: list[Any] = [threading.Lock()]
    ring.insert(0, ring)
    with pytest.raises(CannotTravel, match=r"ring\[1\]: lock"):
        dumps("ring", ring)


def test_an_object_that_refuses_to_be_pickled_is_named() -> None:
    class Stubborn:
        def __reduce__(self) -> Any:
            raise ZeroDivisionError("never")

    with pytest.raises(CannotTravel, match=r"x\['a'\]: Stubborn stays at the front; .* \(never\)"):
        dumps("x", {"a": Stubborn()})


def test_the_attribute_of_an_object_that_cannot_travel_is_named() -> None:
    class Holder:
        def __init__(self) -> None:
            self.fine = 1
            self.inner = [threading.Lock()]

    with pytest.raises(CannotTravel, match=r"x\.inner\[0\]: lock stays at the front"):
        dumps("x", Holder())


def test_a_field_that_cannot_travel_is_named() -> None:
    with pytest.raises(CannotTravel, match=r"Movement\.moved\.emit\(b\): lock stays in the back end"):
        dumps_home(lambda: "Movement.moved.emit", ["a", "b"], (1, threading.Lock()))


@dataclass
class Found:
    box: tuple[int, int]


class Color(Enum):
    RED = 1


def test_what_the_program_defined_comes_home_as_what_the_program_has(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    values = (Found((1, 2)), Color.RED, len, 10**30, {1: 2, (3, 4): b"x"})
    # As in a back end, where the module that defined the classes is not there.
    module = sys.modules.pop(__name__)
    try:
        data = dumps_home(lambda: "Movement.moved.emit", "abcde", values)
    finally:
        sys.modules[__name__] = module
    found, color, *rest = loads(data.body)
    assert type(found) is Found
    assert found == values[0]
    assert color is Color.RED
    assert rest == list(values[2:])


def test_open_files_and_sockets_go_as_descriptors_and_in_no_other_way(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with open(os.devnull) as file, pytest.raises(CannotTravel, match=r"TextIOWrapper .* pass cg\.Descriptor"):
        dumps("file", file)
    with socket.socket() as sock, pytest.raises(CannotTravel, match=r"at: socket .* pass cg\.Descriptor"):
        dumps("at", sock)
    monkeypatch.setattr(sys, "stdout", sys.__stdout__)
    assert loads(dumps("out", sys.stdout).body) is sys.stdout
