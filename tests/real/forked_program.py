"""The programs of `test_forked_processes.py`: ``python forked_program.py wait | handlers | qt``."""

import atexit
import os
import queue
import signal
import sys
import threading
from typing import Any

import camgraph as cg


class Child(cg.MessageProcess):
    start_method = "fork"
    told = cg.message(value=object)

    def __init__(self, question: Any = None) -> None:
        self.question = question

    @cg.backend
    def ask(self) -> None:
        self.told.emit(value=self.question() if self.question else os.getpid())

    @cg.backend
    def hang(self) -> None:
        while True:
            pass

    @cg.backend
    def stop(self) -> None:
        os.kill(os.getpid(), signal.SIGSTOP)


class Executed(cg.MessageProcess):
    told = cg.message(value=object)

    @cg.backend
    def ask(self) -> None:
        self.told.emit(value=os.getpid())


def start() -> cg.Site:
    graph = cg.Graph()
    graph.rtsp("door", "rtsp://127.0.0.1:9/1")
    return graph.start()


def answer_of(front: Any) -> Any:
    told: queue.SimpleQueue[Any] = queue.SimpleQueue()
    front.told.connect(lambda value: told.put(value))
    front.ask()
    return told.get(timeout=10)


def wait() -> None:
    """Fork idle, hanging and stopped processes, and print the pids of all that must end with this one."""
    site = start()
    executed = site.spawn(Executed)
    fronts = [site.spawn(Child) for _ in range(4)]
    pids = [site.supervisor_pid, answer_of(executed), *map(answer_of, fronts)]
    fronts[0].hang()
    fronts[1].stop()
    print(*pids, flush=True)
    threading.Event().wait()


def handlers() -> None:
    """Have handlers of all kinds that a copy must not run."""
    print("before")  # Waits in the buffer when it forks.
    atexit.register(print, "at exit of the program")
    signal.signal(signal.SIGUSR1, lambda *_: print("a signal's handler of the program", flush=True))
    signal.set_wakeup_fd(os.open(os.devnull, os.O_WRONLY | os.O_NONBLOCK), warn_on_full_buffer=False)
    with start() as site:
        front = site.spawn(Child, sys.stdin.read)
        print("told", repr(answer_of(front)))
        front.close()
        front = site.spawn(Child, lambda: signal.getsignal(signal.SIGUSR1) is signal.SIG_DFL and 12)
        print("told", answer_of(front))
        front.close()
        print(front.exit)


def qt() -> None:
    """Fork with widgets alive; collect garbage and end in the copy, with the window still there."""
    from qtpy.QtCore import QTimer
    from qtpy.QtWidgets import QApplication, QLabel, QPushButton, QWidget

    from camgraph.qt import signals

    app = QApplication([])
    windows: list[QWidget] = []
    for _ in range(3):
        window = QWidget()
        QPushButton("press", window)
        QLabel("label", window)
        window.destroyed.connect(lambda: None)
        window.show()
        windows.append(window)
    site = start()
    left = 3

    def question() -> str:
        import gc

        cycle: list[Any] = [QWidget]
        cycle.append(cycle)
        del cycle
        gc.collect()
        return f"door {len(windows) + 4}"

    def fork() -> None:
        front = site.spawn(Child, question)
        signals(front).told.connect(lambda value: (print(value, flush=True), front.close()))
        signals(front).exited.connect(ended)
        front.ask()

    def ended(how: str) -> None:
        nonlocal left
        print(how, flush=True)
        left -= 1
        fork() if left else app.quit()

    QTimer.singleShot(0, fork)
    app.exec()
    site.close()
    print("closed")


if __name__ == "__main__":
    {"wait": wait, "handlers": handlers, "qt": qt}[sys.argv[1]]()
