"""Timers by their purpose: of those for the same, the last one counts."""

from collections.abc import Callable

from camgraph.process.declare import Timer


class Timers:
    """What is to be done later, once for each purpose and what it is done to."""

    def __init__(
        self, call_later: Callable[[float, Callable[[], object]], Timer], finish: Callable[[], None]
    ) -> None:
        """`finish` is called after whatever was to be done."""
        self._call_later, self._finish = call_later, finish
        self._set: dict[tuple[str, object], Timer] = {}

    def later(self, what: str, of: object, seconds: float, callback: Callable[[], object]) -> None:
        """Call back in so many seconds, instead of when it was to be before."""
        key = (what, of)
        before = self._set.get(key)
        if before is not None:
            before.cancel()
        self._set[key] = self._call_later(seconds, lambda: self._run(key, callback))

    def forget(self, of: object) -> None:
        """Do nothing more to this."""
        for key in [key for key in self._set if key[1] is of]:
            self._set.pop(key).cancel()

    def _run(self, key: tuple[str, object], callback: Callable[[], object]) -> None:
        del self._set[key]
        callback()
        self._finish()
