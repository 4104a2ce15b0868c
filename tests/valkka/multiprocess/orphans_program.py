"""The program of `test_forks.py`: starts processes, says their pids, waits: ``orphans_program.py spawn``.

With ``fails`` it fails instead of waiting; with that, or ``interrupted``, two of the processes do not hang.
"""

import multiprocessing
import os
import signal
import sys
import threading
import time
from typing import Any, ClassVar

from valkka.api2.multiprocess import ValkkaProcess
from valkka.multiprocess import AsyncBackMessageProcess, MessageObject, MessageProcess

INHERITED = threading.Lock()


class Plain(MessageProcess):
    def preRun__(self) -> None:
        self.send_out__((os.getpid(), INHERITED.locked()))

    def c__hang(self) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        while True:
            time.sleep(10)


class Asynchronous(AsyncBackMessageProcess):
    async def asyncPre__(self) -> None:
        await self.send_out__((os.getpid(), INHERITED.locked()))


class Signalling(ValkkaProcess):
    outgoing_signal_defs: ClassVar = {"begun": {"pid": int}}

    def preRun_(self) -> None:
        self.sendSignal_(name="begun", pid=os.getpid())


def main() -> None:
    multiprocessing.set_start_method(sys.argv[1])
    with INHERITED:
        processes: list[Any] = [Plain(), Signalling("signalling"), Asynchronous(), Plain(), Plain()]
        for process in processes:
            process.start()
    first = [process.getPipe().recv() for process in processes]
    if not sys.argv[2:]:
        processes[3].sendMessageToBack(MessageObject("hang"))
        os.kill(processes[4].pid, signal.SIGSTOP)
    print(*(told["pid"] if isinstance(told, dict) else told[0] for told in first), flush=True)
    print({told[1] for told in first if isinstance(told, tuple)}, flush=True)
    if sys.argv[2:] == ["fails"]:
        raise RuntimeError("on purpose")
    sys.stdin.read()


if __name__ == "__main__":
    main()
