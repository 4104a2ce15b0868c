"""What a program keeps for supervisors to come, and who hears of events, with real descriptors."""

import os
from collections.abc import Sequence

import pytest

from camgraph.base.errors import BrokenError
from camgraph.client.attaching import Attaching
from camgraph.client.observers import Observers
from camgraph.control.messages import Attach, Listen, NodeEvent


class Supervisor:
    """What one was told: which files, by node."""

    def __init__(self) -> None:
        self.told: dict[str, list[str]] = {}

    def send(self, message: Attach, descriptors: Sequence[int]) -> None:
        self.told[message.node] = [os.readlink(f"/proc/self/fd/{number}") for number in descriptors]


def dead(message: Attach | Listen, descriptors: Sequence[int] = ()) -> None:
    raise BrokenError("it is not there")


def test_each_supervisor_is_told_what_there_is_by_then() -> None:
    pipes = [os.pipe(), os.pipe()]
    names = [os.readlink(f"/proc/self/fd/{pipe[0]}") for pipe in pipes]
    attaching, first, second = Attaching(), Supervisor(), Supervisor()
    attaching.attach("hall", pipes[0], first.send)
    attaching.attach("yard", pipes[1], dead)
    attaching.attach("gone", pipes[1], first.send)
    for pipe in pipes:
        os.close(pipe[0])
        os.close(pipe[1])
    attaching.attach("gone", (), first.send)
    assert first.told == {"hall": [names[0]] * 2, "gone": []}
    attaching.tell_all(dead)
    attaching.tell_all(second.send)
    assert second.told == {"hall": [names[0]] * 2, "yard": [names[1]] * 2}
    attaching.keep_only({"yard"})
    second.told.clear()
    attaching.tell_all(second.send)
    assert list(second.told) == ["yard"]
    attaching.close()
    second.told.clear()
    attaching.tell_all(second.send)
    assert not second.told


def test_nothing_is_kept_after_the_end_nor_what_is_no_descriptor() -> None:
    attaching, supervisor = Attaching(), Supervisor()
    with pytest.raises(OSError, match="Bad file"):
        attaching.attach("hall", (0, 99_999), supervisor.send)
    attaching.close()
    attaching.attach("hall", (0,), supervisor.send)
    attaching.tell_all(supervisor.send)
    assert not supervisor.told


def test_observers_come_and_go_whenever_they_like(caplog: pytest.LogCaptureFixture) -> None:
    observers, heard, told = Observers(), [], list[Listen]()
    event = NodeEvent(node="eye", kind="seen", stream="door", capture_ns=1)

    def once(event: NodeEvent) -> None:
        heard.append("once")
        forget()
        observers.observe("eye", lambda event: heard.append("later"), told.append)
        raise ArithmeticError("too much")

    def ends(event: NodeEvent) -> None:
        raise SystemExit

    observers.observe("eye", ends, told.append)
    forget = observers.observe("eye", once, told.append)
    observers.observe("eye", lambda event: heard.append("always"), told.append)
    observers.observe("other", lambda event: heard.append("never"), told.append)
    observers.tell(event)
    assert heard == ["once", "always"]
    assert "an observer of 'eye' failed" in caplog.text
    observers.tell(event)
    assert heard == ["once", "always", "always", "later"]
    observers.forget_in_child()
    observers.tell(event)
    assert len(heard) == 4


def test_supervisors_are_told_which_nodes_are_observed_and_only_when_that_changes() -> None:
    observers, told = Observers(), list[Listen]()

    def hear(event: NodeEvent) -> None:
        raise AssertionError("there are no events")

    def listens_to() -> list[set[str]]:
        nodes = [set(message.nodes) for message in told]
        told.clear()
        return nodes

    observers.tell_all(told.append)
    assert not told
    first = observers.observe("eye", hear, told.append)
    second = observers.observe("eye", hear, told.append)
    observers.observe("ear", hear, dead)
    assert listens_to() == [{"eye"}]
    observers.tell_all(dead)
    observers.tell_all(told.append)
    assert listens_to() == [{"eye", "ear"}]
    second()
    assert not told
    first()
    first()
    assert listens_to() == [{"ear"}]
    observers.forget_in_child()
    observers.observe("eye", hear, told.append)()
    observers.tell_all(told.append)
    assert not told
