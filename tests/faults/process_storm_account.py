"""The front ends of the process storm: an account of each makes its calls, and hears its messages."""

import itertools
import shutil
import time
from pathlib import Path
from typing import Any

from tests.faults.process_storm_kinds import KINDS, Chatterer, read_books
from tests.faults.process_storm_record import Death, Life, Record

import camgraph as cg
from camgraph.errors import BackendBusy, BrokenError, ClosedError
from camgraph.qt import reply, signals


class Account:
    """Starts a process, calls it, hears it, and at its end adds up; in the thread of the GUI."""

    def __init__(self, site: cg.Site, kind: type[Chatterer], notifier: bool, directory: Path) -> None:
        directory.mkdir(parents=True)
        self.name = directory.name
        self.record = Record()
        self.frames = 0
        """Frames that this life has told of."""
        self.late_ms: list[float] = []
        """How late each message was that was not the process's own fault, or the GUI's."""
        self.excused_until = 0.0
        self.ended = False
        """Its end has been emitted."""
        self._directory = directory
        self._life = ""
        self._numbers = itertools.count(1)
        self.front: Any = site.spawn(kind, str(directory))
        # These are called in the thread that serves, at the very moment.
        self.front.restarted.connect(self._die)
        self.front.exited.connect(self._die)
        self.front.failed.connect(lambda error: self.record.failures[self.front.pid].append(error))
        self.front.stopped.connect(lambda stopped: self.record.stops[self.front.pid].append(stopped))
        emitted = signals(self.front, notifier=notifier)
        emitted.said.connect(self._hear)
        emitted.restarted.connect(self._turn)
        emitted.exited.connect(self._end)
        emitted.failed.connect(self._fail)
        if kind.start_method == "fork":
            self.call("begin")

    @property
    def pid_heard(self) -> int:
        """The pid of the life that was heard last, 0 after its end."""
        return int(self._life.partition(".")[0] or 0)

    @property
    def answered(self) -> bool:
        """Each result is there, and was emitted."""
        record = self.record
        return len(record.emitted_answers) == len(record.answers) == len(record.asked)

    @property
    def fit(self) -> bool:
        """The process is alive, heard, and not about to die."""
        return (
            self.front.alive and self.pid_heard == self.front.pid and self.pid_heard not in self.record.harms
        )

    def call(self, method: str, *args: object) -> bool:
        """Make the next call; False: it was not taken."""
        number, record = next(self._numbers), self.record
        try:
            call = getattr(self.front, method)(number, *args)
        except (BackendBusy, BrokenError, ClosedError):
            record.refused.add(number)
            return False
        record.taken.add(number)
        if call is not None:
            record.asked.add(number)
            call.add_done_callback(
                lambda done: self._answer(record.answers, number, done.exception() or done.result())
            )
            answer = reply(call)
            answer.finished.connect(lambda value: self._answer(record.emitted_answers, number, value))
            answer.failed.connect(lambda error: self._answer(record.emitted_answers, number, error))
        return True

    def conclude(self) -> tuple[list[str], dict[str, int]]:
        """Return what does not add up, and the sums; it has ended, and lets go of its front end."""
        books = read_books(self._directory)
        sums = self.record.sums(books)
        problems = [f"{self.name}: {problem}" for problem in self.record.problems(books)]
        if not problems:
            shutil.rmtree(self._directory)
        self.front = None
        return problems, sums

    def _answer(self, answers: dict[int, object], number: int, answer: object) -> None:
        if number in answers:
            self.record.wrong.append(f"call {number} was answered twice")
        answers[number] = answer

    def _hear(self, life: str, number: int, at_ns: int, more: object) -> None:
        match more:
            case cg.Descriptor():
                more.close()
            case int():
                self.frames += 1
        lives, wrong = self.record.lives, self.record.wrong
        if life != self._life:
            if self._life:
                wrong.append(f"{life} speaks before the end of {self._life} was told")
            if life in lives:
                wrong.append(f"{life} speaks after its end")
            self._life = life
            lives[life] = Life()
        if not lives[life].hear(number):
            wrong.append(f"{life} says {number} after {lives[life].next - 1}")
        if at_ns / 1e9 > self.excused_until and self.pid_heard not in self.record.flooded:
            self.late_ms.append((time.monotonic_ns() - at_ns) / 1e6)

    def _turn(self, how: str) -> None:
        self.record.emitted_deaths.append(how)
        if self.pid_heard in self.record.flooded:
            # What the next one has said already had to wait for all that.
            self.excused_until = max(self.excused_until, time.monotonic())
        self._life = ""
        self.frames = 0

    def _end(self, how: str) -> None:
        self._turn(how)
        self.ended = True

    def _fail(self, error: Exception) -> None:
        self.record.emitted_failures += 1

    def _die(self, how: str) -> None:
        statistics, unread = self.front.statistics(), self.front._tally.unread_lost
        self.record.deaths.append(Death(self.front.pid, how, statistics.lost, unread, statistics.calls_lost))


class Slot:
    """A place with a process; when that has ended for good, another takes it."""

    def __init__(self, site: cg.Site, at: int, directory: Path) -> None:
        self.kind, self._notifier, self._watches = KINDS[at]
        self._site = site
        self._path = directory / f"{at}-{self.kind.__name__}"
        self._fronts = 0
        self.account = self.fill()

    @property
    def lives(self) -> bool:
        """Its process is heard, and has frames if it watches any."""
        return self.account.fit and (self.account.frames > 0 or not self._watches)

    def fill(self) -> Account:
        """Have a new process take the place."""
        self._fronts += 1
        where = self._path.with_name(f"{self._path.name}-{self._fronts}")
        self.account = Account(self._site, self.kind, self._notifier, where)
        if self._watches:
            request = self._site.streams["camera"].frames(size=(64, 36), format="gray8")
            self.account.front.watch(request)
        return self.account
