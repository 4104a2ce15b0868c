"""The program of `test_qt.py`: one thread hears the messages of four processes, buttons send some.

It says what it hears, line by line; commands on stdin click: a process's number, or ``close``.
"""

import os
import sys
from typing import Any, ClassVar

from qtpy import QtCore, QtWidgets

from valkka.api2.multiprocess import ValkkaProcess, safe_select
from valkka.multiprocess import MessageObject, MessageProcess

Signal: Any = QtCore.Signal


class Signalling(ValkkaProcess):
    incoming_signal_defs: ClassVar = {"ping_": {"number": int}, "stop_": []}
    outgoing_signal_defs: ClassVar = {"pong": {"number": int, "pid": int}}

    class Signals(QtCore.QObject):
        pong = Signal(object)

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.signals = self.Signals()
        self.number = 0

    def cycle_(self) -> None:
        self.signal_in.wait(0.1)

    def ping_(self, number: int) -> None:
        self.sendSignal_(name="pong", number=number, pid=os.getpid())

    def ping(self) -> None:
        self.number += 1
        self.sendSignal(name="ping_", number=self.number)

    def pong(self, number: int, pid: int) -> None:
        self.signals.pong.emit([self.name, number, pid])


class Messaging(MessageProcess):
    class Signals(QtCore.QObject):
        pong = Signal(object)

    def __init__(self) -> None:
        super().__init__("messaging")
        self.signals = self.Signals()

    def c__ping(self, lis: Any = ()) -> None:
        self.send_out__({"name": "pong", "pid": os.getpid()})

    def ping(self) -> None:
        self.sendMessageToBack(MessageObject("ping"))

    def handleSignal(self, message: dict[str, Any]) -> None:
        self.signals.pong.emit(["messaging", 0, message["pid"]])


class ListeningThread(QtCore.QThread):
    def __init__(self, processes: list[Any]) -> None:
        super().__init__()
        self.process_by_pipe = {process.getPipe(): process for process in processes}
        self.loop = True

    def run(self) -> None:
        pipes = list(self.process_by_pipe)
        while self.loop:
            reads, _, _ = safe_select(pipes, [], [], timeout=0.2)
            for pipe in reads:
                message = pipe.recv()
                process = self.process_by_pipe[pipe]
                if message is None:
                    print("none from", process.name, flush=True)
                    pipes.remove(pipe)
                else:
                    process.handleSignal(message)

    def stop(self) -> None:
        self.loop = False
        self.wait()


class Window(QtWidgets.QMainWindow):
    def __init__(self, processes: list[Any], thread: ListeningThread) -> None:
        super().__init__()
        self.processes, self.thread_ = processes, thread
        box = QtWidgets.QWidget()
        layout = QtWidgets.QVBoxLayout(box)
        self.buttons = []
        for process in processes:
            button = QtWidgets.QPushButton(process.name)
            button.clicked.connect(process.ping)
            process.signals.pong.connect(lambda what: print("pong", *what, flush=True))
            layout.addWidget(button)
            self.buttons.append(button)
        self.setCentralWidget(box)
        self.notifier = QtCore.QSocketNotifier(0, QtCore.QSocketNotifier.Type.Read)
        self.notifier.activated.connect(self.command)

    def command(self) -> None:
        for word in os.read(0, 1000).decode().split():
            if word == "close":
                self.close()
            else:
                self.buttons[int(word)].click()

    def closeEvent(self, event: Any) -> None:
        self.notifier.setEnabled(False)
        for process in self.processes:
            process.stop()
        self.thread_.stop()
        super().closeEvent(event)


def main() -> int:
    processes = [*(Signalling(f"signalling-{number}") for number in range(3)), Messaging()]
    for process in processes:
        process.start()
    app = QtWidgets.QApplication([])
    thread = ListeningThread(processes)
    thread.start()
    window = Window(processes, thread)
    window.show()
    print("pids", *(process.pid for process in processes), flush=True)
    return int(app.exec())


if __name__ == "__main__":
    sys.exit(main())
