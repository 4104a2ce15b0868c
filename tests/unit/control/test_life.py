import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from camgraph.base.errors import InternalError
from camgraph.control.life import (
    BACK_OFF_S,
    OUT_OF_MEMORY_BACK_OFF_S,
    Begin,
    Exited,
    Launch,
    Launched,
    LaunchFailed,
    ProcessLife,
    Signal,
    Stop,
    Tick,
    WakeAt,
)

S = 1_000_000_000


def started(*, restart: bool = True, crashes: int = 0, within_s: float = 60.0) -> ProcessLife:
    life = ProcessLife(restart=restart, crashes=crashes, within_s=within_s)
    assert life.handle(Begin(), 0) == [Launch()]
    assert life.handle(Launched(7), 0) == []
    return life


def test_the_first_death_is_followed_by_a_start_at_once() -> None:
    life = started()
    assert life.handle(Exited(), S) == [WakeAt(S)]
    assert life.handle(Tick(), S) == [Launch()]


def test_deaths_in_a_row_are_answered_ever_later_and_each_second_of_life_forgives_one() -> None:
    life, now_ns, delays = started(), 0, []
    for _ in range(len(BACK_OFF_S) + 1):
        (wake,) = life.handle(Exited(), now_ns)
        assert isinstance(wake, WakeAt)
        delays.append((wake.due_ns - now_ns) / S)
        now_ns = wake.due_ns
        assert life.handle(Tick(), now_ns) == [Launch()]
        life.handle(Launched(8), now_ns)
    assert delays == [*BACK_OFF_S, BACK_OFF_S[-1]]
    now_ns += len(BACK_OFF_S) * S
    assert life.handle(Exited(), now_ns) == [WakeAt(now_ns)]


def test_what_lives_a_second_between_its_deaths_is_started_again_at_once() -> None:
    life, now_ns = started(), 0
    for _ in range(50):
        now_ns += S
        assert life.handle(Exited(), now_ns) == [WakeAt(now_ns)]
        assert life.handle(Tick(), now_ns) == [Launch()]
        life.handle(Launched(8), now_ns)


def test_one_killed_for_memory_is_never_started_at_once() -> None:
    life, now_ns = started(), S
    for usual_s in BACK_OFF_S:
        due_ns = now_ns + int(max(usual_s, OUT_OF_MEMORY_BACK_OFF_S) * S)
        assert life.handle(Exited(out_of_memory=True), now_ns) == [WakeAt(due_ns)]
        assert life.handle(Tick(), due_ns - 1) == [WakeAt(due_ns)]
        assert life.handle(Tick(), due_ns) == [Launch()]
        life.handle(Launched(8), due_ns)
        now_ns = due_ns


def test_without_restart_the_end_is_the_end() -> None:
    life = started(restart=False)
    assert life.handle(Exited(), S) == []
    assert life.state == "ended"


def crash(life: ProcessLife, at_ns: int, how: str = "") -> None:
    """End it at a time, and have it started again at once if it is to be."""
    for instruction in life.handle(Exited(how=how), at_ns):
        assert isinstance(instruction, WakeAt)
        life.handle(Tick(), instruction.due_ns)
        life.handle(Launched(8), at_ns)


def test_so_many_crashes_within_a_time_are_the_end() -> None:
    life = started(crashes=3, within_s=10.0)
    crash(life, 2 * S, "first")
    crash(life, 5 * S, "second")
    assert not life.crashed_too_often
    crash(life, 12 * S, "third")
    assert life.crashed_too_often
    assert life.state == "ended"
    assert list(life.crashes) == [
        (2 * S, 2 * S, "first"),
        (5 * S, 3 * S, "second"),
        (12 * S, 7 * S, "third"),
    ]


def test_crashes_that_are_longer_ago_do_not_count() -> None:
    life = started(crashes=3, within_s=10.0)
    for second in range(0, 600, 6):
        crash(life, second * S)
        assert len(life.crashes) <= 2
    assert life.state == "running"


def test_one_that_is_stopped_at_its_last_crash_did_not_crash_too_often() -> None:
    life = started(crashes=2)
    crash(life, S)
    life.handle(Stop(2.0), 2 * S)
    life.handle(Exited(), 2 * S)
    assert life.state == "ended"
    assert not life.crashed_too_often


def test_a_launch_that_fails_is_no_crash() -> None:
    life = ProcessLife(restart=True, crashes=1)
    life.handle(Begin(), 0)
    for _ in range(20):
        (wake,) = life.handle(LaunchFailed(), 0)
        assert isinstance(wake, WakeAt)
        assert life.handle(Tick(), wake.due_ns) == [Launch()]


def test_a_process_that_ignores_sigterm_is_killed_after_the_grace() -> None:
    life = started()
    assert life.handle(Stop(2.0), S) == [Signal(kill=False), WakeAt(3 * S)]
    assert life.handle(Tick(), 3 * S) == [Signal(kill=True)]
    assert life.handle(Exited(), 3 * S) == []
    assert life.state == "ended"


def test_a_launch_that_fails_is_tried_again() -> None:
    life = ProcessLife(restart=True)
    life.handle(Begin(), 0)
    assert life.handle(LaunchFailed(), 0) == [WakeAt(0)]


def test_what_cannot_be_raises_with_its_story() -> None:
    life = started()
    with pytest.raises(InternalError, match="Launched"):
        life.handle(Begin(), 0)


class AnyLife(RuleBasedStateMachine):
    """Whatever happens, in any order the shell can produce: at most one process, and Stop leads to an end."""

    def __init__(self) -> None:
        super().__init__()
        self.life = ProcessLife(restart=True)
        self.now_ns = 0
        self.running = False
        self.stopped = False

    def tell(self, event) -> None:
        for instruction in self.life.handle(event, self.now_ns):
            if isinstance(instruction, Launch):
                assert not self.running
                assert not self.stopped
                self.running = True
                self.tell(Launched(1))

    @precondition(lambda self: self.life.state == "new")
    @rule()
    def begin(self) -> None:
        self.tell(Begin())

    @precondition(lambda self: self.running)
    @rule(out_of_memory=st.booleans())
    def exit(self, out_of_memory: bool) -> None:
        self.running = False
        self.tell(Exited(out_of_memory))

    @precondition(lambda self: self.life.state != "new")
    @rule(wait_s=st.floats(0, 20))
    def tick(self, wait_s: float) -> None:
        self.now_ns += int(wait_s * S)
        self.tell(Tick())

    @rule(grace_s=st.floats(0, 3))
    def stop(self, grace_s: float) -> None:
        self.tell(Stop(grace_s))
        self.stopped = True

    @invariant()
    def state_fits(self) -> None:
        assert self.running == (self.life.state in ("running", "ending"))
        assert not self.stopped or self.life.state in ("ending", "ended")
        assert len(self.life.story) <= 50


TestAnyLife = AnyLife.TestCase
