"""The words for filters, the nodes they make, and what they answer to values that can't be followed."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from camgraph.base.errors import GraphError
from camgraph.base.pixels import PIXEL_FORMATS
from camgraph.graph.builder import GraphBuilder
from camgraph.graph.nodes import Filter, Fresh, Interval, Movement, Observe, Publish, RtspSource, Stamp
from camgraph.graph.spec import GraphSpec, check_spec, streams_of

DOOR = RtspSource(id="door", url="rtsp://h/1")

ms = st.integers(0, 86_400_000)
filters = st.one_of(
    st.builds(Interval, id=st.just("x"), source=st.just("door"), shortest_ms=ms),
    st.builds(Fresh, id=st.just("x"), source=st.just("door"), oldest_ms=ms),
    st.builds(Stamp, id=st.just("x"), source=st.just("door")),
    st.builds(
        Movement,
        id=st.just("x"),
        source=st.just("door"),
        every_ms=st.integers(1, 86_400_000),
        threshold=st.floats(0, 1),
        ends_after_ms=ms,
        resets=st.integers(0, 9),
    ),
    st.builds(
        Observe,
        id=st.just("x"),
        source=st.just("door"),
        of=st.sampled_from(["packets", "pictures"]),
        every_ms=ms,
        data_bytes=st.integers(0, 1024),
    ),
    st.builds(
        Publish,
        id=st.just("x"),
        source=st.just("door"),
        ring=st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1),
        format=st.sampled_from(PIXEL_FORMATS),
        size=st.none() | st.tuples(st.integers(1, 16384), st.integers(1, 16384)),
        tag=st.integers(0, 65535),
    ),
    st.builds(
        Publish,
        id=st.just("x"),
        source=st.just("door"),
        ring=st.just("lens"),
        format=st.sampled_from(["nal", "fmp4"]),
        size=st.none() | st.tuples(st.integers(1, 1 << 28), st.just(1)),
        headers=st.integers(0, 9),
    ),
)


@given(filters)
def test_every_filter_comes_back_from_json_as_it_was(node: Filter) -> None:
    spec = GraphSpec(nodes=(DOOR, node))
    check_spec(spec)
    assert GraphSpec.from_json(spec.to_json()) == spec
    assert [step for step, _ in streams_of(spec)["x"].steps] == [node]


def test_each_word_makes_its_node_of_streams_or_of_their_names() -> None:
    graph = GraphBuilder()
    door = graph.rtsp("door", "rtsp://h/1")
    seldom = graph.interval("seldom", door, np.int64(1000))  # type: ignore[arg-type]
    recent = graph.fresh("recent", seldom, 300)
    graph.stamp("arrived", recent)
    graph.movement("moves", "arrived", every_ms=100, threshold=np.float64(0.5), ends_after_ms=1000)
    graph.observe("watched", "door", of="packets", every_ms=40, data_bytes=20)
    graph.publish("shared", "door", ring="lens", size=[np.int64(320), 180], tag=3)  # type: ignore[arg-type]
    graph.publish("boxes", "door", ring="/a b", format="fmp4", size=(1 << 20, 1))
    assert graph.spec.nodes == (
        DOOR,
        Interval(id="seldom", source="door", shortest_ms=1000),
        Fresh(id="recent", source="seldom", oldest_ms=300),
        Stamp(id="arrived", source="recent"),
        Movement(id="moves", source="arrived", every_ms=100, threshold=0.5, ends_after_ms=1000),
        Observe(id="watched", source="door", of="packets", every_ms=40, data_bytes=20),
        Publish(id="shared", source="door", ring="lens", format="rgb24", size=(320, 180), tag=3),
        Publish(id="boxes", source="door", ring="/a b", format="fmp4", size=(1 << 20, 1)),
    )
    assert GraphSpec.from_yaml(graph.spec.to_yaml()) == graph.spec


def test_the_yaml_of_the_docstring_is_a_graph() -> None:
    text = (GraphSpec.__doc__ or "").split("::\n")[1].split("What else")[0]
    nodes = GraphSpec.from_yaml(text).nodes
    assert {type(node).__name__ for node in nodes} >= {"Interval", "Fresh", "Stamp", "Movement", "Observe"}


@pytest.mark.parametrize(
    ("word", "options", "told"),
    [
        ("interval", {"shortest_ms": -1}, "interval 'x': shortest_ms -1 must be 0 to 86400000"),
        ("interval", {"shortest_ms": 1.5}, "stream 'x': shortest_ms: expected `int`"),
        ("fresh", {"oldest_ms": -1}, "fresh 'x': oldest_ms -1 must be 0"),
        ("movement", {"every_ms": 0}, "movement 'x': every_ms 0 must be 1"),
        ("movement", {"threshold": 1.01}, "movement 'x': threshold 1.01 must be 0 to 1"),
        ("movement", {"threshold": float("nan")}, "movement 'x': threshold nan must be 0 to 1"),
        ("movement", {"ends_after_ms": -1}, "movement 'x': ends_after_ms -1 must be 0"),
        ("observe", {"of": "frames"}, "observe 'x': of 'frames' is unknown; choose 'packets' or 'units'"),
        ("observe", {"of": "packets", "data_bytes": 1025}, "observe 'x': data_bytes 1025 must be 0 to 1024"),
        ("publish", {"ring": ""}, "publish 'x': '' can't be the name of a ring"),
        ("publish", {"ring": "a\0"}, "publish 'x': .* can't be the name of a ring"),
        (
            "publish",
            {"ring": "a", "format": "jpeg"},
            "publish 'x': format 'jpeg' is unknown; choose one of yuv",
        ),
        ("publish", {"ring": "a", "format": "bytes"}, "publish 'x': format 'bytes' is unknown"),
        ("publish", {"ring": "a", "size": (0, 1)}, r"publish 'x': size \(0, 1\) must be \(width, height\)"),
        (
            "publish",
            {"ring": "a", "format": "nal", "size": (9, 9)},
            r"\(9, 9\) of packets must be \(bytes, 1\)",
        ),
        ("publish", {"ring": "a", "size": 320}, "stream 'x': size: "),
        ("publish", {"ring": "a", "tag": 65536}, "publish 'x': tag 65536 must be 0 to 65535"),
    ],
)
def test_a_value_that_cant_be_followed_is_named(word: str, options: dict[str, Any], told: str) -> None:
    graph = GraphBuilder()
    door = graph.rtsp("door", "rtsp://h/1")
    with pytest.raises(GraphError, match=told):
        getattr(graph, word)("x", door, **options)
    assert graph.spec.nodes == (DOOR,)
