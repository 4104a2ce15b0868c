"""The main program around processes and threads."""

import logging
from typing import Any

import pytest

from valkka.multiprocess import MainContext, safe_select


class Context(MainContext):
    def startProcesses(self) -> None:
        self.order = ["processes"]

    def startThreads(self) -> None:
        self.order.append("threads")

    def __call__(self) -> None:
        self.order.append("loop")
        while True:
            reads, _, _ = safe_select([self.aux_pipe_read], [], [])
            if reads:
                self.order.append(str(self.aux_pipe_read.recv()))
                return

    def close(self) -> None:
        self.order.append("close")
        super().close()


@pytest.mark.effect(
    "valkka.multiprocess.base.MainContext.{startProcesses,startThreads,close,__call__,runAsThread,stopThread}"
)
def test_processes_threads_loop_and_end() -> None:
    context = Context()
    assert context.order == ["processes", "threads"]
    context.runAsThread()
    assert context.thread is not None
    context.stopThread()
    context.close()
    assert context.order == ["processes", "threads", "loop", "None", "close"]
    assert context.aux_pipe_read.closed


@pytest.mark.effect("valkka.multiprocess.base.MainContext.{startProcesses,startThreads,__call__}")
def test_what_is_to_be_overridden() -> None:
    class WithoutThreads(MainContext):
        def startProcesses(self) -> None:
            pass

    class WithoutLoop(WithoutThreads):
        def startThreads(self) -> None:
            pass

    for kind, missing in ((MainContext, "startProcesses"), (WithoutThreads, "startThreads")):
        with pytest.raises(NotImplementedError, match=missing):
            kind()
    context = WithoutLoop()
    with pytest.raises(NotImplementedError, match="__call__"):
        context()
    context.close()


def test_a_loop_that_does_not_end_is_told(caplog: pytest.LogCaptureFixture) -> None:
    context = Context()
    context.end_within_s = 0.05
    context.runAsThread()
    thread: Any = context.thread
    real, context.aux_pipe_write = context.aux_pipe_write, context.aux_pipe_read
    context.stopThread()
    assert "does not end within 0.05 s" in caplog.text
    context.aux_pipe_write = real
    real.send(None)
    thread.join(5)
    context.close()


@pytest.mark.effect("valkka.multiprocess.base.MainContext.{formatLogger,setDebug}")
def test_its_logger(capfd: pytest.CaptureFixture[str]) -> None:
    Context.formatLogger()
    context = Context()
    context.logger.debug("too much")
    context.logger.info("enough")
    context.setDebug()
    context.logger.debug("everything")
    said = capfd.readouterr().err
    assert [word in said for word in ("too much", "enough", "everything")] == [False, True, True]
    assert said.count("enough") == 1
    logging.getLogger("Context").handlers.clear()
    context.close()
