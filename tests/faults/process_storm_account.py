"""The account of one front end in the process storm: what was said, called, told, and whether it adds up."""

import itertools
import shutil
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from tests.faults.process_storm_kinds import Chatterer, Written, read_books

import camgraph as cg
from camgraph.errors import BackendBusy, BackendRaised, BrokenError, ClosedError
from camgraph.qt import reply, signals

CLOSED = "exit code 0"


class Cause(NamedTuple):
    """What is done to a process, and how that is to be told."""

    way: str
    exit: str
    """How the text of its end begins."""
    failed: str = ""
    """What is in the text of the one failure that it brings; empty: it brings none."""
    tells: bool = False
    """The back end still reports, so that nothing is lost uncounted."""


class Death(NamedTuple):
    """The end of a life, as it is told, and what was lost until then by the front end's own account."""

    pid: int | None
    exit: str
    lost: int
    unread: int
    """Of those lost, messages that had arrived, and for which there was no room at the front."""
    calls_lost: int


class Life:
    """What was heard of one life of a process, in the thread of the GUI."""

    def __init__(self) -> None:
        self.heard = self.gaps = self.next = 0

    def hear(self, number: int) -> bool:
        """Take in a number; False: it comes again, or too late."""
        if number < self.next:
            return False
        self.gaps += number - self.next
        self.next = number + 1
        self.heard += 1
        return True


