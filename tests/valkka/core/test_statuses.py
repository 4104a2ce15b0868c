"""What is told of connections, without any."""

import logging

import pytest

from camgraph.control.messages import StreamStatus
from valkka.core.plan import Plan
from valkka.core.statuses import Statuses


@pytest.fixture
def statuses() -> Statuses:
    it = Statuses(lambda codec, sight: None, lambda source: None)
    it.plan(Plan(where={"a": "slot 1"}))
    return it


def status(state, reason="", stream="a") -> StreamStatus:
    return StreamStatus(stream=stream, state=state, reason=reason, sentence=f"It is {reason}.", codec="h264")


def test_one_reason_is_told_once_however_often_it_is_tried_again(statuses, caplog) -> None:
    for _ in range(3):
        statuses.hear(status("opening"))
        statuses.hear(status("backing_off", "refused"))
    assert [it.getMessage() for it in caplog.records] == ["slot 1: It is refused."]
    statuses.hear(status("unauthorized", "wrong_login"))
    assert len(caplog.records) == 2


def test_it_is_told_again_after_the_stream_was_live(statuses, caplog) -> None:
    caplog.set_level(logging.INFO, logger="valkka.livethread")
    for state, reason in (("stalled", "silent"), ("live", ""), ("degraded", "loss"), ("stalled", "silent")):
        statuses.hear(status(state, reason))
    assert [it.getMessage() for it in caplog.records] == [
        "slot 1: It is silent.",
        "slot 1: live, h264",
        "slot 1: It is silent.",
    ]


def test_nothing_is_told_of_what_was_stopped_or_is_no_connection(statuses, caplog) -> None:
    statuses.hear(status("stopped", "removed"))
    statuses.hear(status("backing_off", "refused", stream="gate"))
    statuses.plan(Plan())
    statuses.hear(status("backing_off", "refused"))
    assert caplog.records == []
