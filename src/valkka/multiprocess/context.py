"""A main program around processes and threads."""

import logging
import threading
from typing import Any

from valkka.multiprocess.pipes import private_pipe
from valkka.multiprocess.process import format_logger


class MainContext:
    """Subclass it: processes are started first, then threads; calling it runs the main loop."""

    end_within_s = 10.0

    @classmethod
    def formatLogger(cls, level: int = logging.INFO) -> None:
        """Have the logger of this class write to stderr, from `level` on."""
        format_logger(cls.__name__, level)

    def __init__(self) -> None:
        self.logger = logging.getLogger(self.__class__.__name__)
        self.aux_pipe_read, self.aux_pipe_write = private_pipe()
        self.thread: threading.Thread | None = None
        self.startProcesses()
        self.startThreads()

    def setDebug(self) -> None:
        """Show everything that it logs."""
        self.formatLogger(logging.DEBUG)

    def startProcesses(self) -> None:
        """Override: start the processes."""
        raise NotImplementedError("startProcesses is to be overridden")

    def startThreads(self) -> None:
        """Override: start the threads, after all processes."""
        raise NotImplementedError("startThreads is to be overridden")

    def __call__(self) -> Any:
        """Override: the main loop; it ends when `aux_pipe_read` can be read."""
        raise NotImplementedError("__call__ is to be overridden: it is the main loop")

    def close(self) -> None:
        """Override to stop processes and threads; closes the pipe, too."""
        self.stopThread()
        self.aux_pipe_read.close()
        self.aux_pipe_write.close()

    def runAsThread(self) -> None:
        """Run the main loop in a thread."""
        self.thread = threading.Thread(target=self, name=self.__class__.__name__)
        self.thread.start()

    def stopThread(self) -> None:
        """Send None through the pipe, and wait for the end of the thread; says so when it doesn't end."""
        if self.thread is None:
            return
        self.aux_pipe_write.send(None)
        self.thread.join(self.end_within_s)
        if self.thread.is_alive():
            self.logger.error("the main loop does not end within %g s", self.end_within_s)
        self.thread = None
