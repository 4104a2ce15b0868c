"""Gates, rates and forks behind one camera, with pictures that say only when they were taken."""

from collections.abc import Iterable
from fractions import Fraction

import av
import pytest

from camgraph.control.messages import StreamStatus
from camgraph.graph.changes import AttachBranch, NodeCommand, OpenGate, SetRate, commanded
from camgraph.graph.nodes import Fork, Gate, Node, Rate, RtspSource
from camgraph.graph.spec import GraphSpec, streams_of
from camgraph.media.decode import Picture
from camgraph.media.derived import Statuses
from camgraph.media.filters import Filters
from camgraph.media.source import Packet

DOOR = RtspSource(id="door", url="rtsp://10.0.0.5/1")
LIVE = StreamStatus(stream="door", state="live", sentence="Live.", width=640, height=360, since_ns=5)


def picture(number: int) -> Picture:
    """Return picture `number` of 25 a second."""
    frame = av.VideoFrame(16, 16, "yuv420p")
    frame.pts = number * 3600
    packet = Packet(b"", frame.pts, Fraction(1, 90_000), False, number * 40_000_000, 0, "none")
    return Picture(frame, packet, Fraction(1))


class Site:
    """A graph whose filters are followed."""

    def __init__(self, *nodes: Node) -> None:
        self.filters = Filters("door", lambda event: None)
        self.told: list[StreamStatus] = []
        self.statuses = Statuses(self.filters, self.told.append)
        self.have(*nodes)

    def have(self, *nodes: Node) -> None:
        self.spec = GraphSpec(nodes=(DOOR, *nodes))
        self._follow()

    def do(self, command: NodeCommand) -> None:
        self.spec = commanded(self.spec, command)
        self._follow()

    def _follow(self) -> None:
        self.filters.configure(streams_of(self.spec))
        self.statuses.follow_filters()

    def passed(self, stream: str, numbers: Iterable[int], askers: int = 1) -> list[int]:
        """Return which pictures reach a stream, where all askers must be told the same."""
        found = []
        for number in numbers:
            one = picture(number)
            tap = self.filters.tap(stream)
            answers = {tap is None or tap.picture(number, one) is not None for _ in range(askers)}
            assert len(answers) == 1
            found += [number] * answers.pop()
        return found

    def last(self, stream: str) -> StreamStatus:
        return next(status for status in reversed(self.told) if status.stream == stream)


def test_a_cameras_own_pictures_all_pass() -> None:
    site = Site()
    assert site.filters.streams == {"door"}
    assert site.filters.tap("door") is None


def test_a_gate_follows_from_the_next_picture_on() -> None:
    site = Site(Gate(id="night", source="door"))
    assert site.passed("night", range(3)) == [0, 1, 2]
    site.do(OpenGate(node="night", opened=False))
    assert site.passed("night", range(3, 6)) == []
    site.do(OpenGate(node="night", opened=True))
    assert site.passed("night", range(6, 9)) == [6, 7, 8]


def test_a_rate_decides_once_for_all_that_ask() -> None:
    site = Site(Rate(id="slow", source="door", fps=5))
    assert site.passed("slow", range(50), askers=3) == list(range(0, 50, 5))
    site.do(SetRate(node="slow", fps=12.5))
    assert site.passed("slow", range(50, 60)) == [50, 52, 54, 56, 58]


def test_what_is_not_changed_keeps_its_pace() -> None:
    site = Site(Rate(id="slow", source="door", fps=5), Gate(id="night", source="door"))
    assert site.passed("slow", range(3)) == [0]
    site.do(OpenGate(node="night", opened=False))
    assert site.passed("slow", range(3, 7)) == [5]


