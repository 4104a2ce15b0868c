"""Windows by their id: any stream, drawn into any window of an X display, whatever toolkit it belongs to."""

from camgraph.present.screen import Screen
from camgraph.present.wishes import WindowStatistics

__all__ = ["Screen", "WindowStatistics"]
