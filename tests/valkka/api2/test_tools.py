"""Checks of parameters as programs rely on them."""

import logging
import sys
from types import SimpleNamespace as Bag

import numpy
import pytest

from valkka.api2 import tools
from valkka.api2.tools import *


class Base:
    pass


class Derived(Base):
    pass


DEFINITIONS = {
    "name": (str, "anybody"),
    "count": (int, 3),
    "maybe": (str, None),
    "base": Base,
    "even": lambda value: value % 2 == 0,
    "anything": None,
}


def check(**parameters):
    bag = Bag()
    parameterInitCheck(DEFINITIONS, parameters, bag)
    return vars(bag)


@pytest.mark.effect("valkka.api2.tools.parameterInitCheck")
def test_parameters_and_defaults_become_attributes():
    base = Base()
    assert check(base=base, even=4) == {
        "name": "anybody",
        "count": 3,
        "maybe": None,
        "base": base,
        "even": 4,
        "anything": None,
    }
    given = {"name": "me", "count": 0, "maybe": "yes", "base": base, "even": 0, "anything": [1]}
    assert check(**given) == given
    assert check(base=base, even=0, maybe=None)["maybe"] is None


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"count": True}, "'count': True should be of type int, not bool"),
        ({"count": 1.0}, "'count': 1.0 should be of type int, not float"),
        ({"count": None}, "'count': None should be of type int"),
        ({"base": Derived()}, "should be of type Base, not Derived"),
        ({"even": 3}, "'even': 3 is refused"),
    ],
)
def test_types_are_compared_exactly(wrong, says):
    with pytest.raises(AttributeError, match=says):
        check(**{"base": Base(), "even": 2, **wrong})


def test_errors_tell_no_password():
    with pytest.raises(AttributeError, match="of type str, not bytes") as raised:
        typeCheck(b"rtsp://keeper:correct-horse@10.0.0.5/main", str)
    assert "correct-horse" not in str(raised.value)


def test_what_is_missing_or_unknown_is_named(capsys):
    with pytest.raises(AttributeError, match="Missing mandatory parameter 'base'"):
        check(even=2)
    with pytest.raises(AttributeError, match="Missing mandatory parameter 'even'"):
        check(base=Base())
    assert capsys.readouterr().err == ""
    with pytest.raises(AttributeError, match="Unknown parameter 'nmae'"):
        check(base=Base(), even=2, nmae="typo")
    assert "test_what_is_missing_or_unknown_is_named" in capsys.readouterr().err
    bag = Bag()
    parameterInitCheck({"a": (int, 1)}, {"b": 2}, bag, undefined_ok=True)
    assert vars(bag) == {"a": 1}


@pytest.mark.effect("valkka.api2.tools.{typeCheck,dictionaryCheck,objectCheck,noCheck,generateGetters}")
def test_dictionaries_and_objects_are_checked_too():
    typeCheck(1, int)
    with pytest.raises(AttributeError):
        typeCheck(True, int)
    dictionaryCheck({"a": int, "b": noCheck}, {"a": 1, "b": "anything", "c": 0})
    with pytest.raises(AttributeError, match="Missing key 'a'"):
        dictionaryCheck({"a": int}, {})
    with pytest.raises(AttributeError, match="'a'"):
        dictionaryCheck({"a": int}, {"a": "1"})
    bag = Bag()
    with pytest.raises(AttributeError, match="Missing attribute 'a'"):
        objectCheck({"a": int}, bag)
    bag.a = 7
    objectCheck({"a": int}, bag)
    generateGetters({"a": int}, bag)
    bag.a = 8
    assert bag.get_a() == 8
    with pytest.raises(AttributeError, match="'a'"):
        objectCheck({"a": str}, bag)


@pytest.mark.effect("valkka.api2.tools.{getLogger,setLogger}")
def test_loggers_write_from_their_level_on(capsys):
    logger = setLogger("valkka.tests.tools", logging.INFO)
    try:
        assert getLogger("valkka.tests.tools") is logger
        setLogger("valkka.tests.tools", logging.INFO)
        logger.debug("unheard")
        logger.info("heard once")
        assert capsys.readouterr().err.count("heard once") == 1
    finally:
        logger.handlers.clear()


@pytest.mark.effect("valkka.api2.tools.import_file")
def test_a_file_is_imported_by_its_path(tmp_path):
    file = tmp_path / "plugin.py"
    file.write_text("answer = 42\n")
    try:
        assert import_file("somewhere.plugin", str(file)).answer == 42
        assert sys.modules["somewhere.plugin"].answer == 42
    finally:
        sys.modules.pop("somewhere.plugin", None)
    file.write_text("raise ValueError('broken')\n")
    with pytest.raises(ValueError, match="broken"):
        import_file("somewhere.else", str(file))
    assert "somewhere.else" not in sys.modules


@pytest.mark.effect(
    "valkka.api2.tools.{getModulePath,getDataPath,getDataFile,getTestDataPath,getTestDataFile,get_system_numpy}"
)
def test_where_files_are():
    assert tools.__file__.startswith(getModulePath())
    assert getDataFile("x.yuv") == f"{getDataPath()}/x.yuv"
    assert getTestDataFile("x.mkv") == f"{getTestDataPath()}/x.mkv"
    assert get_system_numpy() == numpy.__version__
