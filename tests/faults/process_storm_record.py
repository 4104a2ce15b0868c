"""What was heard of a front end in the process storm, and what its back ends wrote: is it all there?"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from tests.faults.process_storm_causes import CLOSED, ORPHAN, ORPHANED, UNREADABLE, Cause
from tests.faults.process_storm_kinds import Written

from camgraph.errors import BackendRaised, BrokenError


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
        self.first_gap = ""

    def hear(self, number: int) -> bool:
        """Take in a number; False: it comes again, or too late."""
        if number < self.next:
            return False
        if number > self.next and not self.gaps:
            self.first_gap = f", the first before {number}"
        self.gaps += number - self.next
        self.next = number + 1
        self.heard += 1
        return True


@dataclass
class Record:
    """All that there was of a front end, as its account has seen it."""

    harms: dict[int, list[Cause]] = field(default_factory=lambda: defaultdict(list))
    """The causes that were given to each pid for its death."""
    flooded: set[int] = field(default_factory=set)
    """Pids that were told to flood."""
    orphaned: bool = False
    """The supervisor was killed, and with it the back end of that moment, if there was one."""
    wrong: list[str] = field(default_factory=list)
    """What was wrong at once."""
    lives: dict[str, Life] = field(default_factory=dict)
    taken: set[int] = field(default_factory=set)
    """Numbers of the calls that were taken."""
    refused: set[int] = field(default_factory=set)
    asked: set[int] = field(default_factory=set)
    """Of those taken, the calls that have a result."""
    answers: dict[int, object] = field(default_factory=dict)
    """As the calls themselves told them; the others as they were emitted in the thread of the GUI."""
    emitted_answers: dict[int, object] = field(default_factory=dict)
    deaths: list[Death] = field(default_factory=list)
    emitted_deaths: list[str] = field(default_factory=list)
    failures: dict[int | None, list[BackendRaised]] = field(default_factory=lambda: defaultdict(list))
    emitted_failures: int = 0
    stops: dict[int | None, list[bool]] = field(default_factory=lambda: defaultdict(list))

    def sums(self, books: dict[str, Written]) -> dict[str, int]:
        """Return how much there was of everything."""
        last = self.deaths[-1] if self.deaths else Death(None, "", 0, 0, 0)
        return {
            "emitted": sum(book.emitted for book in books.values()),
            "heard": sum(life.heard for life in self.lives.values()),
            "reported lost": last.lost,
            "calls": len(self.taken),
            "calls refused": len(self.refused),
            "calls served": sum(len(book.calls) for book in books.values()),
            "calls reported lost": last.calls_lost,
            "answers": sum(isinstance(answer, int) for answer in self.answers.values()),
            "lives": len(self.deaths),
            "failures": self.emitted_failures,
            "stops": sum(map(len, self.stops.values())),
        }

    def problems(self, books: dict[str, Written]) -> Iterator[str]:
        """Tell what does not add up; it has ended."""
        told = [*self.wrong, *self._of_deaths(), *self._of_messages(books), *self._of_calls(books)]
        story = [(death.pid, death.exit) for death in self.deaths]
        yield from told
        if told:
            yield f"died: {story}; harmed: {dict(self.harms)}; flooded: {self.flooded}"

    def _cause(self, death: Death) -> Cause | None:
        if self.orphaned and death.exit in ORPHANED:
            return ORPHAN
        causes = [] if death.pid is None else self.harms.get(death.pid, [])
        return next((cause for cause in causes if death.exit.startswith(cause.exit)), None)

    def _of_deaths(self) -> Iterator[str]:
        if self.emitted_deaths != [death.exit for death in self.deaths]:
            yield f"emitted {self.emitted_deaths} of {[death.exit for death in self.deaths]}"
        # Without a supervisor, one that is to be started again has ended again.
        pids = [death.pid for death in self.deaths if death.exit not in ORPHANED]
        if len(set(pids)) != len(pids):
            yield f"a death was told twice: {pids}"
        for pid in self.harms.keys() - {death.pid for death in self.deaths}:
            yield f"{pid} does not die of {self.harms[pid]}"
        for death in self.deaths:
            cause = self._cause(death)
            if cause is None:
                yield f"{death} has no such cause"
                continue
            failures = self.failures.pop(death.pid, [])
            # Of two causes, only the first tells, and it may not have come to it.
            causes = self.harms.get(death.pid or 0) or [cause]
            expected = causes[0].failed
            told = [expected in failure.summary for failure in failures] == [True] * bool(expected)
            if not told and (failures or causes == [cause]):
                yield f"{death} of {cause}: failures are {failures}"
            if expected != UNREADABLE and causes == [cause]:
                for failure in failures:
                    if Path(__file__).parent.name not in failure.traceback:
                        yield f"{death} of {cause}: the traceback is {failure.traceback!r}"
        if any(self.failures.values()):
            yield f"failures of nobody: {dict(self.failures)}"
        for stopped, stops in self.stops.items():
            if any(is_stop != (at % 2 == 0) for at, is_stop in enumerate(stops)):
                yield f"{stopped} stops and goes on: {stops}"

    def _of_messages(self, books: dict[str, Written]) -> Iterator[str]:
        lives = {int(life.partition(".")[0]): life for life in books}
        before = Death(None, "", 0, 0, 0)
        for death in self.deaths:
            lost, unread, before = death.lost - before.lost, death.unread - before.unread, death
            name = lives.pop(death.pid or 0, None)
            if name is None:
                if lost:
                    yield f"{death} had said nothing, and has lost {lost}"
                continue
            book, life = books[name], self.lives.get(name, Life())
            missing = book.emitted - life.heard
            told = (
                f"{death} of {book.emitted} heard {life.heard}, gaps {life.gaps}{life.first_gap}, lost {lost}"
            )
            cause = self._cause(death)
            if missing < 0 or lost > missing:
                yield f"{told}: more than there was"
            told += f", dropped {book.dropped}, unread {unread}"
            if life.gaps > book.dropped + unread + 1:
                yield f"{told}: too few for the gaps"
            if death.pid not in self.flooded and (book.dropped or not lost == life.gaps == unread):
                yield f"{told}: it was not flooded"
            if unread and not self.flooded:
                # A flood that waits for the GUI leaves the lives that follow no room.
                yield f"{told}: none of its lives was flooded"
            if cause is not None and cause.tells and lost != missing:
                yield f"{told}: its end is orderly, and not all is accounted for"
        for name in self.lives.keys() - books.keys():
            yield f"{name} has no book"

    def _of_calls(self, books: dict[str, Written]) -> Iterator[str]:
        served = [number for life in self._in_order(books) for number in books[life].calls]
        if served != sorted(set(served)):
            yield "calls are served twice or out of order"
        for number in set(served) & self.refused:
            yield f"call {number} was refused, and served"
        if unknown := set(served) - self.taken - self.refused:
            yield f"calls {unknown} were served, and never made"
        yield from self._of_lost_calls(books)
        yield from self._of_answers(set(served))

    def _of_lost_calls(self, books: dict[str, Written]) -> Iterator[str]:
        """Calls are served in order, so those that a death has cost lie between those of two lives."""
        lives = {int(life.partition(".")[0]): life for life in books}
        last_served = told = told_before = 0
        exact, story = True, ""
        for death in self.deaths:
            name = lives.pop(death.pid or 0, None)
            calls = [] if name is None else books[name].calls
            if calls:
                unserved = sum(last_served < number < calls[0] for number in self.taken)
                if unserved > told or (exact and unserved != told):
                    yield f"{unserved} calls were not served, {told} are told, by {story}"
                told, exact, story, last_served = 0, True, "", calls[-1]
            cause = self._cause(death)
            told, told_before = told + death.calls_lost - told_before, death.calls_lost
            exact &= cause is not None and cause.tells
            story += f"{death} "
        unserved = sum(number > last_served for number in self.taken)
        if unserved > told or (exact and unserved != told):
            yield f"{unserved} last calls were not served, {told} are told, by {story}"
        if self.deaths and self.deaths[-1].exit == CLOSED and unserved:
            yield f"{unserved} calls were not served before it closed"

    def _of_answers(self, served: set[int]) -> Iterator[str]:
        if not self.asked == self.answers.keys() == self.emitted_answers.keys():
            yield (
                f"asked {len(self.asked)}, answered {len(self.answers)}, emitted {len(self.emitted_answers)}"
            )
        for number, answer in self.answers.items():
            emitted = self.emitted_answers.get(number)
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
