"""What nodes see and how streams begin, told to the objects of the program that asked."""

from collections.abc import Callable, Mapping

from camgraph.control.messages import NodeEvent
from valkka.core.dispatcher import Dispatcher
from valkka.core.plan import Sight

MOST_WAITING = 200
"""With so many callbacks waiting, single frames are told of no longer."""

Hear = Callable[[NodeEvent], None]


class Telling:
    """Tells in the dispatcher's thread; which `dispatcher` returns, and starts if there is none."""

    def __init__(self, dispatcher: Callable[[], Dispatcher]) -> None:
        self._dispatcher = dispatcher
        self._sights: Mapping[str, Sight] = {}
        self._observed: dict[str, Callable[[], None]] = {}
        self._set_up: set[str] = set()
        """The nodes that were told of their streams' set-up, or saw what tells it; of the dispatcher."""

    def follow(self, sights: Mapping[str, Sight], observe: Callable[[str, Hear], Callable[[], None]]) -> None:
        """Tell these from now on, and no others; `observe` as `Site.observe`."""
        self._sights = sights
        for node in set(self._observed) - set(sights):
            self._observed.pop(node)()
        if sights:
            # The site's thread is to find it.
            self._dispatcher()
        for node in set(sights) - set(self._observed):
            self._observed[node] = observe(node, self._on_event)

    def on_setup(self, codec: str, sight: Sight) -> None:
        """Tell that a stream begins."""
        self._dispatcher().call(lambda: self._tell_setup(codec, sight))

    def on_end(self, source: str) -> None:
        """Take note that a stream has ended: the next one begins anew."""
        if self._observed or self._set_up:
            self._dispatcher().call(lambda: self._forget_setups(source))

    def _on_event(self, event: NodeEvent) -> None:
        """Hand on; in the site's thread."""
        dispatcher = self._dispatcher()
        if event.kind != "seen" or dispatcher.waiting < MOST_WAITING:
            dispatcher.call(lambda: self._tell(event))

    def _tell(self, event: NodeEvent) -> None:
        # Who was disconnected, or stopped, meanwhile is told no more.
        sight = self._sights.get(event.node)
        if sight is not None:
            if sight.way.setups and sight.way.kind == "packets":
                # It comes first, whatever takes longer to be told.
                self._tell_setup(event.format, sight)
            sight.who.on_event(event, sight)

    def _tell_setup(self, codec: str, sight: Sight) -> None:
        if sight.node not in self._set_up:
            self._set_up.add(sight.node)
            sight.who.on_setup(codec, sight)

    def _forget_setups(self, source: str) -> None:
        sights = self._sights
        self._set_up = {it for it in self._set_up if it in sights and sights[it].way.source != source}