def test_branches_come_and_go_one_by_one() -> None:
    site = Site(Fork(id="to", source="door", branches=("wall", "disk")))
    assert site.filters.streams == {"door", "to.wall", "to.disk"}
    site.do(AttachBranch(node="to", branch="disk", attached=False))
    assert site.passed("to.wall", range(2)) == [0, 1]
    assert site.passed("to.disk", range(2, 4)) == []
    site.do(AttachBranch(node="to", branch="disk", attached=True))
    assert site.passed("to.disk", range(4, 6)) == [4, 5]


CHAIN: tuple[Node, ...] = (
    Gate(id="night", source="door"),
    Rate(id="slow", source="night", fps=5),
    Fork(id="to", source="slow", branches=("a", "b")),
)


def test_every_step_of_a_way_must_let_a_picture_pass() -> None:
    site = Site(*CHAIN)
    assert site.passed("to.a", range(11)) == [0, 5, 10]
    site.do(OpenGate(node="night", opened=False))
    assert site.passed("to.a", range(11, 30)) == []
    site.do(OpenGate(node="night", opened=True))
    site.do(AttachBranch(node="to", branch="a", attached=False))
    assert site.passed("to.a", range(30, 40)) == []
    assert site.passed("to.b", range(40, 50)) == [40, 45]


def test_siblings_share_the_choice_of_the_rate_before_them() -> None:
    site = Site(*CHAIN)
    first, second = site.filters.tap("to.a"), site.filters.tap("to.b")
    assert first is not None
    assert second is not None
    for number in range(20):
        one = picture(number)
        passed = {tap.picture(number, one) is not None for tap in (first, second)}
        assert passed == {number % 5 == 0}


def test_a_filter_that_is_fed_anew_goes_its_new_way() -> None:
    site = Site(Gate(id="shut", source="door", opened=False), Gate(id="night", source="shut"))
    assert site.passed("night", range(2)) == []
    site.have(Gate(id="night", source="door"))
    assert site.passed("night", range(2, 4)) == [2, 3]
    assert site.filters.streams == {"door", "night"}
    site.have(Rate(id="night", source="door", fps=5))
    assert site.passed("night", range(10, 20)) == [10, 15]


def test_derived_streams_fare_as_their_camera() -> None:
    site = Site(*CHAIN)
    site.statuses.tell(LIVE)
    assert {status.stream: status.state for status in site.told} == dict.fromkeys(
        ["door", "night", "slow", "to.a", "to.b"], "live"
    )
    assert site.last("to.a").width == 640
    told = len(site.told)
    site.statuses.tell(LIVE)
    assert len(site.told) == told


@pytest.mark.parametrize(
    ("command", "stream", "reason", "sentence"),
    [
        (OpenGate(node="night", opened=False), "night", "gate_closed", "The gate 'night' is closed."),
        (OpenGate(node="night", opened=False), "to.b", "gate_closed", "The gate 'night' is closed."),
        (
            AttachBranch(node="to", branch="b", attached=False),
            "to.b",
            "branch_detached",
            "The branch 'b' of 'to' is detached.",
        ),
    ],
)
def test_what_keeps_all_pictures_back_is_told_while_the_camera_is_live(
    command: NodeCommand, stream: str, reason: str, sentence: str
) -> None:
    site = Site(*CHAIN)
    site.statuses.tell(LIVE)
    site.do(command)
    status = site.last(stream)
    assert (status.state, status.reason, status.sentence) == ("stopped", reason, sentence)
    assert status.since_ns > LIVE.since_ns
    assert site.last("door") == LIVE
    told = len(site.told)
    site.statuses.tell(LIVE)
    assert len(site.told) == told
    away = StreamStatus(stream="door", state="backing_off", reason="refused", sentence="Gone.")
    site.statuses.tell(away)
    assert (site.last(stream).state, site.last(stream).sentence) == ("backing_off", "Gone.")


def test_a_stream_that_is_removed_is_told_to_have_stopped() -> None:
    site = Site(Gate(id="night", source="door"))
    site.statuses.tell(LIVE)
    site.have()
    assert (site.last("night").state, site.last("night").sentence) == ("stopped", "Stopped.")
