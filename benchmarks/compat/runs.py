"""One run: one of the programs, with windows on an X server of its own."""

import sys
import time
from contextlib import closing

from benchmarks.harness.asking import AskedProcess, wait_until
from benchmarks.harness.machine import Meter, tree_of
from benchmarks.harness.rounds import Run, RunFailed
from benchmarks.harness.xserver import xserver
from benchmarks.present.windows import Layout, windows
from camgraph.testing.cameras import Cameras

_FIRST_FRAMES_S = 60.0
_SETTLED_S = 1.0


def run_program(module: str, cameras: Cameras, layout: Layout, window_s: float) -> Run:
    """Measure a program that shows as many of the cameras as there are windows.

    Values: `cores` of all processes and the X server, `program_cores` of the program itself; the number of
    `rings`; of the counts what was added in `seconds`: `received`, `decoded`, `converted`, and pictures or
    boxes published as `bgra`, `rgb24` and `fmp4`.
    """
    with xserver(size_px=layout.screen_px) as x, windows(x, layout) as ids:
        command = [sys.executable, "-m", module, ",".join(map(str, ids)), *cameras.urls]
        with closing(AskedProcess(command, environment=x.environment)) as process:

            def runs() -> bool:
                counts = process.ask()
                return bool(counts["read"] and counts["bgra"])

            wait_until(_FIRST_FRAMES_S, "frames in all rings", runs)
            time.sleep(_SETTLED_S)
            before = process.ask()
            meter = Meter([*tree_of(process.pid), x.pid], [cameras.pid])
            own = Meter([process.pid])
            time.sleep(window_s)
            try:
                usage, own_usage = meter.stop(), own.stop()
            except ProcessLookupError as error:
                raise RunFailed(str(error)) from None
            after = process.ask()
    values = {name: float(count - before[name]) for name, count in after.items()}
    values |= {"rings": after["rings"], "seconds": usage.wall_s, "cores": usage.cpu_s / usage.wall_s}
    return Run(values | {"program_cores": own_usage.cpu_s / own_usage.wall_s}, usage.other_cores)
