"""Events that tell clients of rings in other processes of frames."""

from camgraph.base.event import Event

__all__ = ["EventFd"]


class EventFd(Event):
    """An event to be made before the processes that share it are forked; closed when collected."""

    def getFd(self) -> int:
        """Return the descriptor, which stays this object's; readable while the event is set."""
        return self.fileno()
