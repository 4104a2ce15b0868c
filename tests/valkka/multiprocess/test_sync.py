"""Events that front and back ends share."""

import multiprocessing
import os
import signal
from collections.abc import Callable
from typing import Any

import pytest

from valkka.core import EventFd
from valkka.multiprocess import EventGroup, MessageObject, MessageProcess, NotEnoughEvents, SyncIndex

CLASSES: list[Any] = [
    pytest.param(None, id="ours"),
    pytest.param(multiprocessing.get_context("fork").Event, id="multiprocessing"),
    pytest.param(EventFd, id="EventFd"),
]


class Setter(MessageProcess):
    group: EventGroup

    def preRun__(self) -> None:
        self.done = 0

    def c__set(self, sync: int) -> None:
        self.done += 1
        self.group.set(sync)

    def c__die(self, sync: int) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def c__done(self) -> None:
        self.return_out__(self.done)


def started(group: EventGroup) -> Setter:
    setter = Setter()
    setter.group = group
    setter.start()
    return setter


def make(event_class: Callable[[], Any] | None) -> EventGroup:
    return EventGroup(3) if event_class is None else EventGroup(3, event_class)


@pytest.mark.effect(
    "valkka.multiprocess.sync.SyncIndex.{__enter__,__exit__}",
    "valkka.multiprocess.sync.EventGroup.{set,__str__}",
)
@pytest.mark.parametrize("event_class", CLASSES)
def test_the_block_ends_when_the_back_end_has_set_it(event_class: Callable[[], Any] | None) -> None:
    group = make(event_class)
    setter = started(group)
    for done in range(1, 6):
        with SyncIndex(group) as i:
            setter.sendMessageToBack(MessageObject("set", sync=i))
        setter.sendMessageToBack(MessageObject("done"))
        assert setter.returnFromBack() == done
    assert str(group) == "<EventGroup: 3 of 3 events are free>"
    setter.stop()


@pytest.mark.parametrize("event_class", CLASSES)
@pytest.mark.parametrize("direct", [False, True])
def test_the_block_ends_when_the_back_end_is_dead(
    event_class: Callable[[], Any] | None, direct: bool, caplog: pytest.LogCaptureFixture
) -> None:
    group = make(event_class)
    setter, other = started(group), started(group)
    with SyncIndex(group) as i:
        message = MessageObject("die", sync=i)
        if direct:
            # Then all processes count.
            setter.getPipe().send(message)
            other.getPipe().send(message)
        else:
            setter.sendMessageToBack(message)
    assert f"event {i} is not set, and will not be: " in caplog.text
    assert setter.name in caplog.text
    setter.stop()
    other.stop()


def test_an_error_before_any_message_is_not_waited_out() -> None:
    group = EventGroup(1)
    with pytest.raises(KeyError), SyncIndex(group):
        raise KeyError
    assert group.reserve()[0] == 0


@pytest.mark.effect(
    "valkka.multiprocess.sync.EventGroup.{reserve,release,release_ind,fromIndex,asIndex,__len__,__str__}",
    "valkka.multiprocess.sync.NotEnoughEvents",
)
@pytest.mark.parametrize("event_class", CLASSES)
def test_reserving_and_releasing(event_class: Callable[[], Any] | None) -> None:
    group = make(event_class)
    assert len(group) == 3
    reserved = [group.reserve() for _ in range(3)]
    assert sorted(index for index, _ in reserved) == [0, 1, 2]
    assert str(group) == "<EventGroup: 0 of 3 events are free>"
    with pytest.raises(NotEnoughEvents, match="all 3 events are in use"):
        group.reserve()
    assert not issubclass(NotEnoughEvents, Exception)
    for index, event in reserved:
        assert group.fromIndex(index) is event
        assert group.asIndex(event) == index
    group.release(reserved[1][1])
    assert group.reserve() == reserved[1]
    group.release_ind(reserved[2][0])
    group.release_ind(reserved[2][0])
    assert group.reserve() == reserved[2]
    with pytest.raises(NotEnoughEvents):
        group.reserve()
    with pytest.raises(ValueError, match="no event of this group"):
        group.asIndex(object())
    with pytest.raises(IndexError):
        group.fromIndex(3)


def test_a_reserved_event_is_clear() -> None:
    group = EventGroup(1)
    index, event = group.reserve()
    group.set(index)
    assert event.is_set()
    assert event.wait(0)
    group.release(event)
    assert not group.reserve()[1].is_set()
    event.clear()
    assert not event.wait(0.01)
