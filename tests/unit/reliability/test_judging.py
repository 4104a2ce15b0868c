"""A row is ok by what was declared and measured, and by nothing else."""

from dataclasses import replace
from typing import Any

import pytest

from reliability.harms import Stopped
from reliability.judging import Measured, reasons_against
from reliability.rows import Row

STALLED = Row("stalled", Stopped(), "stalled", "stalled")
LIVE = Row("unnoticed", Stopped(), "live", pictures_within_s=2.0)
LOSSY = Row("lossy", Stopped(), "live", transport="udp", goes_on_by="udp")
OVERCOME = Row("overcome", Stopped(), "backing_off", "codec_changed", overcomes=True)
FOR_GOOD = Row("for good", Stopped(), "unauthorized", "unauthorized", ends=False, waits_s=(30.0, 60.0))
REPLACED = Row("hung", Stopped(), "backing_off", "media_process_hung", ends=False, replaced=True)
GOOD = {
    STALLED: Measured(noticed_s=2.0, state="stalled", reason="stalled", recovered_s=1.4),
    LIVE: Measured(state="live", recovered_s=0.4, pictures_s=0.4),
    LOSSY: Measured(state="live", recovered_s=0.4, transport="udp"),
    OVERCOME: Measured(
        noticed_s=0.2, state="backing_off", reason="codec_changed", stayed="live", recovered_s=1.4
    ),
    FOR_GOOD: Measured(noticed_s=0.2, state="unauthorized", reason="unauthorized", waits_s=(27.1, 59.0)),
    REPLACED: Measured(
        noticed_s=4.0,
        state="backing_off",
        reason="media_process_hung",
        recovered_s=1.0,
        process_replaced=True,
        neighbour_lost=30,
    ),
}


@pytest.mark.parametrize("row", GOOD, ids=lambda row: row.fault)
def test_as_declared_is_ok(row: Row) -> None:
    assert reasons_against(row, GOOD[row]) == []


@pytest.mark.parametrize(
    ("row", "otherwise", "against"),
    [
        (STALLED, {"noticed_s": None}, "not noticed"),
        (STALLED, {"noticed_s": 5.1}, "noticed after 5.1 s, not 5 s"),
        (STALLED, {"state": "live", "reason": ""}, "the state was live, not stalled stalled"),
        (STALLED, {"reason": "no_media"}, "the state was stalled no_media, not stalled stalled"),
        (STALLED, {"recovered_s": None}, "did not recover"),
        (STALLED, {"recovered_s": 2.1}, "recovered after 2.1 s, not 2.0 s"),
        (STALLED, {"recovered_s": 3.4, "announced_s": 1.3}, "recovered after 3.4 s, not 3.3 s"),
        (STALLED, {"neighbour_lost": 1}, "the neighbour lost 1 frames"),
        (
            STALLED,
            {"process_replaced": True, "process_ended": "signal SIGSEGV"},
            "the media process was replaced (signal SIGSEGV)",
        ),
        (STALLED, {"leaks": 1, "leaked": ("thread",)}, "left behind: thread"),
        (STALLED, {"smeared": 1}, "1 pictures were smeared"),
        (STALLED, {"error": "it broke"}, "not measured: it broke"),
        (
            LIVE,
            {"state": "backing_off", "reason": "no_media"},
            "the state was backing_off no_media, not live",
        ),
        (LIVE, {"pictures_s": None}, "no pictures while it lasted"),
        (LIVE, {"pictures_s": 2.1}, "pictures after 2.1 s, not 2.0 s"),
        (LOSSY, {"transport": "tcp"}, "it went on by tcp, not udp"),
        (OVERCOME, {"stayed": "backing_off"}, "it stayed backing_off, not live"),
        (FOR_GOOD, {"waits_s": (27.1,)}, "announced waits of 27.1 s, not 30.0, 60.0 s"),
        (FOR_GOOD, {"waits_s": (27.1, 29.0)}, "announced waits of 27.1, 29.0 s, not 30.0, 60.0 s"),
        (REPLACED, {"process_replaced": False}, "the media process was not replaced"),
        (REPLACED, {"recovered_s": 2.5}, "recovered after 2.5 s, not 2.0 s"),
    ],
)
def test_anything_else_is_not(row: Row, otherwise: dict[str, Any], against: str) -> None:
    assert against in reasons_against(row, replace(GOOD[row], **otherwise))


def test_a_row_may_state_its_own_bound_and_recover_at_the_announced_attempt() -> None:
    slow = replace(STALLED, noticed_within_s=6.0)
    assert reasons_against(slow, replace(GOOD[STALLED], noticed_s=5.9)) == []
    late = replace(GOOD[STALLED], announced_s=1.0, recovered_s=2.9)
    assert reasons_against(STALLED, late) == []
