"""What is measured of a transport, in the thread of the GUI, one after another."""

import itertools
import os
import signal
import time
from collections.abc import Callable, Sequence
from contextlib import closing

from benchmarks.harness.figures import percentile
from benchmarks.harness.machine import Meter, tree_of
from benchmarks.messages.figures import LIVES, Values, lives, trips
from benchmarks.messages.hall import Hall
from benchmarks.messages.placing import apart
from benchmarks.messages.transports.base import BackEnd, Transport
from benchmarks.wall.gui import TimerWatch

BURST, BURSTS_UNDER_WAY = 256, 2
RATE_HZ = 100.0
_WARM_UP_S = 0.3


def live(open_transport: Callable[[], Transport], hall: Hall) -> Values:
    """Start processes one after another until each has answered, then kill each until that is noticed."""
    started_ms: list[float] = []
    noticed_ms: list[float] = []
    begin_ns = 0

    def start() -> None:
        nonlocal begin_ns
        begin_ns = time.perf_counter_ns()
        backs.append(transport.start(hall.heard, hall.ended))
        backs[-1].ping(0)

    def answered(value: int) -> None:
        started_ms.append((time.perf_counter_ns() - begin_ns) / 1e6)
        hall.leave()

    def kill() -> None:
        nonlocal begin_ns
        begin_ns = time.perf_counter_ns()
        os.kill(backs[-1].pid(), signal.SIGKILL)

    def noticed() -> None:
        noticed_ms.append((time.perf_counter_ns() - begin_ns) / 1e6)
        hall.leave()

    backs: list[BackEnd] = []
    with closing(open_transport()) as transport:
        for _ in range(LIVES):
            hall.stay(start, heard=answered)
            if transport.tells_death:
                hall.stay(kill, ended=noticed)
    return lives(started_ms, noticed_ms)


def gather(transport: Transport, hall: Hall, count: int) -> list[BackEnd]:
    """Start processes, all at once, and wait until each has answered."""
    backs: list[BackEnd] = []
    answers = 0

    def start() -> None:
        for _ in range(count):
            backs.append(transport.start(hall.heard, hall.ended))
            backs[-1].ping(0)

    def answered(value: int) -> None:
        nonlocal answers
        answers += 1
        if answers == count:
            hall.leave()

    hall.stay(start, heard=answered)
    return backs


def round_trips(hall: Hall, backs: Sequence[BackEnd], seconds: float) -> Values:
    """Send one value at a time, to each process in turn; the next one is sent by the slot that hears it."""
    with apart([back.pid() for back in backs]):
        _pass_around(hall, backs, _WARM_UP_S)
        meter = _meter()
        took_ns = _pass_around(hall, backs, seconds)
        usage = meter.stop()
    return trips(took_ns) | {"other_cores": usage.other_cores}


def _pass_around(hall: Hall, backs: Sequence[BackEnd], seconds: float) -> list[int]:
    took_ns: list[int] = []
    turn = itertools.cycle([back.ping for back in backs])
    end_ns = time.perf_counter_ns() + int(seconds * 1e9)
    sent_ns = 0

    def send() -> None:
        nonlocal sent_ns
        ping = next(turn)
        sent_ns = time.perf_counter_ns()
        ping(len(took_ns))

    def heard(value: int) -> None:
        now_ns = time.perf_counter_ns()
        took_ns.append(now_ns - sent_ns)
        if now_ns < end_ns:
            send()
        else:
            hall.leave()

    hall.stay(send, heard=heard, seconds=seconds)
    return took_ns


def flood(hall: Hall, backs: Sequence[BackEnd], seconds: float) -> Values:
    """Have the first process send in bursts as fast as it can; the slot asks for the next one after each."""
    _take_bursts(hall, backs[0], _WARM_UP_S)
    meter = _meter()
    messages = _take_bursts(hall, backs[0], seconds)
    usage = meter.stop()
    return {
        "per_s": messages / usage.wall_s,
        "flood_cpu_us": usage.cpu_s * 1e6 / messages,
        "other_cores": usage.other_cores,
    }


def _take_bursts(hall: Hall, back: BackEnd, seconds: float) -> int:
    count = 0
    under_way = BURSTS_UNDER_WAY
    end_s = time.monotonic() + seconds

    def begin() -> None:
        for _ in range(BURSTS_UNDER_WAY):
            back.say(BURST, 0.0)

    def heard(value: int) -> None:
        nonlocal count, under_way
        count += 1
        if count % BURST == 0:
            if time.monotonic() < end_s:
                back.say(BURST, 0.0)
            else:
                under_way -= 1
                if not under_way:
                    hall.leave()

    hall.stay(begin, heard=heard, seconds=seconds)
    return count


def chatter(hall: Hall, backs: Sequence[BackEnd], seconds: float) -> Values:
    """Have all processes send at `RATE_HZ` while a timer of the GUI runs; every message must come."""
    count = 0
    expected = int(RATE_HZ * seconds) * len(backs)
    watch = TimerWatch(hall)

    def begin() -> None:
        for back in backs:
            back.say(expected // len(backs), RATE_HZ)
        watch.start()

    def heard(value: int) -> None:
        nonlocal count
        count += 1
        if count == expected:
            hall.leave()

    meter = _meter()
    hall.stay(begin, heard=heard, seconds=seconds)
    usage = meter.stop()
    late_ms = watch.stop()
    return {
        "late_p50_ms": percentile(late_ms, 50),
        "late_p99_ms": percentile(late_ms, 99),
        "chatter_cpu_us": usage.cpu_s * 1e6 / count,
        "other_cores": usage.other_cores,
    }


LASTING = {"trips": round_trips, "flood": flood, "chatter": chatter}
"""The phases that measure for a time, with processes that have answered."""


def _meter() -> Meter:
    """Measure this process; its back ends, and who has started it, are no other load."""
    own, *others = tree_of(os.getpid())
    return Meter([own], [os.getppid(), *others])
