import os
import select
import time

import pytest

from camgraph.base.alarm import Alarm


def is_readable(alarm: Alarm, timeout_s: float) -> bool:
    return bool(select.select([alarm], [], [], timeout_s)[0])


def test_an_alarm_rings_when_its_time_has_come_and_not_before() -> None:
    alarm = Alarm()
    assert not is_readable(alarm, 0)
    began = time.monotonic()
    alarm.ring_after(0.03)
    assert not alarm.rang()
    assert is_readable(alarm, 5)
    assert time.monotonic() - began >= 0.03
    assert alarm.rang()
    assert not alarm.rang()
    alarm.close()


def test_an_alarm_can_ring_at_once_and_be_put_off() -> None:
    alarm = Alarm()
    alarm.ring_after(0)
    assert is_readable(alarm, 5)
    alarm.ring_after(100)
    assert not is_readable(alarm, 0)
    alarm.close()


def test_a_closed_alarm_has_no_descriptor() -> None:
    alarm = Alarm()
    descriptor = alarm.fileno()
    alarm.close()
    alarm.close()
    assert alarm.fileno() == -1
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(descriptor)
