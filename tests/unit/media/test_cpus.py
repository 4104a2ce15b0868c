"""Threads that stay on a processor."""

import os
import threading

import pytest

from camgraph.media.cpus import stay_on


def allowed(cpu: int) -> set[int]:
    """Return where a thread may run that was told to stay there; and one that it has started."""
    found: list[set[int]] = []

    def look() -> None:
        found.append(os.sched_getaffinity(0))

    def run() -> None:
        stay_on(cpu)
        look()
        started = threading.Thread(target=look)
        started.start()
        started.join()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert found[0] == found[1]
    return found[0]


def test_a_thread_stays_where_it_was_told_to_and_others_do_not() -> None:
    everywhere = os.sched_getaffinity(0)
    assert [allowed(cpu) for cpu in sorted(everywhere)] == [{cpu} for cpu in sorted(everywhere)]
    assert allowed(-1) == everywhere
    assert os.sched_getaffinity(0) == everywhere


def test_a_processor_that_is_not_there_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    everywhere = os.sched_getaffinity(0)
    assert allowed(4000) == allowed(4000) == everywhere
    (record,) = caplog.records
    assert record.getMessage().startswith("CPU 4000 can't be had (Invalid argument); there are: ")
