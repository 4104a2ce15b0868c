"""A supervising process whose children come to grief: ``python -m tests.faults.oom_program END…``.

An END is ``eats`` (memory, until it is killed) or ``killed`` (by hand). One child after the other ends so;
for each, a line of JSON tells how it ended, and after how many seconds it would be started again.
"""

import json
import os
import signal
import subprocess
import sys
import time

from camgraph.base.loop import Loop
from camgraph.supervisor.child import Child

_EATS = """
eaten = []
while True:
    eaten.append(b"x" * (1 << 20))
"""
_WAITS = "import time; time.sleep(60)"


def main() -> None:
    loop = Loop()
    ends = sys.argv[1:]

    def launch() -> subprocess.Popen[bytes]:
        code = _EATS if ends[0] == "eats" else _WAITS
        return subprocess.Popen([sys.executable, "-I", "-S", "-c", code])

    def started(pid: int) -> None:
        if ends[0] == "killed":
            os.kill(pid, signal.SIGKILL)

    def exited(_pid: int, _returncode: int) -> None:
        delay_s = (child.life.next_start_ns - time.monotonic_ns()) / 1e9
        print(json.dumps([child.ended_how, max(delay_s, 0.0)]), flush=True)
        ends.pop(0)
        if not ends:
            child.stop(0.0)

    child = Child(
        loop,
        name="child",
        restart=True,
        launch=launch,
        on_started=started,
        on_exited=exited,
        on_not_started=lambda: sys.exit(child.ended_how),
    )
    child.begin()
    while child.life.state != "ended":
        loop.run_once(1.0)
    loop.close()


if __name__ == "__main__":
    main()
