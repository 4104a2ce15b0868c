import inspect
from typing import Any, cast

import pytest

import camgraph as cg
from camgraph.base.errors import WrongSide
from camgraph.process.declare import Home, backend_methods_of, home_of_new_instances, messages_of
from camgraph.process.message import Message


class Base(cg.MessageProcess):
    moved = cg.message(stream=str, score=float)
    done = cg.message()

    @cg.backend
    def set_limit(self, value: float) -> None:
        self.value = value

    @cg.backend
    def stop(self) -> None: ...

    def helper(self) -> None: ...


class Derived(Base):
    seen = cg.message(count=int)
    done = None

    def set_limit(self, value: float) -> None:
        super().set_limit(value * 2)


class Outlet:
    def __init__(self) -> None:
        self.sent: list[tuple[str, tuple[Any, ...]]] = []

    def emit(self, message: Message, values: tuple[Any, ...]) -> None:
        self.sent.append((message.name, values))


def made(kind: type[cg.MessageProcess], outlet: Outlet) -> Any:
    token = home_of_new_instances.set(cast(Home, outlet))
    try:
        return kind()
    finally:
        home_of_new_instances.reset(token)


def test_messages_are_found_with_their_fields_over_bases() -> None:
    found = messages_of(Derived)
    assert list(found) == ["moved", "seen"]
    assert list(found["moved"].fields) == ["stream", "score"]
    assert Base.moved is messages_of(Base)["moved"]


def test_backend_methods_are_found_also_when_overridden_without_the_mark() -> None:
    found = backend_methods_of(Derived)
    assert set(found) == {"set_limit", "stop"}
    assert found["set_limit"] is Derived.set_limit


def test_fields_go_by_name_or_position() -> None:
    outlet = Outlet()
    instance = made(Base, outlet)
    instance.moved.emit("door", 1.0)
    instance.moved.emit(score=2.0, stream="hall")
    instance.moved.emit("yard", score=3.0)
    instance.done.emit()
    assert outlet.sent == [
        ("moved", ("door", 1.0)),
        ("moved", ("hall", 2.0)),
        ("moved", ("yard", 3.0)),
        ("done", ()),
    ]


@pytest.mark.parametrize(
    ("args", "fields", "text"),
    [
        (("door",), {}, r"Base\.moved\.emit\(\) lacks score"),
        (("door", 1.0, 2.0), {}, r"takes stream, score; 3 were given"),
        ((), {"stream": "door", "score": 1.0, "scroe": 1.0}, r"has no field 'scroe'"),
        (("door",), {"stream": "hall", "score": 1.0}, r"got field 'stream' twice"),
    ],
)
def test_a_wrong_field_is_named(args: tuple[Any, ...], fields: dict[str, Any], text: str) -> None:
    with pytest.raises(TypeError, match=text):
        made(Base, Outlet()).moved.emit(*args, **fields)


def test_making_an_instance_in_the_program_names_the_remedy() -> None:
    with pytest.raises(WrongSide, match=r"Base is made in its back end: start it with site\.spawn"):
        Base()


@pytest.mark.parametrize("name", ["watch", "unwatch", "wait", "messages", "statistics"])
def test_the_front_ends_methods_raise_in_the_back_end(name: str) -> None:
    instance = made(Base, Outlet())
    with pytest.raises(WrongSide, match=rf"Base\.{name} belongs to the front end"):
        getattr(instance, name)()


def test_connecting_in_the_back_end_raises() -> None:
    with pytest.raises(WrongSide, match=r"Base\.moved\.connect\(\) belongs to the front end"):
        made(Base, Outlet()).moved.connect(print)


def test_an_unknown_attribute_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="'Base' object has no attribute 'limit'"):
        _ = made(Base, Outlet()).limit


def generator(self: object) -> Any:
    yield self


async def coroutine(self: object) -> None: ...


def setup(self: object) -> None: ...


def close(self: object) -> None: ...


def _private(self: object) -> None: ...


def lone() -> None: ...


@pytest.mark.parametrize(
    ("method", "text"),
    [
        (print, "goes on a plain method"),
        (generator, "no generator"),
        (setup, "called by the back end itself"),
        (close, "have their own 'close'"),
        (_private, "begins with no underscore"),
        (lone, "takes self first"),
    ],
)
def test_what_cannot_be_a_backend_method_is_refused_where_it_is_written(method: Any, text: str) -> None:
    with pytest.raises(TypeError, match=text):
        cg.backend(method)


@pytest.mark.parametrize("name", ["failed", "exited", "close", "setup", "_secret"])
def test_a_message_cannot_take_a_name_that_is_in_use(name: str) -> None:
    with pytest.raises(TypeError, match=f"{name}: no message can have this name"):
        type("Taken", (cg.MessageProcess,), {name: cg.message()})


def test_a_field_cannot_begin_with_an_underscore() -> None:
    with pytest.raises(TypeError, match="'_x'"):
        cg.message(_x=int)


def test_a_class_without_a_constructor_takes_no_arguments() -> None:
    assert list(inspect.signature(Base.__init__).parameters) == ["self"]


@pytest.mark.parametrize("seconds", [0, -1.0, 1e-9, float("inf"), float("nan"), "2"])
def test_times_that_no_clock_of_ours_can_count_are_refused_where_they_are_written(seconds: Any) -> None:
    with pytest.raises(ValueError, match="deadline_s is a number of seconds from"):
        cg.backend(deadline_s=seconds)(lambda self: None)
    with pytest.raises(ValueError, match="deadline_s is a number of seconds from"):
        type("Late", (cg.MessageProcess,), {"deadline_s": seconds})
    with pytest.raises(ValueError, match="within_s is a number of seconds from"):
        cg.Restart(within_s=seconds)


@pytest.mark.parametrize("crashes", [-1, 2.5, 10**20])
def test_crashes_that_nobody_can_count_are_refused(crashes: Any) -> None:
    with pytest.raises(ValueError, match="crashes is an int"):
        cg.Restart(crashes=crashes)


def test_a_backend_method_called_on_the_class_runs_nowhere() -> None:
    with pytest.raises(WrongSide, match=r"Base\.set_limit\(\) is called on what site\.spawn\(Base, …\)"):
        Base.set_limit(None, 5.0)  # type: ignore[arg-type]
    with pytest.raises(WrongSide, match="not on the class"):
        Base.stop(False)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["self", "class", "a b", "_own"])
def test_a_field_needs_a_name_that_a_parameter_can_have(name: str) -> None:
    with pytest.raises(TypeError, match=f"message field '{name}'"):
        cg.message(**{name: int})


def test_a_message_is_declared_by_a_call_with_names() -> None:
    with pytest.raises(TypeError, match=r"fields by name, as in message\(score=float\)"):
        cg.message(int)
    with pytest.raises(TypeError, match=r"Odd\.moved = message: it is called"):
        type("Odd", (cg.MessageProcess,), {"moved": cg.message, "__qualname__": "Odd"})
