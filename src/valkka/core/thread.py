"""What all threads of the documented API have in common. None of them is a thread of this process."""

from collections.abc import Iterable

from valkka.core.arguments import text, whole
from valkka.core.frame_filter import FrameFilter, new_label
from valkka.core.plan import Planner, Way
from valkka.core.runtime import changed, settle

__all__ = ["BlockingFifoFrameFilter", "FifoFrameFilter", "Thread"]


class Thread:
    """Something that is started and stopped. Calls that come late, or twice, do nothing."""

    def __init__(self, name: str) -> None:
        self._running = False
        self.name = text(type(self).__name__, "name", name)
        self.label = new_label(name)
        self._cpu = -1

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r}>"

    def setAffinity(self, core: int) -> None:
        """Have its work done by this processor (−1: by any); before it is started."""
        self._cpu = whole(f"{type(self).__name__}.setAffinity", "core", core)

    def startCall(self) -> None:
        """Start it."""
        if not self._running:
            self._start()
            self._running = True
            changed()

    def stopCall(self) -> None:
        """Stop it, and return when it has stopped."""
        self.requestStopCall()
        self.waitStopCall()

    def requestStopCall(self) -> None:
        """Begin to stop it."""
        if self._running:
            self._running = False
            self._stop()
            changed()

    def waitStopCall(self) -> None:
        """Return when it has stopped, or after a second or two: what callbacks do is not waited for."""
        settle()

    def waitReady(self) -> None:
        """Return when what was called before is done; at once, if nothing is to be done."""
        settle()

    def forget_in_child(self) -> None:
        """In a forked child: it does not run."""
        self._running = False

    def _start(self) -> None:
        """Raise if it can't be started."""

    def _stop(self) -> None:
        """Forget what ends with it."""


class FifoFrameFilter(FrameFilter):
    """The input of a thread."""

    def __init__(self, thread: "Receives") -> None:
        super().__init__(thread.name)
        self._thread = thread

    @property
    def label(self) -> str:
        """The thread's: what comes in by several inputs is one."""
        return self._thread.label

    def nexts(self) -> Iterable[FrameFilter]:
        """Return what is behind the thread."""
        return self._thread.nexts()

    def pass_on(self, way: Way, planner: Planner) -> Way | None:
        return self._thread.receive(way, planner)


class BlockingFifoFrameFilter(FifoFrameFilter):
    """The input of a thread, for sources that can wait."""


class Receives(Thread):
    """A thread with an input."""

    def getFrameFilter(self) -> FifoFrameFilter:
        """Return the input."""
        return FifoFrameFilter(self)

    def nexts(self) -> Iterable[FrameFilter]:
        """Return what its frames go on to."""
        return ()

    def receive(self, way: Way, planner: Planner) -> Way | None:
        """Tell the planner what is to be done with frames that come in."""
        raise NotImplementedError
