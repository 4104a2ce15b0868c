"""Harm at random to the processes of a Qt program, done by its own GUI thread, also while that hangs."""

import os
import random
import signal
import time
from collections import Counter, deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.faults.process_storm_account import Account, Slot
from tests.faults.process_storm_causes import CLOSE, ENDS, HANG, HANG_TASK, KILL, ORPHAN, STAY_STOPPED, Cause
from tests.faults.process_storm_kinds import KINDS

import camgraph as cg
from camgraph.qt.application import Application

CALL_EVERY_S = 0.02
PAUSE_S = (0.02, 0.5)
FLOOD = 20_000
CLOSES_WITHIN_S = 10.0
EXCUSED_S = 0.5
MOST_TIMES = 500_000


class ProcessStorm:
    """Calls all processes steadily, and does harm to one after the other until it is `calm`.

    `told` says what was done, with seconds since the beginning. Each life is killed once, so that the cause
    of its death is known; now and then twice at the same time.
    """

    def __init__(self, app: Application, site: cg.Site, seed: int, directory: Path) -> None:
        self.told: list[str] = []
        self.problems: list[str] = []
        self.sums: Counter[str] = Counter()
        self.messages_late_ms: deque[float] = deque(maxlen=MOST_TIMES)
        self.timer_late_ms: deque[float] = deque(maxlen=MOST_TIMES)
        """How late the timer of the GUI was, but for the times when it was made to hang."""
        self._app = app
        self._chance = random.Random(seed)
        self._began = time.monotonic()
        self._slots = [Slot(site, at, directory) for at in range(len(KINDS))]
        self._accounts = [slot.account for slot in self._slots]
        self._stopped: list[tuple[float, int]] = []
        self._deck: list[Callable[[], None]] = []
        self._raging = True
        self._next_harm = self._began + 1.0
        self._beat = self._began
        self._turn = 0
        self._site = site
        self._timer = app.every(CALL_EVERY_S / 2, self._tick)

    @property
    def harms(self) -> list[Callable[[], None]]:
        """All there are; every one is done before any is done again."""
        ends = [lambda cause=cause: self._end(cause) for cause in ENDS]
        return [
            self._kill,
            self._kill,
            self._kill_early,
            self._stop,
            self._stop,
            self._stop_for_good,
            self._hang,
            self._flood,
            self._flood,
            self._close,
            self._hang_gui,
            self._kill_supervisor,
            *ends,
            *ends,
        ]

    @property
    def all_live(self) -> bool:
        """A process is heard in every slot, which sees what it watches."""
        return all(slot.lives for slot in self._slots)

    def rest(self) -> None:
        """Do no more harm; what is stopped goes on."""
        self._raging = False
        self._continue(float("inf"))

    def calm(self) -> None:
        """Call no more."""
        self._timer.stop()

    @property
    def accounts(self) -> tuple[Account, ...]:
        """Those that are not concluded: their processes live, or some answers are not emitted yet."""
        return tuple(self._accounts)

    def expect_end(self, account: Account) -> None:
        """It is going to be closed."""
        account.record.harms[account.front.pid].append(CLOSE)
        # The GUI waits meanwhile.
        account.excused_until = float("inf")

    def conclude(self, *, all_of_them: bool = False) -> None:
        """Add up what has ended."""
        for account in self.accounts:
            if all_of_them or (account.ended and account.answered):
                problems, sums = account.conclude()
                self.problems += problems
                self.sums.update(sums)
                self.messages_late_ms += account.late_ms
                self._accounts.remove(account)

    def _tick(self) -> None:
        now = time.monotonic()
        self.timer_late_ms.append(max(0.0, now - self._beat - CALL_EVERY_S / 2) * 1e3)
        self._continue(now)
        self._turn += 1
        if self._turn % 2:
            self._call_all()
        for slot in self._slots:
            if slot.account.ended:
                self._accounts.append(slot.fill())
        self.conclude()
        self._harm(now)
        self._beat = time.monotonic()

    def _call_all(self) -> None:
        for slot in self._slots:
            match self._turn % 8:
                case 1 | 5:
                    slot.account.call("ask")
                case 3:
                    slot.account.call("note", bytes(100_000 if self._turn % 160 == 3 else 10))
                case 7:
                    slot.account.call("refuse")

    def _harm(self, now: float) -> None:
        if not self._raging or now < self._next_harm:
            return
        if not self._deck:
            harms = self.harms
            self._deck = self._chance.sample(harms, len(harms))
        self._next_harm = now + self._chance.uniform(*PAUSE_S)
        self._deck.pop()()

    def _continue(self, now: float) -> None:
        due = [pid for at, pid in self._stopped if at <= now]
        self._stopped = [(at, pid) for at, pid in self._stopped if at > now]
        for pid in due:
            self._signal(pid, signal.SIGCONT)

    def _tell(self, what: str) -> None:
        self.told.append(f"{time.monotonic() - self._began:6.2f} {what}")

    def _signal(self, pid: int, number: signal.Signals) -> bool:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            return False
        return True

    def _one_of(self, fits: Callable[[Slot], bool] = lambda slot: True) -> Account | None:
        fit = [slot.account for slot in self._slots if slot.account.fit and fits(slot)]
        return self._chance.choice(fit) if fit else None

    def _kill(self) -> None:
        account = self._one_of()
        if account is not None:
            self._kill_now(account)

    def _kill_now(self, account: Account) -> None:
        pid = account.pid_heard
        if self._signal(pid, signal.SIGKILL):
            account.record.harms[pid].append(KILL)
            self._tell(f"SIGKILL to {account.name} {pid}")

    def _kill_early(self) -> None:
        """Kill one that may not have said anything yet."""
        for slot in self._chance.sample(self._slots, len(self._slots)):
            account, pid = slot.account, slot.account.front.pid
            if pid not in (None, account.pid_heard, *account.record.harms) and account.front.alive:
                if self._signal(pid, signal.SIGKILL):
                    account.record.harms[pid].append(KILL)
                    self._tell(f"SIGKILL to {account.name} {pid}, early")
                return

    def _end(self, cause: Cause) -> None:
        account = self._one_of()
        if account is None or not account.call("end", cause.way):
            return
        self._tell(f"{cause.way} to {account.name} {account.front.pid}")
        account.record.harms[account.pid_heard].append(cause)
        if self._chance.random() < 0.15:
            self._kill_now(account)

    def _hang(self) -> None:
        account = self._one_of()
        if account is not None and account.call("hang"):
            self._tell(f"hang to {account.name} {account.pid_heard}")
            is_task = issubclass(self._kind_of(account), cg.AsyncMessageProcess)
            account.record.harms[account.pid_heard].append(HANG_TASK if is_task else HANG)

    def _stop(self) -> None:
        account = self._one_of()
        if account is not None and self._signal(account.pid_heard, signal.SIGSTOP):
            self._tell(f"SIGSTOP to {account.name} {account.pid_heard}")
            due = time.monotonic() + self._chance.uniform(0.1, 2.0)
            self._stopped.append((due, account.pid_heard))
            account.excused_until = due + EXCUSED_S

    def _stop_for_good(self) -> None:
        account = self._one_of(lambda slot: bool(slot.kind.restart))
        if account is not None and self._signal(account.pid_heard, signal.SIGSTOP):
            self._tell(f"SIGSTOP to {account.name} {account.pid_heard}, for good")
            account.record.harms[account.pid_heard].append(STAY_STOPPED)
            self._stopped = [entry for entry in self._stopped if entry[1] != account.pid_heard]

    def _flood(self) -> None:
        account = self._one_of()
        if account is not None and account.call("flood", FLOOD):
            self._tell(f"flood from {account.name} {account.pid_heard}")
            account.record.flooded.add(account.pid_heard)

    def _close(self) -> None:
        stopped = {pid for _, pid in self._stopped}
        account = self._one_of(lambda slot: slot.account.pid_heard not in stopped)
        if account is None:
            return
        self._tell(f"close {account.name} {account.pid_heard}")
        self.expect_end(account)
        account.front.close(CLOSES_WITHIN_S)
        self._excuse_all()

    def _hang_gui(self) -> None:
        """Keep the thread of the GUI busy, and do harm meanwhile."""
        seconds = self._chance.uniform(0.5, 2.0)
        self._tell(f"the GUI is busy for {seconds:.1f} s")
        end = time.monotonic() + seconds
        while (now := time.monotonic()) < end:
            self._continue(now)
            self._harm(now)
        self._excuse_all()

    def _kill_supervisor(self) -> None:
        """All back ends that it has started end with it; the next one starts those again that are to be."""
        if not self._signal(self._site.supervisor_pid, signal.SIGKILL):
            return
        self._tell("SIGKILL to the supervisor")
        for slot in self._slots:
            if slot.kind.start_method != "fork":
                slot.account.record.orphaned = True
                if slot.account.front.pid is not None:
                    slot.account.record.harms[slot.account.front.pid].append(ORPHAN)

    def _excuse_all(self) -> None:
        """The GUI was busy, which is nobody else's fault."""
        for account in self._accounts:
            account.excused_until = max(account.excused_until, time.monotonic() + EXCUSED_S)

    def _kind_of(self, account: Account) -> type[Any]:
        return next(slot.kind for slot in self._slots if slot.account is account)
