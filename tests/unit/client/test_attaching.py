"""What a program keeps for supervisors to come, and who hears of events, with real descriptors."""

import os
from collections.abc import Sequence

import pytest

from camgraph.base.errors import BrokenError
from camgraph.client.attaching import Attaching
from camgraph.client.observers import Observers
from camgraph.control.messages import Attach, NodeEvent


class Supervisor:
    """What one was told: which files, by node."""

    def __init__(self) -> None:
        self.told: dict[str, list[str]] = {}

    def send(self, message: Attach, descriptors: Sequence[int]) -> None:
        self.told[message.node] = [os.readlink(f"/proc/self/fd/{number}") for number in descriptors]


def dead(message: Attach, descriptors: Sequence[int]) -> None:
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
    observers, heard = Observers(), []
    event = NodeEvent(node="eye", kind="seen", stream="door", capture_ns=1)

    def once(event: NodeEvent) -> None:
        heard.append("once")
        forget()
        observers.observe("eye", lambda event: heard.append("later"))
        raise ArithmeticError("too much")

    def ends(event: NodeEvent) -> None:
        raise SystemExit

    observers.observe("eye", ends)
    forget = observers.observe("eye", once)
    observers.observe("eye", lambda event: heard.append("always"))
    observers.observe("other", lambda event: heard.append("never"))
    observers.tell(event)
    assert heard == ["once", "always"]
    assert "an observer of 'eye' failed" in caplog.text
    observers.tell(event)
    assert heard == ["once", "always", "always", "later"]
    observers.forget_in_child()
    observers.tell(event)
    assert len(heard) == 4
