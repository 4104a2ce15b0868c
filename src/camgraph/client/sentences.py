"""A status's sentence where it stands for longer than it is true."""

import math
import re

from camgraph.control.messages import StreamStatus

_NEXT_ATTEMPT = re.compile(r" Next attempt in [\d.]+ s\.$")
_AGAIN = " Trying again now."


def sentence_now(status: StreamStatus, now_ns: int) -> str:
    """Return the sentence with how long it is to the next attempt now (CLOCK_MONOTONIC)."""
    if not status.next_attempt_ns:
        return status.sentence
    left_s = max(0.0, (status.next_attempt_ns - now_ns) / 1e9)
    return _NEXT_ATTEMPT.sub(f" Next attempt in {left_s:.{1 if left_s < 10 else 0}f} s.", status.sentence)


def sentence_counting(status: StreamStatus, now_ns: int) -> str:
    """Return the sentence for somebody who looks on while it is counted down: in whole seconds, to 1."""
    left_s = seconds_left(status.next_attempt_ns, now_ns)
    return _NEXT_ATTEMPT.sub(f" Next attempt in {left_s} s." if left_s else _AGAIN, status.sentence)


def seconds_left(next_attempt_ns: int, now_ns: int) -> int:
    """Return how many seconds are left, begun ones counted; 0: none."""
    return max(0, math.ceil((next_attempt_ns - now_ns) / 1e9))


def without_next_attempt(sentence: str) -> str:
    """Return the sentence for somebody who does not wait for the next attempt."""
    return _NEXT_ATTEMPT.sub("", sentence).removesuffix(_AGAIN)
