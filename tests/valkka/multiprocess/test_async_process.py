"""Processes whose back end is an asyncio loop."""

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from valkka.multiprocess import AsyncBackMessageProcess, MessageObject, exclog, exclogmsg, safe_select


class Worker(AsyncBackMessageProcess):
    def preRun__(self) -> None:
        self.beginning = ["preRun"]

    async def asyncPre__(self) -> None:
        self.beginning.append("asyncPre")
        self.ticks = 0
        self.ticking = asyncio.create_task(self.tick())
        await self.send_out__(self.beginning)
        raise ValueError("asyncPre__ is wrong")

    async def asyncPost__(self) -> None:
        self.ticking.cancel()
        await self.send_out__("asyncPost")

    async def tick(self) -> None:
        while True:
            await asyncio.sleep(0.01)
            self.ticks += 1

    async def c__ticks(self) -> None:
        await asyncio.sleep(0.05)
        await self.send_out__(self.ticks)

    async def c__echo(self, obj: Any) -> None:
        await self.send_out__(obj)

    async def c__fail(self) -> None:
        raise ValueError("wrong")

    @exclog
    async def c__logged(self) -> None:
        raise ValueError("wrong")

    @exclogmsg
    async def c__told(self, slot: int) -> None:
        raise ValueError(f"wrong in {slot}")

    async def c__answer(self) -> None:
        self.return_out__("answer")


def receive(process: Worker) -> Any:
    reads, _, _ = safe_select([process.getPipe()], [], [], timeout=5)
    assert reads == [process.getPipe()], "nothing came"
    return process.getPipe().recv()


@contextmanager
def running() -> Iterator[Worker]:
    Worker.formatLogger(logging.INFO)
    worker = Worker()
    worker.go()
    assert receive(worker) == ["preRun", "asyncPre"]
    yield worker
    worker.stop()
    assert worker.exitcode is not None
    worker.front_pipe.close()


@pytest.mark.effect(
    "valkka.multiprocess.base.AsyncBackMessageProcess.{getPipe,getReadFd,getWriteFd,asyncPre__,send_out__,routeMainPipe__,c__ping}"
)
def test_commands_are_coroutines(capfd: pytest.CaptureFixture[str]) -> None:
    with running() as worker:
        assert worker.logger.name == "Worker.AsyncMessageProcess"
        worker.sendPing([1])
        assert receive(worker)["lis"] == [1, 2, 3]
        worker.sendMessageToBack(MessageObject("ticks"))
        assert receive(worker) >= 2
        worker.sendMessageToBack(MessageObject("echo", obj=bytes(2_000_000)))
        assert receive(worker) == bytes(2_000_000)
        worker.sendMessageToBack(MessageObject("answer"))
        assert worker.returnFromBack() == "answer"
        assert worker.getPipe().fileno() == worker.getReadFd()
        assert worker.getPipe().getWriteFd() == worker.getWriteFd()
        assert "asyncPre__ is wrong" in capfd.readouterr().err


@pytest.mark.effect("valkka.multiprocess.base.AsyncBackMessageProcess.asyncPost__")
def test_no_last_word_is_sent() -> None:
    with running() as worker:
        worker.requestStop()
        worker.waitStop()
        assert worker.exitcode == 0
        assert receive(worker) == "asyncPost"
        assert safe_select([worker.getPipe()], [], [], timeout=0) == ([], [], [])


@pytest.mark.effect("valkka.multiprocess.base.{exclog,exclogmsg}")
def test_exceptions_are_logged_and_told(capfd: pytest.CaptureFixture[str]) -> None:
    with running() as worker:
        for command in ("fail", "logged", "nothing_such"):
            worker.sendMessageToBack(MessageObject(command))
        worker.sendMessageToBack(MessageObject("told", slot=4))
        error = receive(worker)
        assert (error(), error.kwargs) == ("error", {"slot": 4, "error": "wrong in 4"})
        said = capfd.readouterr().err
        assert said.count("ValueError: wrong\n") == 2
        assert "no such command: nothing_such" in said


def test_its_death_ends_all_waiting() -> None:
    with running() as worker:
        worker.sendMessageToBack(MessageObject("echo", obj=bytes(1_000_000)))
        assert safe_select([worker.getPipe()], [], [], timeout=10)[0]
        worker.kill()
        with pytest.raises(EOFError):
            receive(worker)
        with pytest.raises(EOFError, match="signal SIGKILL"):
            worker.returnFromBack()
        with pytest.raises(BrokenPipeError):
            worker.getPipe().send(bytes(10_000_000))


def test_its_pipes_are_read_by_the_loop() -> None:
    process = AsyncBackMessageProcess()
    with pytest.raises(RuntimeError, match="the loop reads"):
        process.readPipes__(0)
    process.stop()
