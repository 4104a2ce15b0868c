"""What a process has done, added up over the lives of its back end."""

from dataclasses import dataclass

from camgraph.process.wire import REPORT


@dataclass(frozen=True)
class ProcessStatistics:
    """What a process has done, in all its lives, by its last report: once a second, and at its end."""

    frames: int
    """Frames handed to `on_frame`."""
    messages: int
    """Messages that were sent, or wait to be."""
    lost: int
    """Messages that were dropped: the front end did not keep up, or a `messages` iterator did not."""
    calls_lost: int
    """Calls made for a back end that has ended, and not known to be served: at most so many are lost."""
    restarts: int
    """How often it was started again."""


class Tally:
    """Counts at the front end; belongs to the thread that serves it."""

    def __init__(self) -> None:
        self.received = 0
        """Messages that have arrived."""
        self.unread_lost = 0
        """Messages that an iterator had no room for."""
        self.restarts = 0
        self._frames = self._messages = self._lost = self._calls_lost = 0
        self.report = (0, 0, 0, 0)
        """The last one of this life: frames, messages, lost messages, calls served."""

    def take(self, report: bytes) -> bool:
        """Take in what the back end says of its life until now; tell whether it has lost its first message.

        struct.error for what is no report.
        """
        frames, messages, lost, served = REPORT.unpack(report)
        is_first = lost > 0 and self._lost + self.report[2] == 0
        self.report = (frames, messages, lost, served)
        return is_first

    def conclude(self, calls: int) -> None:
        """Its life is over, and it was sent so many calls, or they waited for it."""
        frames, messages, lost, served = self.report
        self._frames += frames
        self._messages = max(self._messages + messages, self.received)
        self._lost += lost
        self._calls_lost += max(0, calls - served)
        self.report = (0, 0, 0, 0)

    def statistics(self) -> ProcessStatistics:
        """Return the sums."""
        frames, messages, lost, _ = self.report
        return ProcessStatistics(
            frames=self._frames + frames,
            messages=max(self._messages + messages, self.received),
            lost=self._lost + lost + self.unread_lost,
            calls_lost=self._calls_lost,
            restarts=self.restarts,
        )