class Account:
    """Calls a process, hears it, and adds up; in the thread of the GUI.

    `harms` are the causes that were given to each pid for its death, `flooded` those told to flood.
    """

    def __init__(self, site: cg.Site, kind: type[Chatterer], notifier: bool, directory: Path) -> None:
        directory.mkdir(parents=True)
        self.name = directory.name
        self.harms: dict[int, list[Cause]] = defaultdict(list)
        self.flooded: set[int] = set()
        self.late_ms: list[float] = []
        """How late each message was that was not the process's own fault, or the GUI's."""
        self.excused_until = 0.0
        self.ended = False
        """Its end has been emitted."""
        self._directory = directory
        self._wrong: list[str] = []
        self._lives: dict[str, Life] = {}
        self._life = ""
        self._numbers = itertools.count(1)
        self._taken: set[int] = set()
        self._refused: set[int] = set()
        self._asked: dict[int, Any] = {}
        self._answers: dict[int, object] = {}
        self._emitted_answers: dict[int, object] = {}
        self._deaths: list[Death] = []
        self._emitted_deaths: list[str] = []
        self._failures: dict[int | None, list[BackendRaised]] = defaultdict(list)
        self._emitted_failures = 0
        self._stops: dict[int | None, list[bool]] = defaultdict(list)
        self.front: Any = site.spawn(kind, str(directory))
        # These are called in the thread that serves, at the very moment.
        self.front.restarted.connect(self._die)
        self.front.exited.connect(self._die)
        self.front.failed.connect(lambda error: self._failures[self.front.pid].append(error))
        self.front.stopped.connect(lambda stopped: self._stops[self.front.pid].append(stopped))
        emitted = signals(self.front, notifier=notifier)
        emitted.said.connect(self._hear)
        emitted.restarted.connect(self._turn)
        emitted.exited.connect(self._end)
        emitted.failed.connect(self._fail)

    @property
    def pid_heard(self) -> int:
        """The pid of the life that was heard last, 0 after its end."""
        return int(self._life.partition(".")[0] or 0)

    @property
    def answered(self) -> bool:
        """Each result is there, and was emitted."""
        return len(self._emitted_answers) == len(self._answers) == len(self._asked)

    @property
    def fit(self) -> bool:
        """The process is alive, heard, and not about to die."""
        return self.front.alive and self.pid_heard == self.front.pid and self.pid_heard not in self.harms

    def call(self, method: str, *args: object) -> bool:
        """Make the next call; False: it was not taken."""
        number = next(self._numbers)
        try:
            call = getattr(self.front, method)(number, *args)
        except (BackendBusy, BrokenError, ClosedError):
            self._refused.add(number)
            return False
        self._taken.add(number)
        if call is not None:
            self._asked[number] = call
            call.add_done_callback(lambda done: self._answer(self._answers, number, done))
            answer = reply(call)
            answer.finished.connect(lambda value: self._emitted_answers.update({number: value}))
            answer.failed.connect(lambda error: self._emitted_answers.update({number: error}))
        return True

    def _answer(self, answers: dict[int, object], number: int, done: Any) -> None:
        if number in answers:
            self._wrong.append(f"call {number} was answered twice")
        answers[number] = done.exception() or done.result()

    def _hear(self, life: str, number: int, at_ns: int, more: object) -> None:
        if isinstance(more, cg.Descriptor):
            more.close()
        if life != self._life:
            if self._life:
                self._wrong.append(f"{life} speaks before the end of {self._life} was told")
            if life in self._lives:
                self._wrong.append(f"{life} speaks after its end")
            self._life = life
            self._lives[life] = Life()
        if not self._lives[life].hear(number):
            self._wrong.append(f"{life} says {number} after {self._lives[life].next - 1}")
        if at_ns / 1e9 > self.excused_until and self.pid_heard not in self.flooded:
            self.late_ms.append((time.monotonic_ns() - at_ns) / 1e6)

    def _turn(self, how: str) -> None:
        self._emitted_deaths.append(how)
        self._life = ""

    def _end(self, how: str) -> None:
        self._turn(how)
        self.ended = True

    def _fail(self, error: Exception) -> None:
        self._emitted_failures += 1

    def _die(self, how: str) -> None:
        statistics = self.front.statistics()
        unread = self.front._tally.unread_lost
        self._deaths.append(Death(self.front.pid, how, statistics.lost, unread, statistics.calls_lost))

    def conclude(self) -> tuple[list[str], dict[str, int]]:
        """Return what does not add up, and the sums; it has ended, and lets go of its front end."""
        books = read_books(self._directory)
        sums = self._sums(books)
        problems = list(self._problems(books))
        if not problems:
            shutil.rmtree(self._directory)
        self.front = None
        self._asked.clear()
        return problems, sums

    def _sums(self, books: dict[str, Written]) -> dict[str, int]:
        last = self._deaths[-1] if self._deaths else Death(None, "", 0, 0, 0)
        return {
            "emitted": sum(book.emitted for book in books.values()),
            "heard": sum(life.heard for life in self._lives.values()),
            "reported lost": last.lost,
            "calls": len(self._taken),
            "calls refused": len(self._refused),
            "calls served": sum(len(book.calls) for book in books.values()),
            "calls reported lost": last.calls_lost,
            "answers": sum(isinstance(answer, int) for answer in self._answers.values()),
            "lives": len(self._deaths),
            "failures": self._emitted_failures,
            "stops": sum(map(len, self._stops.values())),
        }

    def _problems(self, books: dict[str, Written]) -> Iterator[str]:
        told = [*self._wrong, *self._of_deaths(), *self._of_messages(books), *self._of_calls(books)]
        story = [(death.pid, death.exit) for death in self._deaths]
        for problem in told:
            yield f"{self.name}: {problem}"
        if told:
            yield f"{self.name} died: {story}; harmed: {dict(self.harms)}; flooded: {self.flooded}"

    def _cause(self, death: Death) -> Cause | None:
        causes = [] if death.pid is None else self.harms.get(death.pid, [])
        return next((cause for cause in causes if death.exit.startswith(cause.exit)), None)

    def _of_deaths(self) -> Iterator[str]:
        if self._emitted_deaths != [death.exit for death in self._deaths]:
            yield f"emitted {self._emitted_deaths} of {[death.exit for death in self._deaths]}"
        pids = [death.pid for death in self._deaths]
        if len(set(pids)) != len(pids):
            yield f"a death was told twice: {pids}"
        for pid in self.harms.keys() - set(pids):
            yield f"{pid} does not die of {self.harms[pid]}"
        for death in self._deaths:
            cause = self._cause(death)
            if cause is None:
                yield f"{death} has no such cause"
                continue
            failures = self._failures.pop(death.pid, [])
            if [cause.failed in failure.summary for failure in failures] != [True] * bool(cause.failed):
                yield f"{death} of {cause}: failures are {failures}"
            if any(Path(__file__).parent.name not in failure.traceback for failure in failures) and (
                cause.way != "garbage"
            ):
                yield f"{death} of {cause}: the traceback is {failures[0].traceback!r}"
        if any(self._failures.values()):
            yield f"failures of nobody: {dict(self._failures)}"
        for stopped, stops in self._stops.items():
            if any(is_stop != (at % 2 == 0) for at, is_stop in enumerate(stops)):
                yield f"{stopped} stops and goes on: {stops}"

    def _of_messages(self, books: dict[str, Written]) -> Iterator[str]:
        lives = {int(life.partition(".")[0]): life for life in books}
        before = Death(None, "", 0, 0, 0)
        for death in self._deaths:
            lost, unread, before = death.lost - before.lost, death.unread - before.unread, death
            name = lives.get(death.pid or 0)
            if name is None:
                if lost:
                    yield f"{death} had said nothing, and has lost {lost}"
                continue
            book, life = books[name], self._lives.get(name, Life())
            missing = book.emitted - life.heard
            told = f"{death} of {book.emitted} heard {life.heard}, gaps {life.gaps}, lost {lost}"
            cause = self._cause(death)
            if missing < 0 or lost > missing:
                yield f"{told}: more than there was"
            if life.gaps > book.dropped + unread + 1:
                yield f"{told}, dropped {book.dropped}, unread {unread}: too few for the gaps"
            if death.pid not in self.flooded and (lost or life.gaps or book.dropped):
                yield f"{told}, dropped {book.dropped}: it was not flooded"
            if cause is not None and cause.tells and lost != missing:
                yield f"{told}: its end is orderly, and not all is accounted for"
        for name in self._lives.keys() - books.keys():
            yield f"{name} has no book"

    def _of_calls(self, books: dict[str, Written]) -> Iterator[str]:
        served = [number for life in self._in_order(books) for number in books[life].calls]
        if served != sorted(set(served)):
            yield "calls are served twice or out of order"
        for number in set(served) & self._refused:
            yield f"call {number} was refused, and served"
        if unknown := set(served) - self._taken - self._refused:
            yield f"calls {unknown} were served, and never made"
        unserved = self._taken - set(served)
        calls_lost = self._deaths[-1].calls_lost if self._deaths else 0
        if len(unserved) > calls_lost:
            yield f"{len(unserved)} calls were not served, {calls_lost} are told: {sorted(unserved)[:9]}…"
        causes = [self._cause(death) for death in self._deaths]
        if all(cause is not None and cause.tells for cause in causes) and len(unserved) != calls_lost:
            yield f"{len(unserved)} calls were not served, {calls_lost} are told, and all ends are orderly"
        if self._deaths and self._deaths[-1].exit == CLOSED:
            last = max((max(books[life].calls, default=0) for life in books), default=0)
            if late := [number for number in unserved if number > last]:
                yield f"calls {late} were not served before it closed"
        yield from self._of_answers(set(served))

    def _of_answers(self, served: set[int]) -> Iterator[str]:
        if unanswered := [number for number, call in self._asked.items() if not call.done()]:
            yield f"calls are open: {unanswered}"
        if self._emitted_answers.keys() != self._answers.keys() or self._answers.keys() != self._asked.keys():
            yield (
                f"asked {len(self._asked)}, answered {len(self._answers)}, "
                f"emitted {len(self._emitted_answers)}"
            )
        for number, answer in self._answers.items():
            emitted = self._emitted_answers.get(number)
            if answer is not emitted:
                yield f"call {number} has the answer {answer!r}, emitted was {emitted!r}"
            if isinstance(answer, int):
                if answer != number or number not in served:
                    yield f"call {number} has the answer {answer}, served: {number in served}"
            elif isinstance(answer, BackendRaised):
                if not answer.summary.endswith(f"raised Trouble: refused {number}"):
                    yield f"call {number} has the answer {answer!r}"
            elif not isinstance(answer, BrokenError) or "ended before it answered" not in str(answer):
                yield f"call {number} has the answer {answer!r}"

    def _in_order(self, books: dict[str, Written]) -> list[str]:
        return sorted(books, key=lambda life: int(life.partition(".")[2]))
