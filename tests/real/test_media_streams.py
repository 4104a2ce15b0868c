"""A media process's derived streams, decoding on demand, and memory, with real cameras; the test plays the
supervisor.
"""

import itertools
import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from tests.real.media_process import Media, in_sequence, numbers

from camgraph.base.errors import BrokenError
from camgraph.control.messages import StreamStatistics
from camgraph.graph.nodes import Fork, Gate, Node, Rate, RtspSource
from camgraph.ring.reader import Reader
from camgraph.testing.cameras import Cameras
from camgraph.testing.clips import GOP
from camgraph.testing.pattern import PERIOD, decode
from camgraph.testing.waiting import wait_until

SIZE = (640, 360)
COMMAND_WITHIN_S = 0.25


@pytest.fixture(scope="module")
def cameras() -> Iterator[Cameras]:
    with Cameras(count=2, size=SIZE) as cameras:
        yield cameras


def unaccounted(counts: StreamStatistics) -> int:
    """Return the packets that the decoder must still hold."""
    return counts.received - counts.decoded - counts.dropped - counts.unread


def follow(readers: list[Reader], until: float) -> list[list[int]]:
    """Read all readers until then; return what their pictures say."""

    def one(reader: Reader) -> list[int]:
        found = []
        while time.monotonic() < until:
            frame = reader.read(5)
            found.append(decode(frame.planes[0]).number or 0)
        return found

    with ThreadPoolExecutor(len(readers)) as pool:
        return list(pool.map(one, readers))


def test_eight_readers_of_three_requests_cost_one_decode_and_three_conversions(
    media: Media, cameras: Cameras
) -> None:
    media.run(door=cameras.urls[0])
    requests = [("bgra", 320, 180), (None, 0, 0, 0.0, (100, 50, 200, 100)), (None,)]
    readers = [media.read("door", *requests[index % 3]) for index in range(8)]
    for reader in readers:
        reader.read(8)
    before = media.statistics()["door"]
    assert sorted(ring.readers for ring in before.rings) == [2, 3, 3]
    assert [ring.roi for ring in before.rings].count((100, 50, 200, 100)) == 1
    follow(readers, time.monotonic() + 1)
    after = media.statistics()["door"]
    frames = after.received - before.received
    assert frames > 15
    assert abs(after.decoded - before.decoded - frames) <= 1
    assert abs(after.conversions - before.conversions - 3 * frames) <= 6
    assert after.unread == before.unread
    assert after.cpu_ns > before.cpu_ns
    for reader in readers:
        reader.close()
    closed = time.monotonic()
    media.until(lambda: not media.statistics()["door"].rings, 1.9)
    resting = media.statistics()["door"]
    media.until(lambda: media.statistics()["door"].unread >= resting.unread + 25)
    assert time.monotonic() - closed < 5
    now = media.statistics()["door"]
    assert now.decoded - resting.decoded <= 1
    assert now.conversions == resting.conversions
    assert 0 <= unaccounted(now) <= 2
    assert media.history("door")[-1] == "live"


def test_a_stream_is_decoded_until_it_is_live_and_then_only_if_it_is_kept_warm(
    media: Media, cameras: Cameras
) -> None:
    url = cameras.urls[0]
    media.run(cold=url, warm=RtspSource(id="warm", url=url, keep_warm=True))
    for name in ("cold", "warm"):
        status = media.until_state(name, "live")
        assert (status.width, status.height) == SIZE
    media.until(lambda: media.statistics()["cold"].unread > 25)
    media.until(lambda: media.statistics()["warm"].decoded > 25)
    counts = media.statistics()
    assert counts["cold"].decoded == 1
    assert counts["warm"].unread == 0
    # An option is changed in place.
    media.run(cold=RtspSource(id="cold", url=url, keep_warm=True, own_process=True), warm=url)
    decoded = counts["cold"].decoded
    media.until(lambda: media.statistics()["cold"].decoded > decoded + 25)
    media.until(lambda: media.statistics()["warm"].unread > 25)
    assert [counts.attempts for counts in media.statistics().values()] == [1, 1]
    assert all(0 <= unaccounted(counts) <= 2 for counts in media.statistics().values())


