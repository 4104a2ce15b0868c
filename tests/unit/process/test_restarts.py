"""The front end of a process that is started again: what it keeps, what it tells, what is counted."""

import os
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NamedTuple

import pytest

import camgraph as cg
from camgraph.base.errors import BackendBusy, BrokenError, ClosedError
from camgraph.base.loop import Loop
from camgraph.control.channel import channel_pair
from camgraph.process.channel import MAX_QUEUED, Channel
from camgraph.process.front import make_front_end
from camgraph.process.travel import dumps, loads
from camgraph.process.wire import REPORT, Envelope, Kind
from camgraph.testing.waiting import wait_until


class Request(NamedTuple):
    stream: str
    width: int = 640


class Worker(cg.MessageProcess):
    restart = True
    said = cg.message(what=object)

    def on_frame(self, frame: Any) -> None: ...

    @cg.backend
    def say(self, what: object) -> None: ...


class Client:
    """Stands for client, supervisor and back ends: what they are asked, and each life of the process."""

    def __init__(self, loop: Loop) -> None:
        self.terminated: list[float] = []
        self.renewed = 0
        self.watched: list[tuple[Any, ...]] = []
        self.heard: list[Any] = []
        self.loop = loop
        self.lives: list[Channel] = []
        self.front: Any = make_front_end(
            Worker, "Worker-1", loop, self.terminated.append, renew=self._renew, tell_watched=self._watch
        )
        self.front.said.connect(lambda what: self.heard.append(what))
        self.front.restarted.connect(lambda how: self.heard.append(("restarted", how)))
        self.front.exited.connect(lambda how: self.heard.append(("exited", how)))

    def start(self) -> Channel:
        ours, theirs = channel_pair()
        self.lives.append(Channel(theirs))
        self.front._bind(ours, len(self.lives))
        return self.lives[-1]

    def die(self, how: str = "signal SIGKILL") -> None:
        self.lives[-1].close()
        self.front._on_restart(1, how)

    def close(self) -> None:
        for life in self.lives:
            life.close()
        self.front._on_exit(0)
        self.front.wait(5)

    def _renew(self, pid: int) -> None:
        assert pid == self.front.pid
        self.renewed += 1

    def _watch(self, requests: tuple[Any, ...]) -> None:
        self.watched.append(requests)


@pytest.fixture
def client(loop: Loop) -> Any:
    client = Client(loop)
    yield client
    client.close()


def received(back: Channel, count: int) -> list[Envelope]:
    found: list[Envelope] = []

    def all_here() -> bool:
        envelope = back.receive()
        if envelope is not None:
            found.append(envelope)
        return len(found) == count

    wait_until(all_here, what=f"{count} datagrams")
    assert back.receive() is None
    return found


def calls(envelopes: list[Envelope]) -> list[Any]:
    return [loads(envelope.body)[0][0] for envelope in envelopes if envelope.kind is Kind.CALL]


def test_the_next_one_gets_the_requests_first_then_what_was_not_sent(client: Client) -> None:
    back = client.start()
    door, hall = Request("door"), Request("hall")
    client.front.watch(door)
    client.front.watch(hall)
    client.front.watch(Request("door"))
    client.front.unwatch("hall")
    assert client.watched == [(door,), (door, hall), (door,)]
    client.front.say("sent")
    received(back, 5)
    client.die()
    wait_until(lambda: client.heard == [("restarted", "signal SIGKILL")])
    client.front.say("kept")
    client.front.watch(hall)
    back = client.start()
    wait_until(lambda: client.front.pid == 2)
    envelopes = received(back, 3)
    assert [envelope.kind for envelope in envelopes] == [Kind.WATCHED, Kind.CALL, Kind.WATCH]
    assert loads(envelopes[0].body) == [door]
    assert calls(envelopes) == ["kept"]
    assert client.front.alive
    assert client.watched[-1] == (door, hall)


def test_a_death_that_only_the_sender_has_noticed_loses_nothing_that_is_sent_after_it(client: Client) -> None:
    back = client.start()
    wait_until(lambda: client.front.pid == 1)
    back.close()
    for number in range(5):
        client.front.say(number)
    assert client.front.alive
    client.front._on_restart(-11, "signal SIGSEGV")
    assert calls(received(client.start(), 6)) == list(range(5))
    assert client.front.statistics().calls_lost == 0


def test_while_there_is_none_calls_are_kept_up_to_the_bound(client: Client) -> None:
    client.start()
    client.die()
    wait_until(lambda: client.heard)
    kept = MAX_QUEUED - len(["the requests"])
    for number in range(kept):
        client.front.say(number)
    with pytest.raises(BackendBusy, match="behind by 1024 calls"):
        client.front.say(kept)
    back = client.start()
    found: list[Envelope] = []

    def all_here() -> bool:
        while (envelope := back.receive()) is not None:
            found.append(envelope)
        return len(found) > kept

    wait_until(all_here)
    assert calls(found) == list(range(kept))


def test_calls_that_the_dead_one_is_not_known_to_have_served_are_counted(client: Client) -> None:
    back = client.start()
    for number in range(7):
        client.front.say(number)
    received(back, 7)
    back.send(Kind.MESSAGE, "said", dumps("", ("last words",)).body)
    back.send(Kind.REPORT, "", REPORT.pack(10, 1, 3, 4))
    client.die()
    wait_until(lambda: len(client.heard) == 2)
    assert client.heard == ["last words", ("restarted", "signal SIGKILL")]
    back = client.start()
    back.send(Kind.REPORT, "", REPORT.pack(5, 2, 1, 0))
    wait_until(lambda: client.front.statistics().frames == 15)
    numbers = client.front.statistics()
    assert (numbers.messages, numbers.lost, numbers.calls_lost, numbers.restarts) == (3, 4, 3, 1)


