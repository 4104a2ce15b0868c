"""A graph that changes while it runs: what changes changes at once, and what doesn't loses nothing."""

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import pairwise

import pytest

import camgraph as cg
from camgraph.client.owned import OwnedConnection
from camgraph.control.messages import Apply
from camgraph.errors import BrokenError, ClosedError, GraphError
from camgraph.graph.nodes import Gate, RtspSource
from camgraph.graph.spec import GraphSpec
from camgraph.testing.cameras import Cameras
from camgraph.testing.pattern import decode
from camgraph.testing.waiting import wait_until
from camgraph.testing.watching import Watcher

PLAYING = [f"camera-{number}" for number in range(1, 17)]
WITHIN_S = 0.25


@pytest.fixture(scope="module")
def cameras() -> Iterator[Cameras]:
    with Cameras(count=18, size=(320, 180)) as cameras:
        yield cameras


def camera_shown(site: cg.Site, stream: str) -> int | None:
    """Which camera's picture the stream gives to a new reader."""
    with site.read(site.streams[stream].frames()) as reader:
        return decode(reader.read(timeout=15).planes[0]).camera


def seat_of(site: cg.Site, stream: str) -> tuple[str, bool, int]:
    """The process that runs a stream, whether it is the stream's own, and its pid."""
    for one in site.statistics().media:
        if stream in one.streams:
            return one.name, one.own, one.pid
    raise AssertionError(f"{stream} is nowhere")


def test_sixteen_streams_lose_no_frame_while_others_come_go_and_change(cameras: Cameras) -> None:
    graph = cg.Graph()
    for name, url in zip(PLAYING, cameras.urls, strict=False):
        graph.rtsp(name, url)
    with graph.start() as site, ExitStack() as stack:
        watchers = [Watcher(site.name, name) for name in PLAYING]
        for watcher in watchers:
            stack.callback(watcher.close)
        wait_until(lambda: all(watcher.verified_after(0) for watcher in watchers), 30, "sixteen streams")
        began = time.monotonic()
        epochs = [watcher.seen[-1].epoch for watcher in watchers]

        def apply(**kinds: tuple[str, ...]) -> None:
            changes = site.apply(graph)
            unchanged = [name for name in graph_names(graph) if name not in sum(kinds.values(), ())]
            assert changes == cg.GraphDiff(**kinds, unchanged=tuple(unchanged))
            assert list(site.streams) == graph_names(graph)

        graph.rtsp("yard", cameras.urls[0])
        graph.rtsp("attic", cameras.urls[1])
        apply(added=("yard", "attic"))
        assert camera_shown(site, "yard") == 1
        assert camera_shown(site, "attic") == 2

        # Whoever reads a stream that is pointed elsewhere reads on, from there.
        with site.read(site.streams["yard"].frames(policy="every")) as reader:
            epoch = reader.read(timeout=15).epoch
            graph = changed(graph, RtspSource(id="yard", url=cameras.urls[2]))
            apply(changed=("yard",))
            frame = wait_until(lambda: later(reader, epoch), 15, "a frame from the new address")
            assert frame is not None
            assert decode(frame.planes[0]).camera == 3

        before = seat_of(site, "attic")
        graph = changed(graph, RtspSource(id="attic", url=cameras.urls[1], own_process=True))
        apply(changed=("attic",))
        wait_until(lambda: seat_of(site, "attic")[2] not in (0, before[2]), 10, "a process of its own")
        assert seat_of(site, "attic")[1]
        assert camera_shown(site, "attic") == 2

        graph = changed(graph, RtspSource(id="yard", url=cameras.urls[2], keep_warm=True))
        apply(changed=("yard",))
        decoded = site.statistics().streams["yard"].decoded
        wait_until(lambda: site.statistics().streams["yard"].decoded > decoded + 20, 10, "what nobody reads")

        with site.read(site.streams["yard"].frames(policy="every")) as reader:
            reader.read(timeout=15)
            graph = changed(graph, None, "yard")
            graph = changed(graph, None, "attic")
            apply(removed=("yard", "attic"))
            with pytest.raises(BrokenError, match="the stream 'yard' was removed"):
                list(reader)
            with pytest.raises(GraphError, match="no stream is named 'attic'"):
                site.read(cg.FrameRequest(stream="attic"))
        assert site.apply(graph) == cg.GraphDiff(unchanged=tuple(PLAYING))

        seen = [len(watcher.seen) for watcher in watchers]
        wait_until(
            lambda: all(len(one.seen) > count + 10 for one, count in zip(watchers, seen, strict=True)),
            10,
            "all sixteen on",
        )
        assert [watcher.lost_since(began) for watcher in watchers] == [[] for _ in watchers]
        assert [watcher.seen[-1].epoch for watcher in watchers] == epochs
        assert all(seen.ok for watcher in watchers for seen in watcher.seen if seen.at >= began)


