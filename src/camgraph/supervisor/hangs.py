"""Which streams hung their media process again and again, and are kept apart from others. No clock."""

from collections.abc import Mapping

from camgraph.graph.nodes import Source
from camgraph.graph.spec import same_source

TWICE_WITHIN_NS = 60_000_000_000


class Hangs:
    """Remembers each stream's last hang; who hangs twice within a minute is `apart`, until declared anew."""

    def __init__(self) -> None:
        self._last_ns: dict[str, int] = {}
        self._apart: dict[str, Source] = {}

    def note(self, source: Source, now_ns: int) -> bool:
        """Count a hang of this source's stream; tell whether it is to be kept apart from now on."""
        before_ns = self._last_ns.get(source.id)
        self._last_ns[source.id] = now_ns
        if before_ns is None or now_ns - before_ns > TWICE_WITHIN_NS or source.id in self._apart:
            return False
        self._apart[source.id] = source
        return True

    def is_apart(self, stream: str) -> bool:
        """Tell whether no other stream is to run in the process of this one."""
        return stream in self._apart

    def keep_only(self, sources: Mapping[str, Source]) -> None:
        """Forget the streams that are no more, and those that come from elsewhere now."""
        self._last_ns = {name: ns for name, ns in self._last_ns.items() if name in sources}
        self._apart = {
            name: source
            for name, source in self._apart.items()
            if name in sources and same_source(sources[name], source)
        }
