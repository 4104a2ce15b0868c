"""The table of reasons is the whole truth: what the code says as a reason stands in it."""

import re
from pathlib import Path

import camgraph
from camgraph.control.reasons import QUICK, REASONS, retry_for

_SAID = re.compile(
    r"""reason(?:=|, | = )"(\w+)"|Failed\(\w+, "(\w+)"|return "(\w+)", f?"The (?:gate|branch)"""
)


def said() -> set[str]:
    root = Path(camgraph.__file__).parent
    found = {
        "".join(match) for path in root.rglob("*.py") for match in _SAID.findall(path.read_text("utf-8"))
    }
    return found - {""}


def test_every_reason_that_is_given_is_explained() -> None:
    assert {"refused", "media_process_died", "gate_closed", "no_thread"} <= said() <= REASONS.keys()


def test_an_unknown_failure_is_retried_quickly() -> None:
    assert retry_for("never_heard_of") is QUICK
    assert retry_for("gate_closed") is QUICK
    assert retry_for("busy").waits_s == (5.0, 10.0, 30.0)


def test_names_and_meanings_fit_into_a_table() -> None:
    for name, reason in REASONS.items():
        assert re.fullmatch("[a-z_]+", name)
        assert reason.meaning
        assert "|" not in reason.meaning
