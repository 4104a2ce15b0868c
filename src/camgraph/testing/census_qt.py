"""Which windows and threads of Qt there are, where the program under test uses Qt at all.

Works on whichever binding is loaded already, and loads none.
"""

import sys
import traceback
from typing import Any
from weakref import WeakKeyDictionary

from camgraph.testing.census_threads import formatted, stack_of


def _loaded(module: str) -> Any:
    for binding in ("PySide6", "PyQt6"):
        if (found := sys.modules.get(f"{binding}.{module}")) is not None:
            return found
    return None


def application_exists() -> bool:
    """Tell whether there is a QApplication."""
    widgets = _loaded("QtWidgets")
    return widgets is not None and widgets.QApplication.instance() is not None


class Widgets:
    """The top-level widgets, keyed by (identity, class)."""

    kind = "widget"

    def take(self) -> set[tuple[int, str]]:
        """Return the widgets there are, after those have gone that are only waiting for the event loop."""
        if not application_exists():
            return set()
        widgets, core = _loaded("QtWidgets"), _loaded("QtCore")
        core.QCoreApplication.sendPostedEvents(None, core.QEvent.Type.DeferredDelete.value)
        return {(id(widget), type(widget).__qualname__) for widget in widgets.QApplication.topLevelWidgets()}

    def describe(self, key: tuple[int, str]) -> str:
        """Return the class, names and state of a widget."""
        widget = self._find(key)
        if widget is None:
            return f"{key[1]} (gone by now)"
        shown = "visible" if widget.isVisible() else "hidden"
        return f"{key[1]} {widget.objectName()!r}, title {widget.windowTitle()!r}, {shown}"

    def remove(self, key: tuple[int, str]) -> None:
        """Close and delete a widget."""
        if (widget := self._find(key)) is not None:
            widget.close()
            widget.deleteLater()
            del widget
            self.take()

    def _find(self, key: tuple[int, str]) -> Any:
        widgets = _loaded("QtWidgets")
        found = (widget for widget in widgets.QApplication.topLevelWidgets() if id(widget) == key[0])
        return next(found, None)


class QThreads:
    """The running QThreads that Python started, keyed by (identity, class).

    They are counted as threads of this process too; this tells which, and where they were started.
    """

    kind = "QThread"

    def __init__(self) -> None:
        self._starts: WeakKeyDictionary[Any, traceback.StackSummary] = WeakKeyDictionary()
        self._class: Any = None
        self._start: Any = None

    def close(self) -> None:
        """Stop noting where threads are started."""
        if self._class is not None:
            self._class.start = self._start

    def take(self) -> set[tuple[int, str]]:
        """Return the threads that run."""
        self._note_starts()
        return {(id(thread), type(thread).__qualname__) for thread in list(self._starts) if _runs(thread)}

    def describe(self, key: tuple[int, str]) -> str:
        """Return the class and name of a thread, and where it was started."""
        for thread, stack in list(self._starts.items()):
            if id(thread) == key[0] and _runs(thread):
                return f"{key[1]} {thread.objectName()!r}\nstarted at\n{formatted(stack)}"
        return f"{key[1]} (ended by now)"

    def remove(self, key: tuple[int, str]) -> None:
        """Ask a thread's event loop to end, and wait a moment."""
        for thread in list(self._starts):
            if id(thread) == key[0] and _runs(thread):
                thread.quit()
                thread.wait(1000)

    def _note_starts(self) -> None:
        core = _loaded("QtCore")
        if core is None or self._class is not None:
            return
        self._class, self._start = core.QThread, core.QThread.start
        starts, start = self._starts, self._start

        def start_noted(thread: Any, *arguments: Any) -> None:
            starts[thread] = stack_of(sys._getframe(1))
            start(thread, *arguments)

        core.QThread.start = start_noted


def _runs(thread: Any) -> bool:
    try:
        return bool(thread.isRunning())
    except RuntimeError:  # its C++ object is deleted
        return False
