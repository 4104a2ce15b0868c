"""A run: ``python -m benchmarks.messages.program <transport> <processes> <phase,…> <window in s>``.

The phases are ``live``, ``trips``, ``flood`` and ``chatter``; those that last share the window. Prints what
was measured as one line of JSON. Nothing is imported before `main`: processes that multiprocessing spawns
import this module again, and must not load Qt for it.
"""

import importlib
import json
import os
import sys
from collections.abc import Sequence
from contextlib import closing


def main(name: str, processes: int, asked: Sequence[str], window_s: float) -> None:
    """Measure a transport with so many processes."""
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    os.environ.setdefault("QT_API", "pyside6")
    from qtpy.QtWidgets import QApplication

    from benchmarks.messages import phases
    from benchmarks.messages.hall import Hall

    app = QApplication([])
    hall = Hall()
    transport = importlib.import_module(f"benchmarks.messages.transports.{name}").OpenTransport
    measured = [phases.live(transport, hall)] if "live" in asked else []
    lasting = [phases.LASTING[phase] for phase in asked if phase != "live"]
    with closing(transport()) as opened:
        backs = phases.gather(opened, hall, processes)
        measured += [phase(hall, backs, window_s / len(lasting)) for phase in lasting]
    del app
    values = {name: value for each in measured for name, value in each.items()}
    values["other_cores"] = max(each.get("other_cores", 0.0) for each in measured)
    print(json.dumps(values))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3].split(","), float(sys.argv[4]))
