"""What calls an instance back: timers, from any thread, and its own descriptors."""

import functools
import time
from collections.abc import Callable

from camgraph.base.loop import HasFileno, Loop, Timer
from camgraph.process.handler import Handler


class Later:
    """A callback that is due later; made and cancelled in any thread, it runs in that of the loop."""

    def __init__(self, loop: Loop, due_ns: int, run: Callable[[], object]) -> None:
        self._loop = loop
        self._due_ns = due_ns
        self._run: Callable[[], object] | None = run
        self._timer: Timer | None = None
        # In the loop's thread too: whoever runs the loop may be waiting for what was due until now.
        loop.call_soon_threadsafe(self._start)

    def cancel(self) -> None:
        """Forget it; cancelling twice, or after it ran, does nothing."""
        self._run = None
        if self._timer is not None:
            self._timer.cancel()

    def _start(self) -> None:
        if self._run is not None:
            self._timer = self._loop.call_at(self._due_ns, self._call)

    def _call(self) -> None:
        run, self._run = self._run, None
        if run is not None:
            run()


class Repeating:
    """Calls back every so many seconds, in step with the clock; turns that were missed are left out."""

    def __init__(self, seconds: float, callback: Callable[[], object], callbacks: "Callbacks") -> None:
        self._period_ns = int(seconds * 1e9)
        if self._period_ns <= 0:
            raise ValueError(f"every() takes seconds, more than 0, not {seconds!r}")
        self._callback = callback
        self._callbacks = callbacks
        self._cancelled = False
        self._due_ns = time.monotonic_ns() + self._period_ns
        self._later = callbacks.call_at(self._due_ns, self._turn)

    def cancel(self) -> None:
        """Forget it; cancelling twice does nothing."""
        self._cancelled = True
        self._later.cancel()

    def _turn(self) -> None:
        if self._callbacks.call(self._callback, self._go_on):
            self._go_on()

    def _go_on(self) -> None:
        if not self._cancelled:
            late_ns = time.monotonic_ns() - self._due_ns
            self._due_ns += self._period_ns * (1 + max(0, late_ns // self._period_ns))
            self._later = self._callbacks.call_at(self._due_ns, self._turn)


class Callbacks:
    """The timers and descriptors of an instance.

    `run` runs a handler; False: it goes on in a task, whose end it tells by the handler's `on_done`.
    """

    def __init__(self, loop: Loop, run: Callable[[Handler], bool]) -> None:
        self.deadline_s: float | None = None
        """Of each of them."""
        self._loop = loop
        self._run = run
        self._ended = False
        self._readers: dict[int, _Reader] = {}

    def call_at(self, due_ns: int, run: Callable[[], object]) -> Later:
        """Run what calls back, at a time of `time.monotonic_ns`."""
        return Later(self._loop, due_ns, run)

    def call_later(self, seconds: float, callback: Callable[[], object]) -> Later:
        """Call back once; from any thread."""
        due_ns = time.monotonic_ns() + int(seconds * 1e9)
        return self.call_at(due_ns, lambda: self.call(callback))

    def every(self, seconds: float, callback: Callable[[], object]) -> Repeating:
        """Call back again and again, the next time when it is done; from any thread."""
        return Repeating(seconds, callback, self)

    def add_reader(self, file: HasFileno | int, callback: Callable[[], object]) -> None:
        """Call back while a descriptor is readable, again when it is done. In the thread of the loop."""
        number = file if isinstance(file, int) else file.fileno()
        reader = self._readers[number] = _Reader(file, callback)
        self._loop.remove(number)
        self._loop.add(number, lambda: self._read(number, reader))

    def remove_reader(self, file: HasFileno | int) -> None:
        """Watch it no longer, even if it is closed by now; likewise."""
        # By itself first: what is closed has no number any more, and its number may be another's.
        numbers = (number for number, reader in self._readers.items() if reader.file is file)
        number = next(numbers, None)
        if number is None:
            number = _number_of(file)
        if self._readers.pop(number, None) is not None:
            self._loop.remove(number)

    def end(self) -> None:
        """Call back no more."""
        self._ended = True
        for number in self._readers:
            self._loop.remove(number)
        self._readers.clear()

    def call(self, callback: Callable[[], object], on_done: Callable[[], None] | None = None) -> bool:
        """Call back now. False: it goes on, and `on_done` is called when it is done."""
        if self._ended:
            return True
        return self._run(Handler(_name_of(callback), callback, self.deadline_s, on_done=on_done))

    def _read(self, number: int, reader: "_Reader") -> None:
        is_done = self.call(reader.callback, lambda: self._read_again(number, reader))
        if not is_done and self._readers.get(number) is reader:
            self._loop.remove(number)

    def _read_again(self, number: int, reader: "_Reader") -> None:
        if self._readers.get(number) is reader:
            self._loop.add(number, lambda: self._read(number, reader))


class _Reader:
    def __init__(self, file: HasFileno | int, callback: Callable[[], object]) -> None:
        self.file = file
        self.callback = callback


def _number_of(file: HasFileno | int) -> int:
    try:
        return file if isinstance(file, int) else file.fileno()
    except (OSError, ValueError):
        return -1


def _name_of(callback: Callable[[], object]) -> str:
    while isinstance(callback, functools.partial):
        callback = callback.func
    return str(getattr(callback, "__name__", type(callback).__name__))