def graph_names(graph: cg.Graph) -> list[str]:
    return [node.id for node in graph.spec.nodes]


def changed(graph: cg.Graph, node: RtspSource | None, name: str = "") -> cg.Graph:
    """Return the graph with a node in place of the one of the same name, or without it."""
    name = node.id if node is not None else name
    nodes = [node if one.id == name else one for one in graph.spec.nodes]
    return cg.Graph.from_spec(GraphSpec(nodes=tuple(one for one in nodes if one is not None)))


def later(reader: cg.Reader, epoch: int) -> cg.Frame | None:
    frame = reader.read(timeout=15)
    return frame if frame.epoch > epoch else None


class Arrivals:
    """When the frames of a stream came, from a reader in a thread."""

    def __init__(self, site: cg.Site, stream: str) -> None:
        self.at: list[float] = []
        self._reader = site.read(site.streams[stream].frames(policy="every"))
        self._thread = threading.Thread(target=self._read, name=f"arrivals-{stream}")
        self._thread.start()

    def close(self) -> None:
        self._reader.close()
        self._thread.join()

    def first_after(self, moment: float) -> float:
        """Seconds until the first frame that came after a moment."""
        return wait_until(lambda: next((at for at in self.at if at > moment), 0), 5, "a frame") - moment

    def last_after(self, moment: float, silence_s: float) -> float:
        """Seconds until the last frame, once none has come for `silence_s`."""
        wait_until(lambda: time.monotonic() - max(moment, self.at[-1]) > silence_s, 5, "silence")
        return self.at[-1] - moment

    def gaps_after(self, moment: float, count: int) -> list[float]:
        """Seconds between the frames that came after a moment."""
        wait_until(lambda: len([at for at in self.at if at > moment]) > count, 10, "frames")
        came = [at for at in self.at if at > moment]
        return [two - one for one, two in pairwise(came)]

    def _read(self) -> None:
        try:
            for _ in self._reader:
                self.at.append(time.monotonic())
        except ClosedError:
            pass


@pytest.fixture
def filtered(cameras: Cameras) -> Iterator[cg.Site]:
    graph = cg.Graph()
    door = graph.rtsp("door", cameras.urls[0])
    graph.gate("night", door)
    graph.rate("slow", door, 25)
    graph.fork("both", door, ["seen", "kept"])
    with graph.start() as site:
        yield site


def test_a_gate_closes_and_opens_within_a_quarter_of_a_second(filtered: cg.Site) -> None:
    gate = filtered.gate("night")
    arrivals = Arrivals(filtered, "night")
    try:
        for _ in range(3):
            assert gate.opened
            wait_until(lambda: len(arrivals.at) > 5, 20, "frames")
            began = time.monotonic()
            gate.close()
            assert not gate.opened
            assert arrivals.last_after(began, 1.0) < WITHIN_S
            began = time.monotonic()
            gate.open()
            assert arrivals.first_after(began) < WITHIN_S
    finally:
        arrivals.close()


def test_a_rate_is_another_within_a_quarter_of_a_second(filtered: cg.Site) -> None:
    rate = filtered.rate("slow")
    arrivals = Arrivals(filtered, "slow")
    try:
        wait_until(lambda: len(arrivals.at) > 30, 20, "frames")
        began = time.monotonic()
        rate.set(5)
        assert rate.fps == 5
        gaps = arrivals.gaps_after(began + WITHIN_S, 5)
        assert 0.18 < sum(gaps) / len(gaps) < 0.22
        began = time.monotonic()
        rate.set(25)
        assert arrivals.first_after(began) < WITHIN_S
        gaps = arrivals.gaps_after(began + WITHIN_S, 25)
        assert 0.03 < sum(gaps) / len(gaps) < 0.05
    finally:
        arrivals.close()


