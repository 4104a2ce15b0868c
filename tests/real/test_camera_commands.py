"""What `LiveCamera.set` changes while a stream runs, and what it refuses."""

import itertools
from collections.abc import Iterator

import pytest

import camgraph as cg
from camgraph.errors import GraphError


@pytest.fixture
def site() -> Iterator[cg.Site]:
    graph = cg.Graph()
    graph.test_picture("test", size=(320, 180), fps=50)
    graph.gate("night", "test")
    with graph.start() as site:
        yield site


def frame_steps(reader: cg.Reader, count: int) -> list[float]:
    """Return how far apart frames are in time, in s."""
    times = [reader.read(timeout=10).capture_ns for _ in range(count)]
    return [(late - early) / 1e9 for early, late in itertools.pairwise(times)]


def test_a_rate_is_bounded_while_it_runs(site: cg.Site) -> None:
    camera = site.camera("test")
    with site.read(site.streams["test"].frames(policy="every")) as reader:
        assert frame_steps(reader, 5)[-1] == pytest.approx(0.02, abs=0.015)
        camera.set(decode_fps=5)
        assert camera.decode_fps == 5
        # What was on its way comes before.
        frame_steps(reader, 4)
        assert frame_steps(reader, 4) == pytest.approx([0.2] * 3, abs=0.05)
        camera.set(decode_fps=None)
        frame_steps(reader, 2)
        assert frame_steps(reader, 5)[-1] == pytest.approx(0.02, abs=0.015)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"decode": "some"}, "stream 'test': decode 'some' is unknown; choose one of all, keyframes"),
        ({"decode_fps": 0}, "stream 'test': decode_fps 0.0 must be above 0"),
        ({"keep_warm": "yes"}, "stream 'test': keep_warm: expected `bool`, got `str`"),
    ],
)
def test_what_can_not_be_is_refused_at_once(site: cg.Site, options: dict[str, object], told: str) -> None:
    before = site.spec
    with pytest.raises(GraphError, match=told):
        site.camera("test").set(**options)  # type: ignore[arg-type]
    assert site.spec == before


def test_what_is_no_camera_is_answered_with_those_there_are(site: cg.Site) -> None:
    with pytest.raises(GraphError, match="no camera is named 'night'; the graph has: test"):
        site.camera("night")
