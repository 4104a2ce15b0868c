"""What runs in this process: at most one site, started with what first needs it, and what it was told."""

import atexit
import logging
import os
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Protocol, TypeVar
from weakref import WeakValueDictionary

from camgraph.base.errors import BrokenError, ClosedError
from camgraph.client.graph import Graph
from camgraph.client.site import Site
from camgraph.control.messages import StreamStatus
from camgraph.graph.spec import GraphSpec
from valkka.core.dispatcher import Dispatcher
from valkka.core.plan import Connection, HasDescriptor, Plan, make_plan
from valkka.core.statuses import Statuses
from valkka.core.telling import Telling

T = TypeVar("T")

_log = logging.getLogger("valkka.livethread")

GATHERED_S = 0.01
"""What changes within this time is applied together."""
RETRY_S = 0.5
SETTLES_WITHIN_S = 1.0


class Plays(Protocol):
    """Something with connections."""

    @property
    def label(self) -> str:
        """What no other thing of this process is called."""
        ...

    def playing(self) -> Iterable[Connection]:
        """Return those that play."""
        ...

    def forget_in_child(self) -> None:
        """In a forked child: nothing of it runs."""
        ...


class Shows(Protocol):
    """Something with windows."""

    @property
    def label(self) -> str:
        """What it is called by in a plan."""
        ...

    def show(self, routes: Mapping[int, str]) -> None:
        """Show these streams, by slot."""
        ...

    def forget_in_child(self) -> None:
        """In a forked child: nothing of it runs."""
        ...