def test_a_branch_comes_and_goes_within_a_quarter_of_a_second_and_the_other_does_not_notice(
    filtered: cg.Site,
) -> None:
    fork = filtered.fork("both")
    arrivals, other = Arrivals(filtered, "both.seen"), Watcher(filtered.name, "both.kept")
    try:
        wait_until(lambda: len(arrivals.at) > 5, 20, "frames")
        wait_until(lambda: other.verified_after(0), 20, "frames of the other branch")
        all_began = began = time.monotonic()
        fork.detach("seen")
        assert fork.branches == {"seen": False, "kept": True}
        assert arrivals.last_after(began, 1.0) < WITHIN_S
        began = time.monotonic()
        fork.attach("seen")
        assert fork.branches == {"seen": True, "kept": True}
        assert arrivals.first_after(began) < WITHIN_S
        assert not other.lost_since(all_began)
    finally:
        arrivals.close()
        other.close()


def test_what_can_not_be_done_is_told_and_changes_nothing(filtered: cg.Site, cameras: Cameras) -> None:
    before = filtered.spec
    door = RtspSource(id="door", url=cameras.urls[0])
    for graph, said in [
        ((door, Gate(id="a", source="b"), Gate(id="b", source="a")), "'[ab]' is fed by itself"),
        ((door, Gate(id="a", source="attic")), "'a' is fed by 'attic', and no stream is named so"),
        ((door, door), "two streams are named 'door'"),
        ((RtspSource(id="door", url="http://h"),), "'door'.*not an RTSP address"),
        ((RtspSource(id="door", url="rtsp://h/1", login="env:NOT_SET_HERE"),), "NOT_SET_HERE"),
    ]:
        with pytest.raises(GraphError, match=said):
            filtered.apply(GraphSpec(nodes=graph))
    with pytest.raises(GraphError, match="no gate is named 'door'; the graph has: night"):
        filtered.gate("door")
    with pytest.raises(GraphError, match="no fork is named 'attic'; the graph has: both"):
        filtered.fork("attic")
    with pytest.raises(GraphError, match="fork 'both' has no branch 'lost'; it has: seen, kept"):
        filtered.fork("both").detach("lost")
    with pytest.raises(GraphError, match=r"rate 'slow': fps 0\.0 must be above 0"):
        filtered.rate("slow").set(0)
    assert filtered.spec == before
    assert camera_shown(filtered, "door") == 1

    # A handle of what was removed says so.
    gate = filtered.gate("night")
    filtered.apply(GraphSpec(nodes=(door,)))
    with pytest.raises(GraphError, match="no gate is named 'night'; the graph has: none"):
        gate.open()
    refused: list[BaseException] = []

    def ask_inside(_: cg.StreamStatus) -> None:
        try:
            filtered.apply(GraphSpec())
        except RuntimeError as error:
            refused.append(error)

    filtered.loop.call_soon_threadsafe(lambda: ask_inside(filtered.streams["door"].status))
    wait_until(lambda: refused, 5, "the answer in the site's own thread")
    assert "use a thread" in str(refused[0])


def test_a_login_is_forgotten_with_the_last_stream_that_needs_it() -> None:
    graph = cg.Graph()
    graph.rtsp("door", "rtsp://keeper:staple@127.0.0.1:9/1")
    graph.rtsp("yard", "rtsp://127.0.0.1:9/2")
    with graph.start() as site:
        spec = graph.spec
        site.apply(graph)
        graph.remove("door")
        site.apply(graph)
        assert isinstance(site._connection, OwnedConnection)
        assert not site._connection._secrets
        again = Apply(token=site._answers.new_token(), spec=spec, secrets={})
        assert "staple" not in repr(Apply(token=0, spec=spec, secrets={"url:door": "keeper:staple"}))
        refused = site._answers.ask(again.token, again, 5).refused
        assert refused == "login 'url:door': the site was not told what it stands for"
        assert list(site.streams) == ["yard"]
