"""What a program has attached to nodes, for this supervisor and those to come."""

import threading
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from typing import Any

from camgraph.base.descriptors import close_all, duplicate_all
from camgraph.base.errors import BrokenError
from camgraph.base.parking import close_in_children, no_fork
from camgraph.control.attachments import Attachments
from camgraph.control.messages import Attach

Send = Callable[[Attach, Sequence[int]], Any]


class Attaching:
    """Keeps copies of descriptors as long as their nodes are there. Thread-safe; closed in children."""

    def __init__(self) -> None:
        self._kept = Attachments()
        self._closed = False
        # What is told last is what is kept, whoever tells meanwhile.
        self._telling = threading.Lock()
        close_in_children(self)

    def attach(self, node: str, descriptors: Sequence[int], send: Send) -> None:
        """Copy and tell them; raise OSError if they can't be copied.

        A supervisor that is not there now hears of them when it is back.
        """
        with no_fork(), self._telling:
            copies = duplicate_all(descriptors)
            if self._closed:
                close_all(copies)
                return
            self._kept.put(node, copies)
            with suppress(BrokenError):
                send(Attach(node=node), copies)

    def tell_all(self, send: Send) -> None:
        """Tell another supervisor."""
        with self._telling:
            for node in self._kept.nodes:
                try:
                    send(Attach(node=node), self._kept.of(node))
                except BrokenError:
                    return  # It has died again.

    def keep_only(self, nodes: Collection[str]) -> None:
        """Release the copies of other nodes."""
        with self._telling:
            self._kept.keep_only(nodes)

    def close(self) -> None:
        """Release all copies; closing twice does nothing. Takes no lock: a child calls it, too."""
        self._closed = True
        self._kept.close()