def test_a_new_reader_gets_a_whole_picture_without_waiting_for_a_key_frame(
    media: Media, cameras: Cameras
) -> None:
    media.run(door=cameras.urls[0])
    media.until_state("door", "live")
    took = []
    for turn in range(6):
        unread = media.statistics()["door"].unread
        media.until(lambda least=unread + 3 * turn: media.statistics()["door"].unread > least)  # type: ignore[misc]
        asked = time.monotonic()
        reader = media.read("door")
        found = numbers(reader, 1)
        took.append(time.monotonic() - asked)
        found += numbers(reader, 3)
        assert in_sequence(found)
        reader.close()
        media.until(lambda: not media.statistics()["door"].rings)
    # A key frame comes once a second.
    assert GOP == 25
    assert sorted(took)[2] < 0.35, took


GRAPH: dict[str, Node] = {
    "night": Gate(id="night", source="door"),
    "slow": Rate(id="slow", source="door", fps=5),
    "to": Fork(id="to", source="night", branches=("wall", "disk")),
}


def graph(url: str, **changed: Node) -> dict[str, Node]:
    return {"door": RtspSource(id="door", url=url), **GRAPH, **changed}


def test_commands_take_effect_at_the_next_picture_and_disturb_nobody(media: Media, cameras: Cameras) -> None:
    url = cameras.urls[0]
    media.run(None, **graph(url))
    door, slow = media.read("door"), media.read("slow")
    night, disk = media.read("night", "gray8"), media.read("to.disk")
    for reader in (door, slow, night, disk):
        reader.read(8)
    media.until_state("to.disk", "live")
    shown = numbers(door, 1)

    def have(**changed: Node) -> float:
        media.run(None, **graph(url, **changed))
        return time.monotonic()

    def catch_up(reader: Reader) -> None:
        while reader.read_nowait() is not None:
            pass

    asked = have(night=Gate(id="night", source="door", opened=False))
    status = media.until_state("night", "stopped")
    assert (status.reason, status.sentence) == ("gate_closed", "The gate 'night' is closed.")
    assert media.until_state("to.disk", "stopped").reason == "gate_closed"
    assert time.monotonic() - asked < COMMAND_WITHIN_S
    shown += numbers(door, 5)
    for reader in (night, disk):
        catch_up(reader)
    shown += numbers(door, 5)
    assert night.read_nowait() is None
    assert disk.read_nowait() is None
    asked = have(to=Fork(id="to", source="night", branches=("wall", "disk"), detached=("disk",)))
    night.read(COMMAND_WITHIN_S)
    assert media.until_state("to.disk", "stopped").sentence == "The branch 'disk' of 'to' is detached."
    shown += numbers(door, 5)
    assert disk.read_nowait() is None
    catch_up(slow)
    have(slow=Rate(id="slow", source="door", fps=25))
    disk.read(COMMAND_WITHIN_S)
    assert in_sequence(numbers(slow, 10))
    # All that time not a frame of the camera's own stream was lost, as far as its ring held them for us.
    counts = media.statistics()["door"]
    statistics = door.statistics()
    assert (statistics.reconnects, statistics.behind, counts.attempts, counts.dropped) == (0, 0, 1, 0)
    assert all((later - earlier) % PERIOD > 0 for earlier, later in itertools.pairwise(shown))


def test_removed_filters_are_told_and_a_new_address_costs_only_its_own_streams(
    media: Media, cameras: Cameras
) -> None:
    one, two = cameras.urls
    other = RtspSource(id="yard", url=one)
    media.run(None, **graph(one), yard=other)
    night, slow, yard = media.read("night"), media.read("slow"), media.read("yard")
    for reader in (night, slow, yard):
        reader.read(8)
    media.run(door=one, slow=GRAPH["slow"], yard=other)
    assert media.until_state("night", "stopped").sentence == "Stopped."
    wait_until(lambda: _told(media, night) == "no stream is named 'night'")
    frame = slow.read(5)
    assert decode(frame.array).camera == 1
    media.run(door=two, slow=GRAPH["slow"], yard=other)

    def re_pointed() -> bool:
        media.hand_over()
        frame = slow.read_nowait()
        return frame is not None and decode(frame.array).camera == 2

    wait_until(re_pointed, 8)
    assert slow.statistics().reconnects == 1
    assert yard.statistics().reconnects == 0
    assert media.history("yard").count("live") == 1
    media.run(yard=other, slow=Rate(id="slow", source="yard", fps=5))
    media.until(lambda: media.state("door") == "stopped" and media.state("slow") == "live")

    def moved() -> bool:
        media.hand_over()
        frame = slow.read_nowait()
        return frame is not None and decode(frame.array).camera == 1

    wait_until(moved, 8)


