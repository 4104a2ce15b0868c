"""Whoever is to be told of the end of an object is told once, whatever ends it."""

import gc
from collections.abc import Callable

import pytest
from qtpy.QtCore import QObject
from tests.unit.qt.conftest import Gui

from camgraph.qt.ending import when_destroyed


class Owner(QObject):
    """Refers to itself, as most widgets do by their signals."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.itself = self


def forget(_parent: QObject, _child: QObject) -> None:
    """Leave both to the garbage collector."""


def forget_soon_deleted(parent: QObject, _child: QObject) -> None:
    """Leave both to the garbage collector, which comes before Qt deletes them."""
    parent.deleteLater()


def delete_child(_parent: QObject, child: QObject) -> None:
    """Have Qt delete it."""
    child.deleteLater()


@pytest.mark.parametrize("end", [forget, forget_soon_deleted, delete_child])
def test_it_is_told_once(gui: Gui, end: Callable[[QObject, QObject], None]) -> None:
    told = []

    def make() -> None:
        parent = Owner()
        child = Owner(parent)
        when_destroyed(child, lambda: told.append(True))
        end(parent, child)

    make()
    gc.collect()
    gui.delete_later()
    gc.collect()
    assert told == [True]


def test_it_is_told_while_the_object_is_still_referred_to(gui: Gui) -> None:
    told, owner = [], Owner()
    when_destroyed(owner, lambda: told.append(True))
    owner.deleteLater()
    gui.delete_later()
    assert told == [True]
    del owner
    gc.collect()
    assert told == [True]