def test_a_program_that_was_stopped_hears_of_all_lives_in_their_order_and_keeps_its_calls(
    client: Client, loop: Loop
) -> None:
    go_on = threading.Event()
    loop.call_soon_threadsafe(lambda: void(go_on.wait(10)))
    for number in range(3):
        back = client.start()
        back.send(Kind.MESSAGE, "said", dumps("", (number,)).body)
        client.die(f"exit code {number + 1}")
    client.front.say("patient")
    last = client.start()
    go_on.set()
    expected = [thing for number in range(3) for thing in (number, ("restarted", f"exit code {number + 1}"))]
    wait_until(lambda: client.heard == expected)
    assert calls(received(last, 2)) == ["patient"]


def test_the_serving_may_move_at_any_time(client: Client, loop: Loop) -> None:
    other = Loop()
    thread = threading.Thread(target=other.run)
    thread.start()
    threads: list[bool] = []
    client.front.restarted.connect(lambda how: threads.append(other.in_thread()))
    client.start()
    client.front._attach(other)
    client.die()
    wait_until(lambda: threads == [True])
    back = client.start()
    client.front._attach(loop)
    back.send(Kind.MESSAGE, "said", dumps("", ("after",)).body)
    wait_until(lambda: client.heard[-1:] == ["after"])
    other.stop()
    thread.join()
    other.close()


def test_closing_while_there_is_none_ends_it(client: Client) -> None:
    client.start()
    client.die()
    wait_until(lambda: client.heard)
    client.front.say("too late")
    client.front._begin_close(2.0)
    assert client.terminated == [2.0]
    with pytest.raises(ClosedError):
        client.front.say("later")
    client.front._on_exit(-9, "signal SIGKILL")
    assert client.front.wait(5) == "signal SIGKILL"
    assert client.heard == [("restarted", "signal SIGKILL"), ("exited", "signal SIGKILL")]
    assert client.front.statistics().calls_lost == 1


def test_one_that_starts_while_it_is_closed_is_told_so_at_once(client: Client) -> None:
    client.start()
    client.front._begin_close(2.0)
    client.die("exit code 1")
    back = client.start()
    with pytest.raises(EOFError):
        wait_until(lambda: back.receive() is None and False)
    client.front._on_exit(0)
    client.front.wait(5)
    assert client.heard == [("exited", "exit code 0")]


def test_garbage_has_it_killed_and_started_again(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    back = client.start()
    back._sock.send(b"garbage")  # type: ignore[union-attr]
    wait_until(lambda: client.renewed == 1)
    assert client.terminated == []
    client.die()
    client.start().send(Kind.MESSAGE, "said", dumps("", ("fine",)).body)
    wait_until(lambda: client.heard[-1:] == ["fine"])
    assert "can't be read" in caplog.text


def test_an_end_for_good_after_a_death_loses_what_is_queued_and_takes_nothing_more(client: Client) -> None:
    client.start()
    wait_until(lambda: client.front.pid == 1)
    client.lives[0].close()
    client.front.say("queued for nobody")
    client.front._on_exit(0, "exit code 0")
    client.front.wait(5)
    with pytest.raises(BrokenError, match="has ended: exit code 0"):
        client.front.say("more")
    assert client.front.statistics().calls_lost == 1


def test_a_late_listener_hears_of_the_last_restart_and_a_missing_one_is_replaced_by_the_log(
    loop: Loop, caplog: pytest.LogCaptureFixture
) -> None:
    front: Any = make_front_end(Worker, "Worker-2", loop, lambda grace_s: None)
    front._on_restart(-11, "signal SIGSEGV")
    wait_until(lambda: "Worker-2 ended: signal SIGSEGV; it is started again" in caplog.text)
    late: list[str] = []
    front.restarted.connect(late.append)
    assert late == ["signal SIGSEGV"]
    front._on_exit(0)
    front.wait(5)


def test_a_forked_child_can_neither_call_nor_close_it(client: Client) -> None:
    back = client.start()
    pid = os.fork()
    if pid == 0:
        code = 1
        with suppress(Exception):
            client.front.close()
            try:
                client.front.say("from the child")
            except BrokenError as error:
                code = 0 if "forked" in str(error) else 2
        os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert client.terminated == []
    client.front.say("from the program")
    assert calls(received(back, 1)) == ["from the program"]


@pytest.mark.parametrize("value", [1, None, "always", lambda self: None, cg.message()])
def test_restart_is_true_or_false(value: object) -> None:
    with pytest.raises(TypeError, match=r"Odd\.restart is True, False or a Restart"):
        type("Odd", (cg.MessageProcess,), {"restart": value, "__qualname__": "Odd"})


def test_a_back_end_watches_what_it_is_started_with_once(spawn: Callable[..., Any]) -> None:
    opened: list[Request] = []

    def refuse(request: Request) -> Any:
        opened.append(request)
        raise BrokenError("no such site")

    front = spawn(Worker, open_reader=refuse, watched=[Request("door"), Request("hall")])
    wait_until(lambda: len(opened) == 2)
    assert opened == [Request("door"), Request("hall")]
    assert front.alive


def void(value: object) -> None:
    """Drop a value."""
