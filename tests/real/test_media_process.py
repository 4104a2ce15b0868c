"""``python -m camgraph.media`` for real, against real cameras; the test plays the supervisor."""

import contextlib
import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.real.media_process import Media, in_sequence, numbers

from camgraph.base.errors import BrokenError
from camgraph.control.messages import Shutdown, StreamStatus
from camgraph.graph.nodes import RtspSource
from camgraph.ring.frame import Frame
from camgraph.ring.reader import Reader
from camgraph.testing.cameras import Cameras
from camgraph.testing.pattern import decode
from camgraph.testing.waiting import wait_until

S = 1_000_000_000
LOGIN = "admin:päss/w@rd:%41"
SIZE = (640, 360)


@pytest.fixture(scope="module")
def cameras() -> Iterator[Cameras]:
    with Cameras(count=2, size=SIZE) as cameras:
        yield cameras


def test_frames_come_whole_in_order_and_with_all_that_is_known(media: Media, cameras: Cameras) -> None:
    media.run(door=cameras.urls[0])
    reader = media.read("door")
    frames: list[Frame] = []
    found = []
    for _ in range(30):
        frame = reader.read(8)
        found.append(decode(frame.planes[0]).number or 0)
        frames = [*frames[-1:], frame]
    assert in_sequence(found)
    earlier, later = frames
    assert (later.format, later.width, later.height) == ("yuv420p", *SIZE)
    assert later.epoch == 77
    assert later.seq == earlier.seq + 1
    assert later.pts is not None
    assert earlier.pts is not None
    assert (later.pts - earlier.pts) * later.time_base == pytest.approx(1 / 25)
    assert earlier.arrival_ns < later.arrival_ns <= later.publish_ns <= time.monotonic_ns()
    assert later.capture_quality == "rtcp"
    assert abs(time.time_ns() - later.capture_ns) < 5 * S
    status = media.until_state("door", "live")
    assert (status.codec, status.width, status.height, status.epoch) == ("h264", *SIZE, 77)
    assert media.history("door") == ["resolving", "opening", "waiting_for_keyframe", "live"]
    counts = media.statistics()["door"]
    assert counts.received >= counts.decoded >= 30
    assert (counts.dropped, counts.attempts) == (0, 1)


def test_derived_frames_are_made_once_per_distinct_request(media: Media, cameras: Cameras) -> None:
    media.run(door=cameras.urls[0], yard=cameras.urls[1])
    tile = [media.read("door", "bgra", 320, 180) for _ in range(3)]
    slow = media.read("door", "rgb24", 320, 180, 5.0)
    grey = media.read("yard", "gray8", 200, 100)
    with ThreadPoolExecutor(5) as pool:
        found = [pool.submit(numbers, reader, 25) for reader in (*tile, grey)]
        thinned = pool.submit(numbers, slow, 6)
    assert all(in_sequence(one.result()) for one in found)
    assert in_sequence(thinned.result(), step=5)
    assert tile[0].read(5).array.shape == (180, 320, 4)
    assert slow.read(5).array.shape == (180, 320, 3)
    assert grey.read(5).array.shape == (100, 200)
    counts = media.statistics()
    rings = {(ring.format, ring.fps): ring for ring in counts["door"].rings}
    assert rings.keys() == {("bgra", 0.0), ("rgb24", 5.0)}
    assert rings["bgra", 0.0].readers == 3
    published = sum(ring.published for ring in rings.values())
    # Asked for while frames flow: the newest may be counted here and not yet there.
    assert abs(counts["door"].conversions - published) <= len(rings)
    assert counts["yard"].rings[0].readers == 1


def test_a_reader_may_come_before_its_stream_is_live_and_unknown_streams_are_refused(
    media: Media, cameras: Cameras
) -> None:
    media.run(door=cameras.urls[0])
    early = media.read("door", "bgr24", 320, 180)
    unknown = media.read("cellar")
    with pytest.raises(BrokenError, match="no stream is named 'cellar'"):
        unknown.read(5)
    assert in_sequence(numbers(early, 3, 8))