class Runtime:
    """Applies to the site what the objects of the program say, whenever one of them has changed."""

    def __init__(self) -> None:
        self._players: WeakValueDictionary[str, Plays] = WeakValueDictionary()
        self._screens: WeakValueDictionary[str, Shows] = WeakValueDictionary()
        self._ended = False
        self._reset()

    def _reset(self) -> None:
        self._site: Site | None = None
        self._threads: dict[str, Dispatcher] = {}
        self._starting = threading.RLock()
        self._applying = threading.RLock()
        self._in_apply = False
        self._dirty = False
        self._scheduled = False
        self._applied = GraphSpec()
        self._attached: dict[str, tuple[HasDescriptor, ...]] = {}
        self._told: list[str] = []
        self._delay = ""
        """Why what was changed last is not applied yet, as it was told."""
        self._telling = Telling(lambda: self.dispatcher)
        self._statuses = Statuses(self._telling.on_setup, self._telling.on_end)

    def add_player(self, player: Plays) -> None:
        """Play its connections, for as long as it lives."""
        self._players[player.label] = player

    def add_screen(self, screen: Shows) -> None:
        """Tell it what to show, for as long as it lives."""
        self._screens[screen.label] = screen

    def changed(self) -> None:
        """Have what was changed applied soon. Starts nothing while nothing plays; takes no lock, then."""
        if self._ended or (self._site is None and not self._connections()):
            return
        self._dirty = True
        if not self._scheduled:
            self._scheduled = True
            self._applier.call(self._gather)

    def settle(self, timeout_s: float = SETTLES_WITHIN_S) -> bool:
        """Return when all that was changed before is applied; False: it took too long, or can't be now."""
        if not self._dirty and not self._in_apply:
            return True
        site = self._site
        if site is not None and site.loop.in_thread():
            # A finalizer may come here anywhere: it would wait for an answer that this thread is to hear.
            return False
        if not self._applying.acquire(timeout=timeout_s):
            return False
        try:
            # A finalizer may come here in the midst of it.
            return not self._in_apply and self._apply()
        finally:
            self._applying.release()

    @property
    def dispatcher(self) -> Dispatcher:
        """The thread that calls the program back; it is started here, if it was not."""
        return self._thread("valkka-dispatcher")

    @property
    def _applier(self) -> Dispatcher:
        """The thread that applies changes, whatever callbacks are busy with; it is started likewise."""
        return self._thread("valkka-graph")

    def _thread(self, name: str) -> Dispatcher:
        thread = self._threads.get(name)
        if thread is None:
            with self._starting:
                thread = self._threads.get(name)
                if thread is None:
                    thread = self._threads[name] = Dispatcher(name)
        return thread

    @property
    def site(self) -> Site:
        """The site of this process; it is started here, if it was not."""
        site = self._site
        if site is None:
            with self._starting:
                site = self._site
                if site is None:
                    # It has something to tell at once.
                    _ = self._applier
                    site = self._site = Graph().start()
                    site.subscribe(self._on_status)
        return site

    def finally_call(self, callback: Callable[[], None]) -> None:
        """Call back soon, if changes are still applied; for finalizers, and at the end."""
        applier = self._threads.get("valkka-graph")
        if applier is not None:
            applier.call(callback)

    def end(self) -> None:
        """End all at the program's exit; nothing is started any more."""
        self._ended = True
        self.shut_down()

    def shut_down(self) -> None:
        """End the site and the threads; what is used later starts them afresh."""
        with self._starting:
            site = self._site
            for thread in self._threads.values():
                thread.close()
            if site is not None:
                site.close()
            self._reset()

    def forget_in_child(self) -> None:
        """In a forked child: it has no site, and nothing that runs, until it starts something itself."""
        self._reset()
        for player in _alive(self._players):
            player.forget_in_child()
        for screen in _alive(self._screens):
            screen.forget_in_child()

    def _gather(self) -> None:
        self._applier.call_later(GATHERED_S, self._apply_scheduled)

    def _apply_scheduled(self) -> None:
        self._scheduled = False
        with self._applying:
            self._apply()

    def _apply(self) -> bool:
        if not self._dirty:
            return True
        # In this order: who sees neither has nothing to wait for.
        self._in_apply = True
        self._dirty = False
        try:
            self._apply_now()
        except (BrokenError, OSError) as error:
            self._tell_delay(error)
            self._retry()
            return False
        except ClosedError as error:
            _log.error("what was changed can't be applied: %s", error)
        except Exception:
            # Not one for whoever waits: another change may be applied.
            _log.exception("what was changed can't be applied")
        except BaseException:
            # Ctrl-C: the next one applies it.
            self._dirty = True
            raise
        finally:
            self._in_apply = False
        self._delay = ""
        return True

    def _tell_delay(self, error: Exception) -> None:
        if str(error) != self._delay:
            self._delay = str(error)
            # What the system does not grant now, nobody else tells.
            usual = isinstance(error, BrokenError | TimeoutError)
            _log.log(logging.INFO if usual else logging.ERROR, "what was changed is applied later: %s", error)

    def _retry(self) -> None:
        self._dirty = True
        self._applier.call(lambda: self._later(RETRY_S))

    def _later(self, delay_s: float) -> None:
        if not self._scheduled:
            self._scheduled = True
            self._applier.call_later(delay_s, self._apply_scheduled)

    def _apply_now(self) -> None:
        connections = self._connections()
        if self._site is None and not connections:
            return
        plan = make_plan(sorted(connections, key=lambda it: it.id), self._applied)
        self._tell_problems(plan)
        self._telling.follow(plan.sights, lambda node, hear: self.site.observe(node, hear))
        self._applier.call(lambda: self._statuses.plan(plan))
        spec = plan.graph.spec
        if spec != self._applied:
            self.site.apply(plan.graph)
            self._applied = spec
        self._attach(plan)
        for screen in _alive(self._screens):
            screen.show(plan.routes.get(screen.label, {}))

    def _connections(self) -> list[Connection]:
        return [it for player in _alive(self._players) for it in player.playing()]

    def _attach(self, plan: Plan) -> None:
        kept = {node: woken for node, woken in self._attached.items() if node in plan.graph.names}
        for node, woken in plan.descriptors.items():
            if kept.get(node) != woken:
                try:
                    self.site.attach(node, *(it.getFd() for it in woken))
                except OSError as error:
                    _log.error("a descriptor can't be attached to ring node %s: %s", node, error)
                kept[node] = woken
        self._attached = kept

    def _tell_problems(self, plan: Plan) -> None:
        for problem in plan.problems:
            if problem not in self._told:
                _log.error("%s", problem)
        self._told = plan.problems

    def _on_status(self, status: StreamStatus) -> None:
        """Hand on; in the site's thread, or that of `apply`."""
        self.finally_call(lambda: self._statuses.hear(status))


def _alive(things: "WeakValueDictionary[str, T]") -> list[T]:
    """Return those that live; other threads may add some meanwhile."""
    return [it for it in (reference() for reference in things.valuerefs()) if it is not None]


runtime = Runtime()
changed = runtime.changed
settle = runtime.settle

atexit.register(runtime.end)
os.register_at_fork(after_in_child=runtime.forget_in_child)
