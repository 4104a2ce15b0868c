"""Who wants to hear what nodes see."""

import logging
import threading
from collections.abc import Callable

from camgraph.control.messages import NodeEvent

_log = logging.getLogger(__name__)

Observer = Callable[[NodeEvent], None]


class Observers:
    """Callbacks by node. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._by_node: dict[str, tuple[Observer, ...]] = {}

    def observe(self, node: str, callback: Observer) -> Callable[[], None]:
        """Call back for each event of the node; return what ends that."""
        with self._lock:
            self._by_node[node] = (*self._by_node.get(node, ()), callback)

        def forget() -> None:
            with self._lock:
                left = list(self._by_node.pop(node, ()))
                if callback in left:
                    left.remove(callback)
                if left:
                    self._by_node[node] = tuple(left)

        return forget

    def tell(self, event: NodeEvent) -> None:
        """Call back all who observe the event's node; what they raise is logged."""
        for callback in self._by_node.get(event.node, ()):
            try:
                callback(event)
            except (Exception, SystemExit):  # SystemExit would end the site's thread, and so the site.
                _log.exception("an observer of %r failed", event.node)

    def forget_in_child(self) -> None:
        """Forget all, in a forked child: another thread may have held the lock."""
        self._lock = threading.Lock()
        self._by_node = {}