def test_streams_are_added_changed_and_removed_while_others_run(media: Media, cameras: Cameras) -> None:
    one, two = cameras.urls
    media.run(door=one)
    door = media.read("door")
    assert in_sequence(numbers(door, 3, 8))
    media.run(door=one, yard=one)
    media.until_state("yard", "live")
    media.run(door=one, yard=two)
    media.until(lambda: media.history("yard").count("live") == 2)
    assert "stopped" in media.history("yard")
    yard = media.read("yard")
    frame = yard.read(5)
    assert decode(frame.array).camera == 2
    assert frame.epoch > 77
    media.run(door=one)
    media.until_state("yard", "stopped")
    assert in_sequence(numbers(door, 30))
    assert door.statistics().reconnects == 0
    assert media.history("door").count("resolving") == 1


BAD_INPUT = {
    "not_found": ("not_found", "has no stream /99 (404 Not Found): is the path right?"),
    "no_video": ("unsupported", "sends no video: choose a path of the camera that does."),
    "refused": ("backing_off", "Nothing listens at 127.0.0.1:"),
    "name_not_found": ("backing_off", "The name -camera.invalid has no address"),
    "not_an_address": ("unsupported", "is not an address"),
    "not_rtsp": ("backing_off", "does not speak RTSP"),
}


def test_each_bad_input_is_told_apart_and_disturbs_nobody(media: Media, cameras: Cameras) -> None:
    base = cameras.urls[0].rpartition("/")[0]
    with _closed_port() as closed, _hanging_up() as hanging_up:
        media.run(
            door=cameras.urls[0],
            not_found=f"{base}/99",
            no_video=cameras.audio_url,
            refused=f"rtsp://127.0.0.1:{closed}/1",
            # A name that the resolver turns down by itself: nothing is asked of the network.
            name_not_found="rtsp://-camera.invalid/1",
            not_an_address="rtsp://10.0.0.5:99999/1",
            not_rtsp=f"rtsp://127.0.0.1:{hanging_up}/1",
        )
        door = media.read("door")
        for reason, (state, words) in BAD_INPUT.items():
            media.until(lambda name=reason: _failed(media, name) is not None)  # type: ignore[misc]
            status = _failed(media, reason)
            assert status is not None
            assert (status.state, status.reason) == (state, reason)
            assert words in status.sentence
            assert "Next attempt in" in status.sentence
            assert status.next_attempt_ns > status.since_ns
        assert in_sequence(numbers(door, 30))
        media.until_state("door", "live")
        assert media.history("door").count("live") == 1


def _failed(media: Media, stream: str) -> StreamStatus | None:
    waiting = ("backing_off", "unauthorized", "not_found", "unsupported")
    return next((one for _, one in media.statuses if one.stream == stream and one.state in waiting), None)


@contextlib.contextmanager
def _closed_port() -> Iterator[int]:
    """Hold a port at which nothing listens."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        yield sock.getsockname()[1]


@contextlib.contextmanager
def _hanging_up() -> Iterator[int]:
    """Accept connections and close them."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    server.accept()[0].close()

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield server.getsockname()[1]
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join()


