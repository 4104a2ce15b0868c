import inspect
from collections.abc import Callable
from typing import Any

import pytest

import camgraph as cg
from camgraph.base.errors import WrongSide
from camgraph.process.proxy import proxies_of

UNSET = object()


class Many(cg.MessageProcess):
    @cg.backend
    def reset(self) -> None:
        """Start again."""

    @cg.backend
    def set_limit(self, value: float, unit: str = "px", *, soft: bool = False) -> None: ...

    @cg.backend
    def mixed(self, a: int, /, b: Any = UNSET, c: int = 3, *rest: int, d: Any = UNSET, **e: int) -> None: ...

    @cg.backend
    def strange(this, __hidden: int = 1) -> None: ...  # noqa: N805

    def helper(self) -> None: ...

    @staticmethod
    def tool() -> None: ...

    class Config: ...


class Front:
    def __init__(self) -> None:
        self.calls: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = []

    def _call(self, method: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.calls.append((method, args, kwargs))


@pytest.fixture
def front() -> Any:
    return type("Many", (Front,), dict(proxies_of(Many, Front)))()


def call(action: Callable[[], None], front: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    action()
    _, args, kwargs = front.calls.pop()
    return args, kwargs


def test_qt_sees_the_arity_of_the_method_that_was_written(front: Any) -> None:
    assert type(front).reset.__code__.co_argcount == 1
    assert type(front).set_limit.__code__.co_argcount == 3
    assert type(front).set_limit.__code__.co_kwonlyargcount == 1


def test_signature_doc_and_annotations_are_kept(front: Any) -> None:
    assert str(inspect.signature(front.set_limit)) == (
        "(value: float, unit: str = 'px', *, soft: bool = False) -> None"
    )
    assert front.reset.__doc__ == "Start again."
    assert front.reset.__qualname__ == "Many.reset"


def test_arguments_are_sent_as_given(front: Any) -> None:
    assert call(lambda: front.set_limit(2.0), front) == ((2.0,), {})
    assert call(lambda: front.set_limit(unit="m", value=1.0, soft=True), front) == (
        (1.0, "m"),
        {"soft": True},
    )
    assert call(lambda: front.mixed(1, 2, 4, 5, 6, d=7, f=8), front) == ((1, 2, 4, 5, 6), {"d": 7, "f": 8})
    assert call(lambda: front.strange(2), front) == ((2,), {})


def test_a_default_stays_at_home(front: Any) -> None:
    assert call(lambda: front.mixed(1), front) == ((1,), {})
    assert call(lambda: front.mixed(1, c=4), front) == ((1,), {"c": 4})
    assert call(lambda: front.set_limit(2.0, "px", soft=False), front) == ((2.0,), {})


@pytest.mark.parametrize(
    ("args", "kwargs", "text"),
    [
        ((), {}, r"Many\.set_limit\(\) missing 1 required positional argument: 'value'"),
        ((1.0,), {"valve": 2}, r"Many\.set_limit\(\) got an unexpected keyword argument 'valve'"),
        ((1.0, "px", True), {}, r"takes from 2 to 3 positional arguments but 4 were given"),
    ],
)
def test_a_wrong_argument_is_named_before_anything_is_sent(
    front: Any, args: tuple[Any, ...], kwargs: dict[str, Any], text: str
) -> None:
    with pytest.raises(TypeError, match=text):
        front.set_limit(*args, **kwargs)
    assert front.calls == []


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("helper", r"Many\.helper\(\) runs in the back end; mark it with @cg\.backend"),
        ("tool", r"Many\.tool\(\) runs in the back end"),
        ("on_frame", "the back end calls it itself"),
        ("setup", "the back end calls it itself"),
    ],
)
def test_other_methods_are_on_the_wrong_side(front: Any, name: str, text: str) -> None:
    with pytest.raises(WrongSide, match=text):
        getattr(front, name)(1, two=2)


def test_what_is_no_method_is_not_a_proxy(front: Any) -> None:
    assert not hasattr(front, "Config")
