"""Filters of running sites: what they tell, what they have decoded, and that nobody else notices them."""

import os
import select
import time
from collections.abc import Iterator

import pytest
from tests.real.media_process import Media, in_sequence, numbers

import camgraph as cg
from camgraph.control.messages import NodeEvent
from camgraph.graph.nodes import Fork, Gate, Movement, Node, Observe, RtspSource
from camgraph.testing.cameras import Cameras
from camgraph.testing.waiting import wait_until
from camgraph.testing.watching import Watcher

WITHIN_S = 0.25
FPS = 25


def behind_a_gate(url: str, *, opened: bool, detached: tuple[str, ...] = ()) -> dict[str, Node]:
    return {
        "door": RtspSource(id="door", url=url),
        "night": Gate(id="night", source="door", opened=opened),
        "to": Fork(id="to", source="night", branches=("wall", "disk"), detached=detached),
        "moves": Movement(id="moves", source="to.disk", every_ms=40, threshold=0.5, ends_after_ms=100),
        "watched": Observe(id="watched", source="to.disk", of="pictures"),
    }


def test_what_gates_and_branches_keep_back_from_all_is_not_decoded(media: Media, cameras: Cameras) -> None:
    url = cameras.urls[0]

    def rests() -> bool:
        """Tell whether half a second's packets were not decoded."""
        before = media.statistics()["door"]
        media.until(lambda: media.statistics()["door"].received >= before.received + FPS // 2)
        after = media.statistics()["door"]
        return after.decoded == before.decoded and after.unread > before.unread

    media.run(None, **behind_a_gate(url, opened=False))
    media.until_state("door", "live")
    wall = media.read("to.wall")
    media.until(lambda: bool(media.statistics()["door"].rings))
    assert rests()
    asked = time.monotonic()
    media.run(None, **behind_a_gate(url, opened=True, detached=("disk",)))
    wall.read(5)
    # It goes on with the next picture, not with the next key frame, which comes once a second.
    assert time.monotonic() - asked < WITHIN_S
    assert in_sequence(numbers(wall, 10))
    media.run(None, **behind_a_gate(url, opened=True, detached=("wall", "disk")))
    media.until_state("to.wall", "stopped")
    media.until(rests)
    # Nobody reads the branch that is attached; what watches its pictures has them decoded.
    media.run(None, **behind_a_gate(url, opened=True, detached=("wall",)))
    before = media.statistics()["door"]
    media.until(lambda: media.statistics()["door"].decoded > before.decoded + FPS // 2)
    assert media.statistics()["door"].conversions == before.conversions
    media.run(None, **behind_a_gate(url, opened=False))
    media.until(rests)


@pytest.fixture
def graph(cameras: Cameras) -> cg.Graph:
    graph = cg.Graph()
    graph.rtsp("door", cameras.urls[0])
    return graph


class Told:
    """What a node tells."""

    def __init__(self, site: cg.Site, node: str) -> None:
        self.events: list[NodeEvent] = []
        self.end = site.observe(node, self.events.append)

    def kinds(self) -> list[str]:
        return [event.kind for event in self.events]


def test_packets_are_told_of_as_they_come_and_cost_no_decoding(graph: cg.Graph) -> None:
    graph.observe("packets", "door", of="packets", data_bytes=5)
    with graph.start() as site:
        told = Told(site, "packets")
        wait_until(lambda: len(told.events) > 2 * FPS, 10, "packets")
        counts = site.statistics().streams["door"]
        assert counts.decoded <= 1
        assert counts.unread > FPS
        event = told.events[-1]
        assert (event.stream, event.format, event.kind) == ("door", "h264", "seen")
        assert event.data[:4] == b"\0\0\0\1"
        assert any(event.keyframe for event in told.events)
        # One by one, not those of some tenths of a second at once.
        ages = sorted(event.count for event in told.events)
        assert ages == list(range(ages[0], ages[-1] + 1))
        told.end()


def test_movement_is_told_from_its_beginning_to_its_end_and_forgotten_at_a_reset(graph: cg.Graph) -> None:
    graph.movement("moves", "door", every_ms=40, threshold=0.0, ends_after_ms=200)
    with graph.start() as site:
        told = Told(site, "moves")
        wait_until(lambda: told.kinds() == ["movement_began"], 10, "a beginning")
        began = told.events[0]
        assert (began.width, began.height, began.count) == (320, 180, 3)
        with site.read(cg.Stream("moves").frames(policy="every")) as reader:
            assert reader.read(timeout=5).capture_ns > began.capture_ns
            still = cg.Graph.from_spec(graph.spec)
            still.remove("moves")
            still.movement("moves", "door", every_ms=40, threshold=1.0, ends_after_ms=200)
            site.apply(still)
            wait_until(lambda: told.kinds() == ["movement_began", "movement_ended"], 5, "an end")
            site.apply(graph)
            wait_until(lambda: told.kinds()[2:] == ["movement_began"], 5, "another beginning")
            site.movement("moves").reset()
            wait_until(lambda: told.kinds()[3:] == ["movement_began"], 5, "a third")
        told.end()


@pytest.fixture
def bell() -> Iterator[int]:
    descriptor = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
    yield descriptor
    os.close(descriptor)


def test_a_bell_is_rung_once_the_picture_can_be_read_and_also_if_nobody_reads(
    graph: cg.Graph, bell: int
) -> None:
    graph.publish("shared", "door", ring=f"filters-{os.getpid()}", format="gray8", size=(64, 36), tag=7)
    with graph.start() as site:
        site.attach("shared", bell)
        assert select.select([bell], [], [], 10)[0]
        with site.read(cg.Stream("shared").frames(format="gray8", size=(64, 36), policy="every")) as reader:
            frame = reader.read(timeout=5)
            assert frame.tag == 7
            first = newest = frame.seq
            os.eventfd_read(bell)
            rung = 0
            while rung < 10:
                assert select.select([bell], [], [], 5)[0]
                rung += os.eventfd_read(bell)
                while (later := reader.read_nowait()) is not None:
                    newest = later.seq
                assert newest - first + 1 >= rung
        site.attach("shared")
        decoded = wait_until(lambda: _rests(site), 10, "what nobody reads is not decoded")
        assert decoded


def _rests(site: cg.Site) -> bool:
    before = site.statistics().streams["door"]
    wait_until(lambda: site.statistics().streams["door"].received > before.received + 5)
    return site.statistics().streams["door"].decoded == before.decoded


def test_who_reads_a_camera_loses_no_frame_while_its_filters_come_and_go(graph: cg.Graph) -> None:
    with graph.start() as site:
        watcher = Watcher(site.name, "door")
        try:
            wait_until(lambda: watcher.verified_after(0), 15, "a frame")
            began, epoch = time.monotonic(), watcher.seen[-1].epoch
            for turn in range(20):
                other = cg.Graph.from_spec(graph.spec)
                gate = other.gate("night", "door", opened=bool(turn % 2))
                other.movement("moves", gate if turn % 3 else "door", threshold=0.0)
                other.observe("watched", "moves", of="packets" if turn % 4 else "pictures")
                slow = other.rate("slow", "door", 5)
                site.apply(other)
                if turn % 5 == 0:
                    with site.read(slow.frames()) as reader:
                        reader.read(timeout=5)
                site.gate("night").open()
                site.apply(graph)
            seen = len(watcher.seen)
            wait_until(lambda: len(watcher.seen) > seen + 5, 10, "frames")
            assert watcher.lost_since(began) == []
            assert {one.epoch for one in watcher.seen if one.at >= began} == {epoch}
            assert site.statistics().streams["door"].attempts == 1
        finally:
            watcher.close()
