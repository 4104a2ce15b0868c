"""A sentence that stands for a while stays true."""

import pytest

from camgraph.client.sentences import sentence_counting, sentence_now, without_next_attempt
from camgraph.control.messages import StreamStatus

S = 1_000_000_000


@pytest.mark.parametrize(
    ("passed_s", "told"), [(0, "28 s"), (11.4, "17 s"), (27.2, "0.8 s"), (28, "0.0 s"), (40, "0.0 s")]
)
def test_the_next_attempt_comes_nearer(passed_s: float, told: str) -> None:
    sentence = "Nothing listens at h:9: is the port right?"
    status = StreamStatus(
        stream="x",
        state="backing_off",
        sentence=f"{sentence} Next attempt in 28 s.",
        next_attempt_ns=100 * S,
    )
    now_ns = round((72 + passed_s) * S)
    assert sentence_now(status, now_ns) == f"{sentence} Next attempt in {told}."
    assert without_next_attempt(status.sentence) == sentence
    assert without_next_attempt(f"{sentence} Trying again now.") == sentence


def test_without_a_next_attempt_it_stays() -> None:
    status = StreamStatus(stream="x", state="stopped", sentence="Next attempt in 28 s.")
    assert sentence_now(status, 5) == status.sentence


@pytest.mark.parametrize(("left_s", "told"), [(28, "28 s"), (27.01, "28 s"), (0.4, "1 s"), (0, ""), (-3, "")])
def test_who_looks_on_is_told_whole_seconds(left_s: float, told: str) -> None:
    status = StreamStatus(
        stream="x", state="backing_off", sentence="Gone. Next attempt in 28 s.", next_attempt_ns=100 * S
    )
    ending = f"Next attempt in {told}." if told else "Trying again now."
    assert sentence_counting(status, round((100 - left_s) * S)) == f"Gone. {ending}"
