"""A pytest plugin that fails every test which leaves something behind: ``-p camgraph.testing.leaks``.

Watched are processes (whole trees, orphans too), threads, descriptors, memfd mappings, abstract sockets,
files in /dev/shm, widgets and QThreads. What a module's or the session's fixture makes may stay until the
fixture is torn down. What a test leaves gets a moment to end by itself (ini option `leak_grace_s`); then the
test fails, its name and the leftovers' origin are told, and what can be removed is, so that the next test
starts clean. The end of the session is checked likewise.
"""

import gc
import os
import sys
import time
from collections.abc import Generator, Hashable
from typing import Any, NamedTuple, Protocol

import pytest

from camgraph.testing.census_descriptors import AbstractSockets, Descriptors, MemfdMappings, SharedMemory
from camgraph.testing.census_processes import Processes
from camgraph.testing.census_qt import QThreads, Widgets, application_exists
from camgraph.testing.census_threads import Threads


class Kind(Protocol):
    """One kind of thing that can be left behind."""

    @property
    def kind(self) -> str:
        """The word for it."""
        ...

    def take(self) -> set[Any]:
        """Return keys of all there are."""
        ...

    def describe(self, key: Any) -> str:
        """Return what it is and where it comes from."""
        ...

    def remove(self, key: Any) -> None:
        """End it, where that is possible from outside."""
        ...


class Found(NamedTuple):
    """One thing that is there."""

    kind: Kind
    key: Hashable


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the option."""
    parser.addini(
        "leak_grace_s", "how long what a test leaves may take to end by itself, in s", default="2.5"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Begin to watch."""
    config.pluginmanager.register(LeakWatch(config), "camgraph-leak-watch")


class LeakWatch:
    """Compares what is there after each test with what may be there."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._grace_s = float(config.getini("leak_grace_s"))
        self._processes, self._threads, self._qthreads = Processes(), Threads(), QThreads()
        self._kinds: tuple[Kind, ...] = (
            self._processes,
            self._qthreads,
            self._threads,
            Descriptors(),
            MemfdMappings(),
            AbstractSockets(),
            SharedMemory(self._processes.is_stranger),
            Widgets(),
        )
        self._allowed: set[Found] = set()
        self._leaked: set[Found] = set()
        self._of_fixtures: dict[Any, set[Found]] = {}
        self._told_of_collection = ""
        self._exitstatus = 0

    @pytest.hookimpl(trylast=True)
    def pytest_sessionstart(self) -> None:
        """Take for granted what the test runner and its plugins hold."""
        self._allowed = self._take()

    @pytest.hookimpl(trylast=True)
    def pytest_collection_finish(self) -> None:
        """Take for granted the threads that libraries start when they are imported, and nothing else."""
        self._allowed |= {found for found in self._take() if found.kind is self._threads}
        self._told_of_collection = self._find("collecting the tests")

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: pytest.FixtureDef[Any]) -> Generator[None, object, object]:
        """Note what a fixture makes that outlives the test which asked for it first."""
        if fixturedef.scope == "function":
            return (yield)
        before, had_application = self._take(), application_exists()
        result = yield
        made = self._take() - before
        if application_exists() and not had_application:
            # Qt's application lives as long as the process, whatever becomes of the fixture.
            self._allowed |= made
        else:
            self._of_fixtures[fixturedef] = made
        return result

    def pytest_fixture_post_finalizer(self, fixturedef: pytest.FixtureDef[Any]) -> None:
        """From now on what the fixture made is to be gone."""
        self._of_fixtures.pop(fixturedef, None)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        """Check after everything else that belongs to a test, its time limit's own threads included."""
        result = yield
        self._report(item.nodeid, item.location, self._find(item.nodeid))
        return result

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Check once more, when no fixture is left."""
        self._report("collecting the tests", ("", None, "the collection"), self._told_of_collection)
        self._report("the session", ("", None, "the session"), self._find("the session"))
        if session.testsfailed and session.exitstatus in (
            pytest.ExitCode.OK,
            pytest.ExitCode.NO_TESTS_COLLECTED,
        ):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
        self._exitstatus = int(session.exitstatus)

    @pytest.hookimpl(trylast=True)
    def pytest_unconfigure(self) -> None:
        """Stop watching; end the process hard where it would wait for ever for a thread that was left."""
        self._processes.close()
        self._threads.close()
        self._qthreads.close()
        if self._threads.keep_the_process(
            {found.key for found in self._leaked if found.kind is self._threads}
        ):
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(self._exitstatus)

    def _take(self) -> set[Found]:
        return {Found(kind, key) for kind in self._kinds for key in kind.take()}

    def _find(self, name: str) -> str:
        """Return what was left behind, in words, and end what can be ended; empty: nothing was."""
        present, leftovers = self._leftovers_after_grace()
        self._allowed &= present
        if not leftovers:
            return ""
        order = {kind: place for place, kind in enumerate(self._kinds)}
        ordered = sorted(leftovers, key=lambda found: (order[found.kind], str(found.key)))
        told = [f"{found.kind.kind} {found.kind.describe(found.key)}" for found in ordered]
        for found in ordered:
            found.kind.remove(found.key)
        self._allowed |= self._take() & leftovers
        self._leaked |= leftovers
        return "\n  ".join([f"{name} left behind:", *(text.replace("\n", "\n    ") for text in told)])

    def _report(self, name: str, location: tuple[str, int | None, str], told: str) -> None:
        """Have what was found counted and printed like an error of tearing down."""
        if told:
            report = pytest.TestReport(name, location, {}, "failed", told, "teardown")
            self._config.hook.pytest_runtest_logreport(report=report)

    def _leftovers_after_grace(self) -> tuple[set[Found], set[Found]]:
        may_be = self._allowed.union(*self._of_fixtures.values())
        deadline = time.monotonic() + self._grace_s
        pause_s = 0.002
        while True:
            present = self._take()
            leftovers = present - may_be
            if not leftovers or time.monotonic() >= deadline:
                return present, leftovers
            gc.collect()
            time.sleep(pause_s)
            pause_s = min(pause_s * 2, 0.1)
