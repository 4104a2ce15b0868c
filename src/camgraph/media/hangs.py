"""Finding the thread that does not come back from a call: into FFmpeg, or into the file system below it."""

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Protocol, TypeVar

LOOK_EVERY_S = 1.0
HUNG_LOOKS = 5
"""What was found at the same point by so many further looks hangs."""

_asking_names: set[int] = set()


@contextmanager
def name_look_up() -> Iterator[None]:
    """Around a name look-up: a name server may let this thread wait, however long, and hangs nothing else."""
    me = threading.get_ident()
    _asking_names.add(me)
    try:
        yield
    finally:
        _asking_names.discard(me)


def looks_up_name(thread: threading.Thread) -> bool:
    """Tell whether a thread is in a name look-up."""
    return thread.ident in _asking_names


class Watched(Protocol):
    """What works in a thread of its own."""

    @property
    def progress(self) -> int | None:
        """Changes whenever the thread gets on; None: it may wait, for packets or for a name server."""
        ...


T = TypeVar("T", bound=Watched)


class HangWatch:
    """Looks at threads, `LOOK_EVERY_S` apart; looks count, not time: a stop is no hang."""

    def __init__(self) -> None:
        self._seen: dict[Watched, tuple[int, int]] = {}

    def look(self, watched: Iterable[T]) -> T | None:
        """Look at all that run; return one that hangs, if any."""
        seen: dict[Watched, tuple[int, int]] = {}
        hung = None
        for one in watched:
            progress = one.progress
            if progress is None:
                continue
            before, looks = self._seen.get(one, (None, 0))
            looks = looks + 1 if progress == before else 0
            seen[one] = (progress, looks)
            if looks >= HUNG_LOOKS:
                hung = one
        self._seen = seen
        return hung
