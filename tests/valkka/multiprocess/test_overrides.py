"""What programs override, or call themselves, of a back end's loop."""

from typing import Any, ClassVar

from valkka.api2.multiprocess import ValkkaProcess
from valkka.multiprocess import AsyncBackMessageProcess, MessageObject, MessageProcess, safe_select


class Watching(MessageProcess):
    def routeMainPipe__(self, obj: MessageObject | None) -> None:
        self.send_out__("the end" if obj is None else f"a {obj()}")
        super().routeMainPipe__(obj)


class AsyncWatching(AsyncBackMessageProcess):
    async def routeMainPipe__(self, obj: MessageObject | None) -> None:  # type: ignore[override]
        await self.send_out__("the end" if obj is None else f"a {obj()}")
        await super().routeMainPipe__(obj)


class Looping(ValkkaProcess):
    """Its cycle ends with the process alone."""

    incoming_signal_defs: ClassVar[dict[str, Any]] = {"stop_": [], "ask": {"number": int}}
    outgoing_signal_defs: ClassVar[dict[str, Any]] = {"answer": {"number": int}}

    def cycle_(self) -> None:
        while self.running:
            self.signal_in.wait(1)
            self.handleSignal_()

    def ask_(self, number: int) -> None:
        self.sendSignal_(name="answer", number=number + 1)


def hear(process: Any) -> Any:
    pipe = process.getPipe()
    assert safe_select([pipe], [], [], timeout=10)[0], "nothing comes"
    return pipe.recv()


def test_a_program_sees_all_that_comes_in_first() -> None:
    for process in (Watching(), AsyncWatching()):
        process.go()
        process.sendPing([1])
        assert hear(process) == "a ping"
        pong = hear(process)
        assert (pong(), pong["lis"]) == ("pong", [1, 2, 3])
        process.requestStop()
        assert hear(process) == "the end"
        process.waitStop()
        assert process.exitcode == 0


def test_a_cycle_of_its_own_handles_signals_where_it_likes() -> None:
    process = Looping("looping")
    process.start()
    for number in (1, 2):
        process.sendSignal(name="ask", number=number)
        assert hear(process) == {"name": "answer", "number": number + 1}
    process.stop()
    process.join()
    assert process.exitcode == 0
