"""Declarations with filters: round trips, the streams they make, and what is wrong with them."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from camgraph.base.errors import GraphError
from camgraph.graph.builder import GraphBuilder
from camgraph.graph.nodes import (
    DeviceSource,
    FileSource,
    Filter,
    Fork,
    Gate,
    HttpSource,
    Rate,
    RtspSource,
    SyntheticSource,
)
from camgraph.graph.spec import GraphSpec, check_spec, same_source, streams_of
from camgraph.graph.stream import Stream

DOOR = RtspSource(id="door", url="rtsp://h/1")

BRANCHES = ("a", "b", "c")


@st.composite
def specs(draw: st.DrawFn) -> GraphSpec:
    """Graphs that can be run: each node is fed by a stream that was made before it, in any order."""
    nodes: list[RtspSource | Filter] = []
    streams: list[str] = []
    for number in range(draw(st.integers(0, 8))):
        name = f"node-{number}"
        kind = draw(st.sampled_from(["rtsp", "gate", "rate", "fork"])) if streams else "rtsp"
        source = draw(st.sampled_from(streams)) if streams else ""
        if kind == "rtsp":
            nodes.append(
                RtspSource(
                    id=name,
                    url=f"rtsp://h:{number + 1}/{number}",
                    login=draw(st.sampled_from([None, "env:DOOR", "file:/run/login"])),
                    own_process=draw(st.booleans()),
                    keep_warm=draw(st.booleans()),
                )
            )
        elif kind == "gate":
            nodes.append(Gate(id=name, source=source, opened=draw(st.booleans())))
        elif kind == "rate":
            fps = draw(st.floats(0.01, 1000, allow_nan=False))
            nodes.append(Rate(id=name, source=source, fps=fps))
        else:
            detached = tuple(draw(st.lists(st.sampled_from(BRANCHES), unique=True)))
            nodes.append(Fork(id=name, source=source, branches=BRANCHES, detached=detached))
        streams += [f"{name}.{branch}" for branch in BRANCHES] if kind == "fork" else [name]
    return GraphSpec(nodes=tuple(draw(st.permutations(nodes))))


@given(specs())
def test_every_graph_comes_back_from_json_and_yaml_as_it_was(spec: GraphSpec) -> None:
    check_spec(spec)
    assert GraphSpec.from_json(spec.to_json()) == spec
    assert GraphSpec.from_yaml(spec.to_yaml()) == spec
    assert GraphBuilder.from_spec(spec).spec == spec


@given(specs())
def test_every_stream_has_its_way_from_a_source(spec: GraphSpec) -> None:
    nodes = {node.id: node for node in spec.nodes}
    paths = streams_of(spec)
    expected = []
    for node in spec.nodes:
        expected += [f"{node.id}.{b}" for b in node.branches] if isinstance(node, Fork) else [node.id]
    assert list(paths) == expected
    for name, path in paths.items():
        assert nodes[path.source.id] is path.source
        fed_by = path.source.id
        for node, stream in path.steps:
            assert nodes[node.id] is node
            assert node.source == fed_by
            branches = [f"{node.id}.{branch}" for branch in BRANCHES]
            assert stream in (branches if isinstance(node, Fork) else [node.id])
            fed_by = stream
        assert fed_by == name


def test_the_words_of_the_builder_make_the_nodes() -> None:
    graph = GraphBuilder()
    door = graph.rtsp("door", "rtsp://h/1", own_process=True, keep_warm=True)
    night = graph.gate("night", door, opened=False)
    slow = graph.rate("slow", night, 2)
    both = graph.fork("both", slow, ["seen", "kept"])
    assert both == {"seen": Stream("both.seen"), "kept": Stream("both.kept")}
    assert graph.spec.nodes == (
        RtspSource(id="door", url="rtsp://h/1", own_process=True, keep_warm=True),
        Gate(id="night", source="door", opened=False),
        Rate(id="slow", source="night", fps=2),
        Fork(id="both", source="slow", branches=("seen", "kept")),
    )
    assert list(streams_of(graph.spec)) == ["door", "night", "slow", "both.seen", "both.kept"]


def gate(name: str, source: str) -> Gate:
    return Gate(id=name, source=source)


@pytest.mark.parametrize(
    ("nodes", "named"),
    [
        ([gate("night", "door")], "'night' is fed by 'door', and no stream is named so"),
        ([DOOR, gate("night", "night")], "'night' is fed by itself"),
        ([gate("a", "b"), gate("b", "a")], "'[ab]' is fed by itself"),
        ([Fork(id="f", source="f.x", branches=("x",))], "'f' is fed by itself"),
        ([DOOR, Fork(id="f", source="door", branches=("x",)), gate("g", "f")], "'g' is fed by 'f', and no"),
        ([DOOR, DOOR], "two streams are named 'door'"),
        ([DOOR, gate("door", "door")], "two streams are named 'door'"),
        ([DOOR, Fork(id="f", source="door", branches=("x",)), gate("f.x", "door")], "named 'f.x'"),
        ([DOOR, gate("f.x", "door"), Fork(id="f", source="door", branches=("x",))], "named 'f.x'"),
        ([DOOR, Fork(id="f", source="door", branches=("x",)), gate("f", "door")], "named 'f'"),
        ([DOOR, Fork(id="f", source="door", branches=())], "fork 'f' has no branches"),
        ([DOOR, Fork(id="f", source="door", branches=("x", "x"))], "fork 'f': two branches"),
        ([DOOR, Fork(id="f", source="door", branches=("x y",))], "'f.x y' can't be the name"),
        ([DOOR, Fork(id="f", source="door", branches=("x",), detached=("y",))], "fork 'f' has no branch 'y'"),
        ([DOOR, Rate(id="slow", source="door", fps=0)], "rate 'slow': fps 0"),
        ([DOOR, Rate(id="slow", source="door", fps=1001)], "rate 'slow': fps 1001"),
        ([DOOR, Rate(id="slow", source="door", fps=float("nan"))], "rate 'slow': fps nan"),
        ([DOOR, gate("-", "door")], "'-' can't be the name"),
    ],
)
def test_what_is_wrong_with_a_graph_is_named(nodes: list[RtspSource | Filter], named: str) -> None:
    with pytest.raises(GraphError, match=named):
        check_spec(GraphSpec(nodes=tuple(nodes)))


def test_what_is_wrong_is_told_where_it_is_written() -> None:
    graph = GraphBuilder()
    door = graph.rtsp("door", "rtsp://h/1")
    graph.fork("f", door, ["x"])
    for write in (
        lambda: graph.gate("door", door),
        lambda: graph.gate("f.x", door),
        lambda: graph.gate("night", Stream("yard")),
        lambda: graph.rate("slow", door, 0),
        lambda: graph.fork("g", door, []),
        lambda: graph.fork("h", door, ["x", "x"]),
    ):
        before = graph.spec
        with pytest.raises(GraphError):
            write()
        assert graph.spec == before


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("nodes:\n- {type: gate, id: g, source: door, open: true}\n", r"unknown field `open`.*nodes\[0\]"),
        ("nodes:\n- {type: rate, id: r, source: door, fps: fast}\n", r"nodes\[0\]\.fps"),
        ("nodes:\n- {type: fork, id: f, source: door, branches: x}\n", r"nodes\[0\]\.branches"),
        ("nodes:\n- {id: f}\n", r"type"),
        ("nodes: [\n", r"line"),
        ("- 1\n", r"Expected `object`"),
    ],
)
def test_a_yaml_file_that_is_wrong_names_the_place_in_one_line(text: str, named: str) -> None:
    with pytest.raises(GraphError, match=named) as raised:
        GraphSpec.from_yaml(text)
    assert "\n" not in str(raised.value)


def test_the_place_shows_no_login() -> None:
    with pytest.raises(GraphError) as raised:
        GraphSpec.from_yaml("nodes:\n- {type: rtsp, url: rtsp://me:hunter2@h/1, : }: [")
    assert "hunter2" not in str(raised.value)


@pytest.mark.parametrize("option", ["stalled_after_s", "longest_retry_s"])
@pytest.mark.parametrize("value", [0.0, -1.0, 0.05, 3601.0, float("nan"), float("inf")])
def test_times_of_a_source_are_bounded(option: str, value: float) -> None:
    for node in (RtspSource(id="door", url="rtsp://h/1"), SyntheticSource(id="door")):
        wrong = msgspec.structs.replace(node, **{option: value})
        with pytest.raises(GraphError, match=f"stream 'door': {option} .* must be 0.1 to 3600 s"):
            check_spec(GraphSpec(nodes=(wrong,)))


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("receive_buffer_bytes", -1, "0 to 1073741824"),
        ("reorder_ms", 5001, "0 to 5000"),
        ("clock", "sundial", "capture, camera, arrival"),
        ("decode_threads", 0, "1 to 16"),
        ("cpu", -2, "-1 to 4095"),
    ],
)
def test_options_of_receiving_and_decoding_are_bounded(option: str, value: object, said: str) -> None:
    node = RtspSource(id="door", url="rtsp://h/1")
    with pytest.raises(GraphError, match=f"stream 'door': {option} .*{said}"):
        check_spec(GraphSpec(nodes=(msgspec.structs.replace(node, **{option: value}),)))


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("receive_buffer_bytes", 1),
        ("reorder_ms", 1),
        ("clock", "camera"),
        ("decode_threads", 2),
        ("cpu", 0),
    ],
)
def test_what_is_told_of_receiving_and_decoding_opens_a_source_anew(option: str, value: object) -> None:
    graph = GraphBuilder()
    graph.rtsp("door", "rtsp://h/1")
    options: dict[str, Any] = {option: value}
    other = GraphBuilder()
    other.rtsp("door", "rtsp://h/1", **options)
    (before,), (after,) = graph.spec.nodes, other.spec.nodes
    assert isinstance(before, RtspSource)
    assert isinstance(after, RtspSource)
    assert getattr(after, option) == value
    assert not same_source(before, after)


def test_the_words_for_sources_make_their_nodes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    graph = GraphBuilder()
    graph.rtsp("door", "rtsp://me:pw@h/1", transport="udp", sub_url="rtsp://me:pw@h/2", decode="keyframes")
    graph.http("yard", "https://me:p%40w@h/video?x=1", decode_fps=5, show_damaged=True)
    graph.file("film", "a.mp4", loop=True, speed="fast", longest_retry_s=3.0)
    graph.device("desk", size=(640, 480), fps=15)
    graph.test_picture("test", keep_warm=True, stalled_after_s=4.0)
    assert graph.spec.nodes == (
        RtspSource(
            id="door",
            url="rtsp://h/1",
            login="url:door",
            transport="udp",
            sub_url="rtsp://h/2",
            decode="keyframes",
        ),
        HttpSource(id="yard", url="https://h/video?x=1", login="url:yard", decode_fps=5.0, show_damaged=True),
        FileSource(id="film", path=str(tmp_path / "a.mp4"), loop=True, speed="fast", longest_retry_s=3.0),
        DeviceSource(id="desk", size=(640, 480), fps=15.0),
        SyntheticSource(id="test", keep_warm=True, stalled_after_s=4.0),
    )
    assert graph.resolve_secrets() == {"url:door": "me:pw", "url:yard": "me:p@w"}
    assert b"pw" not in graph.spec.to_json()
    assert GraphSpec.from_yaml(graph.spec.to_yaml()) == graph.spec


def write(method: str, *args: object, **options: object) -> None:
    getattr(GraphBuilder(), method)("door", *args, **options)


@pytest.mark.parametrize(
    ("method", "args", "options", "named"),
    [
        (
            "rtsp",
            ["rtsp://h/1"],
            {"decode": "some"},
            "decode .some. is unknown; choose one of all, key",
        ),
        ("rtsp", ["rtsp://h/1"], {"decode_fps": 0}, "decode_fps 0"),
        ("rtsp", ["rtsp://h/1"], {"decode_fps": float("nan")}, "decode_fps nan"),
        ("rtsp", ["rtsp://h/1"], {"longest_retry_s": "5"}, "longest_retry_s: expected"),
        ("rtsp", ["rtsp://h/1"], {"own_process": 1}, "own_process: expected"),
        ("rtsp", ["rtsp://h/1"], {"transport": "sctp"}, "transport 'sctp' is unknown"),
        ("rtsp", ["rtsp://h/1"], {"sub_url": "http://h/2"}, "is not an RTSP address"),
        ("rtsp", ["rtsp://h/1"], {"sub_url": "rtsp://me:pw@h/2"}, "url and sub_url have one login"),
        ("http", ["rtsp://h/1"], {}, "is not an HTTP address; write http://host"),
        ("http", ["http://me:pw@h/1"], {"login": "env:X"}, "give the login once"),
        ("file", [""], {}, "path '' names no file"),
        ("file", ["a.mp4"], {"speed": "slow"}, "speed 'slow' is unknown; choose one of own, fast"),
        ("device", [], {"size": (0, 1)}, "size"),
        ("device", [], {"fps": -1}, "fps -1"),
        ("test_picture", [], {"size": (10, 20, 30)}, "size"),
        ("test_picture", [], {"fps": 0}, "fps 0"),
    ],
)
def test_what_is_wrong_with_a_source_is_named(
    method: str, args: list[object], options: dict[str, object], named: str
) -> None:
    with pytest.raises(GraphError, match=named) as raised:
        write(method, *args, **options)
    assert "'door'" in str(raised.value)
    assert "pw" not in str(raised.value)


def test_an_option_that_no_source_has_is_refused() -> None:
    with pytest.raises(TypeError, match="colour"):
        write("rtsp", "rtsp://h/1", colour="red")