def _told(media: Media, reader: Reader) -> str:
    """Return why a reader gets nothing any more."""
    media.hand_over()
    try:
        reader.read_nowait()
    except BrokenError as error:
        return str(error)
    return ""


def test_a_region_shows_what_the_picture_shows_there(media: Media, cameras: Cameras) -> None:
    media.run(door=cameras.urls[0])
    whole, part = media.read("door", "bgr24"), media.read("door", "bgr24", 0, 0, 0.0, (101, 51, 299, 150))
    outside = media.read("door", None, 0, 0, 0.0, (640, 0, 10, 10))
    with pytest.raises(BrokenError, match="lies outside of the camera's picture of 640x360 px"):
        outside.read(8)
    first, second = whole.read(8), part.read(8)
    while first.pts != second.pts:
        if (first.pts or 0) < (second.pts or 0):
            first = whole.read(5)
        else:
            second = part.read(5)
    assert np.array_equal(first.array[50:202, 100:400], second.array)


def test_every_packet_is_accounted_for_under_faults(media: Media) -> None:
    with Cameras(count=1, size=SIZE) as cameras:
        media.run(door=cameras.urls[0])
        media.until_state("door", "live")
        for turn in range(3):
            reader = media.read("door")
            numbers(reader, 5 + 7 * turn, 8)
            if turn == 0:
                cameras.kill()
                media.until_state("door", "backing_off")
                cameras.restart()
                media.until_state("door", "live")
            elif turn == 1:
                os.kill(cameras.pid, signal.SIGSTOP)
                try:
                    media.until_state("door", "stalled")
                finally:
                    os.kill(cameras.pid, signal.SIGCONT)
                media.until_state("door", "live")
            reader.close()
            media.until(lambda: not media.statistics()["door"].rings)
            counts = media.statistics()["door"]
            media.until(lambda least=counts.unread: media.statistics()["door"].unread > least + 10)  # type: ignore[misc]
            assert 0 <= unaccounted(media.statistics()["door"]) <= 2
        cameras.kill()
        media.until_state("door", "backing_off")
        media.until(lambda: unaccounted(media.statistics()["door"]) == 0)
        counts = media.statistics()["door"]
        assert min(counts.decoded, counts.unread, counts.attempts - 1) > 0


def test_memory_is_reserved_before_it_is_used_and_without_it_nobody_else_suffers(
    media: Media, cameras: Cameras
) -> None:
    media.run(door=cameras.urls[0], yard=cameras.urls[1])
    door = media.read("door")
    door.read(8)
    answer = media.ask()
    (ring,) = answer.streams["door"].rings
    assert 0 < answer.touched_bytes <= ring.size_bytes == media.reserved_bytes
    media.room_bytes = media.reserved_bytes + 1000
    refused = media.read("yard", "bgra")
    with pytest.raises(BrokenError, match=r"There is no room\."):
        refused.read(8)
    assert media.statistics()["yard"].rings == ()
    assert in_sequence(numbers(door, 10))
    media.room_bytes *= 10
    late = media.read("yard", "bgra", 160, 90)
    late.read(8)
    door.close()
    late.close()
    media.until(lambda: media.reserved_bytes == 0)
    assert media.ask().touched_bytes == 0


def test_a_supervisor_that_does_not_answer_is_waited_for(media: Media, cameras: Cameras) -> None:
    media.room_bytes = -1
    media.run(door=cameras.urls[0])
    media.until_state("door", "live")
    reader = media.read("door")
    with pytest.raises(TimeoutError):
        reader.read(3)
    media.answer_late(1 << 30)
    reader.read(8)