@contextlib.contextmanager
def silent_server() -> Iterator[int]:
    """Accept connections in the kernel, and never answer."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as server:
        yield server.getsockname()[1]


def test_logins_right_wrong_and_missing_and_never_in_sight(tmp_path: Path) -> None:
    media = Media(tmp_path / "media.log")
    with Cameras(count=1, size=SIZE, login=LOGIN) as cameras:
        url = cameras.urls[0]
        media.run(
            {"env:RIGHT": LOGIN, "env:WRONG": "admin:wr0ng"},
            right=RtspSource(id="right", url=url, login="env:RIGHT"),
            wrong=RtspSource(id="wrong", url=url, login="env:WRONG"),
            missing=RtspSource(id="missing", url=url),
        )
        assert in_sequence(numbers(media.read("right"), 3, 8))
        wrong = media.until_state("wrong", "unauthorized")
        assert wrong.reason == "unauthorized"
        assert "refuses the login (401 Unauthorized): check user and password." in wrong.sentence
        assert 25 * S < wrong.next_attempt_ns - wrong.since_ns <= 30 * S
        missing = media.until_state("missing", "unauthorized")
        assert 'login="env:NAME"' in missing.sentence
        media.run(
            {"env:WRONG": LOGIN}, wrong=RtspSource(id="wrong", url=url, login="env:WRONG")
        )  # the right one now
        media.until_state("wrong", "live")
        everything = repr([status for _, status in media.statuses]) + media.log()
        everything += Path(f"/proc/{media.process.pid}/cmdline").read_text(encoding="utf-8")
        everything += Path(f"/proc/{media.process.pid}/environ").read_text(encoding="utf-8")
        for secret in ("wr0ng", "päss", "p%C3%A4ss", "w@rd"):
            assert secret not in everything
        media.close()


def test_a_killed_camera_is_told_at_once_and_its_return_seen_within_three_seconds(media: Media) -> None:
    with Cameras(count=2, size=SIZE) as dying, Cameras(count=1, size=SIZE) as other:
        media.run(door=dying.urls[0], yard=dying.urls[1], street=other.urls[0])
        readers = [media.read("door"), media.read("yard")]
        for reader in readers:
            numbers(reader, 5, 8)
        media.until_state("street", "live")
        for away_s in (0.0, 0.9):
            dying.kill()
            killed = time.monotonic()
            for name in ("door", "yard"):
                status = media.until_state(name, "backing_off")
                assert status.reason in ("camera_closed", "refused")
                assert f"127.0.0.1:{dying.port}" in status.sentence
            assert time.monotonic() - killed < 1.0
            for reader in readers:
                _drain(reader)
            wait_until(lambda end=killed + away_s: time.monotonic() >= end)  # type: ignore[misc]
            restarted = time.monotonic()
            dying.restart()
            with ThreadPoolExecutor(2) as pool:
                found = list(pool.map(lambda reader: numbers(reader, 10), readers))
            assert all(map(in_sequence, found))
            assert time.monotonic() - restarted < 3.0
            media.until_state("door", "live")
        assert media.history("street").count("live") == 1
        assert readers[0].statistics().reconnects == 0


def _drain(reader: Reader) -> None:
    while reader.read_nowait() is not None:
        pass


def test_a_camera_away_for_longer_is_back_at_the_announced_attempt(media: Media) -> None:
    with Cameras(count=1, size=SIZE) as cameras:
        media.run(door=cameras.urls[0])
        reader = media.read("door")
        numbers(reader, 5, 8)
        cameras.kill()

        def long_wait() -> bool:
            status = media.status("door")
            return status is not None and status.next_attempt_ns - status.since_ns > 1.5 * S

        media.until(long_wait, 10)
        _drain(reader)
        restarting = threading.Thread(target=cameras.restart)
        restarting.start()
        status = media.status("door")
        assert status is not None
        assert in_sequence(numbers(reader, 10, 10))
        late_s = time.monotonic() - status.next_attempt_ns / S
        restarting.join()
        assert late_s < 2.0
        media.until_state("door", "live")
        tried = [
            status for at, status in media.statuses if status.stream == "door" and status.state == "resolving"
        ]
        announced = [status.next_attempt_ns for _, status in media.statuses if status.state == "backing_off"]
        for status, due_ns in zip(tried[1:], announced, strict=True):
            assert 0 <= status.since_ns - due_ns < S // 4


def test_a_camera_that_hangs_is_stalled_then_opened_again(media: Media) -> None:
    with Cameras(count=1, size=SIZE) as cameras:
        media.run(door=cameras.urls[0])
        reader = media.read("door")
        numbers(reader, 5, 8)
        os.kill(cameras.pid, signal.SIGSTOP)
        stopped = time.monotonic()
        try:
            status = media.until_state("door", "stalled")
            assert 1.5 < time.monotonic() - stopped < 3.0
            assert "has sent nothing for 2 s" in status.sentence
            status = media.until_state("door", "backing_off")
            assert 4.5 < time.monotonic() - stopped < 6.5
            assert status.reason == "stalled"
            status = media.until_state("door", "opening")
        finally:
            os.kill(cameras.pid, signal.SIGCONT)
        _drain(reader)
        assert in_sequence(numbers(reader, 10, 8))
        assert media.history("door").count("stalled") == 1


def test_a_short_hang_is_survived_without_a_new_connection(media: Media) -> None:
    with Cameras(count=1, size=SIZE) as cameras:
        media.run(door=cameras.urls[0])
        media.until_state("door", "live")
        os.kill(cameras.pid, signal.SIGSTOP)
        try:
            media.until_state("door", "stalled")
        finally:
            os.kill(cameras.pid, signal.SIGCONT)
        media.until_state("door", "live")
        assert media.statistics()["door"].attempts == 1


def test_a_server_that_never_answers_is_told_from_a_dead_one(media: Media, cameras: Cameras) -> None:
    with silent_server() as port:
        media.run(silent=f"rtsp://127.0.0.1:{port}/1", door=cameras.urls[0])
        door = media.read("door")
        status = media.until_state("silent", "backing_off")
        assert status.reason == "no_answer"
        assert "accepts connections, but gives no RTSP answer" in status.sentence
        assert in_sequence(numbers(door, 25))


@pytest.mark.parametrize("how", ["eof", "shutdown", "sigterm"])
def test_the_process_ends_within_a_second_whatever_the_cameras_do(
    media: Media, cameras: Cameras, how: str
) -> None:
    with silent_server() as port, Cameras(count=1, size=SIZE) as hanging:
        media.run(
            opening=f"rtsp://127.0.0.1:{port}/1",
            live=cameras.urls[0],
            reading=hanging.urls[0],
            refused="rtsp://127.0.0.1:1/1",
        )
        reader = media.read("live")
        numbers(reader, 3, 8)
        media.until_state("reading", "live")
        os.kill(hanging.pid, signal.SIGSTOP)
        try:
            media.until(lambda: "opening" in media.history("opening"))
            started = time.monotonic()
            if how == "shutdown":
                media.channel.send(Shutdown())
            elif how == "sigterm":
                media.process.terminate()
            else:
                media.hang_up()
            assert media.process.wait(5) == 0
            assert time.monotonic() - started < 1.0
        finally:
            os.kill(hanging.pid, signal.SIGCONT)
        _drain(reader)
        with pytest.raises(TimeoutError):
            reader.read(0.1)


def test_a_dead_supervisor_takes_the_process_with_it(tmp_path: Path, cameras: Cameras) -> None:
    media = Media(tmp_path / "media.log")
    try:
        media.run(door=cameras.urls[0])
        media.until_state("door", "live")
        assert media.end() < 1.0
    finally:
        media.close()


def test_opening_and_closing_leaves_no_descriptor_and_no_thread(media: Media, cameras: Cameras) -> None:
    def cycle() -> None:
        before = media.history("door").count("live")
        media.run(door=cameras.urls[0], lost="rtsp://127.0.0.1:1/1")
        reader = media.read("door", "bgra", 160, 90)
        numbers(reader, 1, 8)
        assert media.history("door").count("live") <= before + 1
        reader.close()
        media.run()
        media.until_state("door", "stopped")

    media.statistics()
    threads = media.threads()
    cycle()
    media.until(lambda: media.threads() == threads, what="threads to end")
    descriptors = media.descriptors()
    for _ in range(20):
        cycle()
    media.until(lambda: media.threads() == threads, what="threads to end")
    # Farewells to the cameras last a moment.
    media.until(lambda: media.descriptors() <= descriptors, what="descriptors to be closed")
