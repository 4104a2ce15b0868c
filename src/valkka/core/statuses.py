"""What became of the connections: told in the log, and to filters that print set-up frames."""

import logging
from collections.abc import Callable, Mapping

from camgraph.control.messages import HAS_PICTURES, StreamStatus
from valkka.core.plan import Plan, Sight

_log = logging.getLogger("valkka.livethread")

_QUIET = frozenset({"", "closed", "removed", "site_closed"})
"""Reasons that the program knows itself."""


class Statuses:
    """Hears of each change, and of each plan, in one thread; `on_setup` hands on to who prints.

    `on_end` gets the source whose stream has ended.
    """

    def __init__(self, on_setup: Callable[[str, Sight], None], on_end: Callable[[str], None]) -> None:
        self._on_setup, self._on_end = on_setup, on_end
        self._where: Mapping[str, str] = {}
        self._setups: Mapping[str, list[Sight]] = {}
        self._complaints: dict[str, str] = {}
        """The reasons that were told last; each attempt to connect again may fail for the same one."""
        self._live: dict[str, str] = {}
        """The codecs of the connections that have a stream."""
        self._told: set[tuple[str, str]] = set()
        """Which connection's stream each filter was told of."""

    def plan(self, plan: Plan) -> None:
        """Take up what runs now."""
        self._where, self._setups = plan.where, plan.setups
        for source in {*self._complaints, *self._live} - set(plan.where):
            self._complaints.pop(source, None)
            self._end(source)
        for source, codec in list(self._live.items()):
            self._tell_setups(source, codec)

    def hear(self, status: StreamStatus) -> None:
        """Hear of a stream's state; those that filters make are of no account."""
        where = self._where.get(status.stream)
        if where is None:
            return
        if status.state not in HAS_PICTURES:
            self._end(status.stream)
            if status.reason not in {*_QUIET, self._complaints.get(status.stream)}:
                self._complaints[status.stream] = status.reason
                _log.warning("%s: %s", where, status.sentence)
        elif status.stream not in self._live:
            self._complaints.pop(status.stream, None)
            _log.info("%s: live, %s", where, status.codec)
            self._live[status.stream] = status.codec
            self._tell_setups(status.stream, status.codec)

    def _end(self, source: str) -> None:
        if self._live.pop(source, None) is not None:
            self._on_end(source)
        self._told = {told for told in self._told if told[0] != source}

    def _tell_setups(self, source: str, codec: str) -> None:
        for sight in self._setups.get(source, ()):
            told = (source, sight.node)
            if told not in self._told:
                self._told.add(told)
                self._on_setup(codec, sight)
