"""Who wants to hear what nodes see."""

import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from camgraph.base.errors import BrokenError
from camgraph.control.messages import Listen, NodeEvent

_log = logging.getLogger(__name__)

Observer = Callable[[NodeEvent], None]
Send = Callable[[Listen], Any]


class Observers:
    """Callbacks by node; the supervisor is told which nodes those are. Thread-safe."""

    def __init__(self) -> None:
        # What is told last is what is wanted, whoever tells meanwhile.
        self._lock = threading.Lock()
        self._by_node: dict[str, tuple[Observer, ...]] = {}
        self._abandoned = False

    def observe(self, node: str, callback: Observer, send: Send) -> Callable[[], None]:
        """Call back for each event of the node; return what ends that.

        A supervisor that is not there now hears of it when it is back.
        """
        with self._lock:
            before = self._by_node.get(node, ())
            self._by_node[node] = (*before, callback)
            if not before:
                self._tell(send)

        def forget() -> None:
            with self._lock:
                left = list(self._by_node.get(node, ()))
                if callback not in left:
                    return
                left.remove(callback)
                if left:
                    self._by_node[node] = tuple(left)
                else:
                    del self._by_node[node]
                    self._tell(send)

        return forget

    def tell_all(self, send: Send) -> None:
        """Tell another supervisor which nodes are observed, if any are."""
        with self._lock:
            if self._by_node:
                self._tell(send)

    def tell(self, event: NodeEvent) -> None:
        """Call back all who observe the event's node; what they raise is logged."""
        for callback in self._by_node.get(event.node, ()):
            try:
                callback(event)
            except (Exception, SystemExit):  # SystemExit would end the site's thread, and so the site.
                _log.exception("an observer of %r failed", event.node)

    def forget_in_child(self) -> None:
        """Forget all, in a forked child, and tell nobody: another thread may have held a lock."""
        self._lock = threading.Lock()
        self._by_node = {}
        self._abandoned = True

    def _tell(self, send: Send) -> None:
        if not self._abandoned:
            with suppress(BrokenError):
                send(Listen(nodes=frozenset(self._by_node)))
