import os
import signal
import sys
import threading

import pytest

from camgraph.client.statuses import StatusBoard
from camgraph.control.messages import StreamStatus


def test_a_subscriber_hears_what_is_known_then_each_change_in_order() -> None:
    board = StatusBoard(["door", "yard"])
    heard: list[tuple[str, str]] = []
    unsubscribe = board.subscribe(lambda status: heard.append((status.stream, status.state)))
    board.publish(StreamStatus(stream="door", state="opening"))
    board.publish(StreamStatus(stream="door", state="live"))
    unsubscribe()
    board.publish(StreamStatus(stream="door", state="stalled"))
    assert heard == [("door", "starting"), ("yard", "starting"), ("door", "opening"), ("door", "live")]
    assert board.status_of("door").state == "stalled"
    unsubscribe()


def test_a_stream_that_was_not_declared_is_passed_over() -> None:
    board = StatusBoard(["door"])
    heard: list[str] = []
    board.subscribe(lambda status: heard.append(status.stream))
    board.publish(StreamStatus(stream="attic", state="live"))
    assert heard == ["door"]


def test_a_subscriber_that_wants_to_exit_ends_neither_the_thread_nor_the_others(
    caplog: pytest.LogCaptureFixture,
) -> None:
    board = StatusBoard(["door"])
    heard: list[str] = []

    def leave(status: StreamStatus) -> None:
        if status.state == "live":
            sys.exit(3)

    board.subscribe(leave)
    board.subscribe(lambda status: heard.append(status.state))
    board.publish(StreamStatus(stream="door", state="live"))
    assert heard == ["starting", "live"]
    assert "a subscriber to the status of streams failed" in caplog.text


def test_streams_come_and_go_and_whoever_subscribes_is_told() -> None:
    board = StatusBoard(["door", "yard"])
    board.publish(StreamStatus(stream="door", state="live"))
    heard: list[tuple[str, str, str]] = []
    board.subscribe(lambda status: heard.append((status.stream, status.state, status.reason)))
    heard.clear()
    board.set_names(["yard", "attic"])
    assert heard == [("attic", "starting", ""), ("door", "stopped", "removed")]
    board.publish(StreamStatus(stream="door", state="live"))
    assert len(heard) == 2
    assert board.status_of("door").reason == "removed"


def test_all_streams_can_be_told_a_change_and_keep_the_rest() -> None:
    board = StatusBoard(["door", "yard"])
    board.publish(StreamStatus(stream="door", state="live", width=640, height=360))
    board.publish_all(state="stopped", sentence="The site is closed.")
    assert board.status_of("door").width == 640
    assert board.status_of("yard").state == board.status_of("door").state == "stopped"


def test_subscribing_while_another_thread_publishes_misses_no_change() -> None:
    board = StatusBoard(["door"])

    def publish() -> None:
        for number in range(2000):
            board.publish(StreamStatus(stream="door", state="live", attempt=number))

    publisher = threading.Thread(target=publish)
    publisher.start()
    heard: list[int] = []
    board.subscribe(lambda status: heard.append(status.attempt))
    publisher.join()
    assert heard[-1] == 1999
    assert heard == list(range(heard[0], 2000))


def test_a_subscriber_that_fails_does_not_keep_the_others_from_hearing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    board = StatusBoard(["door"])
    heard: list[str] = []

    def fail_when_live(status: StreamStatus) -> None:
        if status.state == "live":
            raise RuntimeError("planted")

    board.subscribe(fail_when_live)
    board.subscribe(lambda status: heard.append(status.state))
    board.publish(StreamStatus(stream="door", state="live"))
    assert heard == ["starting", "live"]
    assert "planted" in caplog.text


def test_a_child_forked_while_a_status_is_told_can_ask_for_it() -> None:
    board = StatusBoard(["door"])
    board.publish(StreamStatus(stream="door", state="live"))
    with board._lock:
        child = os.fork()
        if child == 0:
            signal.alarm(5)
            board.forget_in_child()
            os._exit(board.status_of("door").state != "live")
    assert os.waitpid(child, 0)[1] == 0
