import os
from pathlib import Path

import msgspec
import numpy as np
import pytest

from camgraph.base.errors import GraphError
from camgraph.graph.builder import GraphBuilder
from camgraph.graph.nodes import Gate, HttpSource, RtspSource, SyntheticSource
from camgraph.graph.request_values import check_request
from camgraph.graph.spec import FrameRequest, GraphSpec
from camgraph.graph.stream import Stream


def test_a_graph_is_plain_data_that_round_trips() -> None:
    graph = GraphBuilder()
    graph.rtsp("door", "rtsp://10.0.0.7/live", login="env:DOOR")
    graph.rtsp("yard", "rtsp://10.0.0.8:8554/1")
    spec = graph.spec
    assert GraphSpec.from_json(spec.to_json()) == spec
    assert GraphBuilder.from_spec(spec).spec == spec


def test_a_password_in_a_url_stays_out_of_the_declaration() -> None:
    graph = GraphBuilder()
    graph.rtsp("door", "rtsp://me:s%3Acret%40@10.0.0.7/live")
    assert b"cret" not in graph.spec.to_json()
    assert "cret" not in repr(graph.spec)
    assert graph.resolve_secrets() == {"url:door": "me:s:cret@"}


@pytest.mark.parametrize("url", ["http://h/1?user=me&pwd=s%3Acret", "http://h/user=me&password=s%3Acret&a=1"])
def test_a_password_in_a_query_or_path_stays_out_of_the_declaration(url: str) -> None:
    graph = GraphBuilder()
    graph.http("door", url)
    graph.rtsp("gate", url.replace("http", "rtsp"), sub_url=url.replace("http", "rtsp").replace("1", "2"))
    assert "cret" not in repr(graph.spec)
    assert repr(graph.spec).count("={password}") == 3
    assert graph.resolve_secrets() == {"url:door": "me:s:cret", "url:gate": "me:s:cret"}
    assert GraphSpec.from_json(graph.spec.to_json()) == graph.spec


def test_the_places_of_a_login_can_be_written() -> None:
    graph = GraphBuilder()
    graph.http("door", url := "http://h/1?user={user}&pwd={password}", login="env:DOOR")
    assert graph.spec.nodes == (HttpSource(id="door", url=url, login="env:DOOR"),)
    with pytest.raises(GraphError, match="needs a login"):
        graph.rtsp("gate", "rtsp://h/1?pwd={password}")


@pytest.mark.parametrize(
    ("url", "login", "said"),
    [
        ("rtsp://me:word@h/1?user=me&pwd=hidden", None, "give the login once"),
        ("rtsp://h/1?user=me&pwd=hidden", "env:DOOR", "give the login once"),
        ("rtsp://h/1?user={user}&pwd=hidden", "env:DOOR", "give the login once"),
        ("rtsp:/h/1?pwd=hidden", None, "is not an RTSP address"),
    ],
)
def test_a_second_login_is_refused_and_not_shown(url: str, login: str | None, said: str) -> None:
    with pytest.raises(GraphError, match=said) as raised:
        GraphBuilder().rtsp("door", url, login=login)
    assert "hidden" not in str(raised.value)


def test_references_are_resolved_when_asked(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    (tmp_path / "login").write_text("file-user:file-word\n")
    monkeypatch.setenv("DOOR", "env-user:env-word")
    graph = GraphBuilder()
    graph.rtsp("a", "rtsp://h/1", login="env:DOOR")
    graph.rtsp("b", "rtsp://h/2", login=f"file:{tmp_path}/login")
    assert set(graph.resolve_secrets().values()) == {"env-user:env-word", "file-user:file-word"}


@pytest.mark.parametrize(
    ("url", "named"),
    [
        ("http://h/1", "rtsp://host"),
        ("rtsp:/h", "rtsp://host"),
        ("rtsp://", "rtsp://host"),
        ("", "rtsp://host"),
        ("rtsp://h:badport/1", "port"),
        ("rtsp://h:99999/1", "port"),
        ("rtsp://[::1/1", "rtsp://host"),
    ],
)
def test_a_wrong_address_names_the_stream_and_the_remedy(url: str, named: str) -> None:
    with pytest.raises(GraphError, match=r"'door'") as raised:
        GraphBuilder().rtsp("door", url)
    assert named in str(raised.value)


@pytest.mark.parametrize("word", ["hun/ter2", "12/ter2", "12?ter2", "hun#ter2"])
def test_an_address_that_is_not_understood_shows_nothing_of_its_login(word: str) -> None:
    with pytest.raises(GraphError, match="percent-encoded") as raised:
        GraphBuilder().rtsp("door", f"rtsp://me:{word}@host/1")
    for part in ("hun", "12", "ter2"):
        assert part not in str(raised.value)


def test_a_login_file_that_is_no_text_is_named_and_none_of_it_kept(tmp_path: Path) -> None:
    file = tmp_path / "login"
    file.write_bytes(b"me:hunter2\xff")
    graph = GraphBuilder()
    graph.rtsp("door", "rtsp://h/1", login=f"file:{file}")
    with pytest.raises(GraphError, match="holds no text") as raised:
        graph.resolve_secrets()
    assert raised.value.__cause__ is raised.value.__context__ is None


def test_a_login_in_the_environment_that_is_no_text_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOOR_LOGIN", os.fsdecode(b"me:hunter2\xff"))
    graph = GraphBuilder()
    graph.rtsp("door", "rtsp://h/1", login="env:DOOR_LOGIN")
    with pytest.raises(GraphError, match="DOOR_LOGIN holds no text") as raised:
        graph.resolve_secrets()
    assert "hunter2" not in str(raised.value)
    assert raised.value.__cause__ is raised.value.__context__ is None


@pytest.mark.parametrize("name", ["", "a b", "-x", "ä", "x" * 65, "a/b"])
def test_a_name_must_be_usable_as_an_id(name: str) -> None:
    with pytest.raises(GraphError, match="name of a stream"):
        GraphBuilder().rtsp(name, "rtsp://h/1")


def test_two_streams_of_one_name_are_refused() -> None:
    graph = GraphBuilder()
    graph.rtsp("door", "rtsp://h/1")
    with pytest.raises(GraphError, match="two streams are named 'door'"):
        graph.rtsp("door", "rtsp://h/2")


@pytest.mark.parametrize("login", ["me:word", "keyring:door", "door"])
def test_a_login_must_be_a_reference_and_its_value_is_not_shown(login: str) -> None:
    with pytest.raises(GraphError, match="must be a reference") as raised:
        GraphBuilder().rtsp("door", "rtsp://h/1", login=login)
    assert "word" not in str(raised.value)


def test_a_reference_to_nothing_is_named() -> None:
    graph = GraphBuilder()
    graph.rtsp("door", "rtsp://h/1", login="env:CAMGRAPH_UNSET_IN_TESTS")
    with pytest.raises(GraphError, match="CAMGRAPH_UNSET_IN_TESTS"):
        graph.resolve_secrets()


def test_a_reference_that_is_known_elsewhere_need_not_be_known_here(monkeypatch: pytest.MonkeyPatch) -> None:
    first = GraphBuilder()
    first.rtsp("door", "rtsp://me:word@h/1")
    first.rtsp("yard", "rtsp://h/2", login="env:CAMGRAPH_UNSET_IN_TESTS")
    again = GraphBuilder.from_spec(first.spec)
    known = {"url:door", "env:CAMGRAPH_UNSET_IN_TESTS"}
    assert again.resolve_secrets(known=known) == {}
    monkeypatch.setenv("CAMGRAPH_UNSET_IN_TESTS", "me:new")
    assert again.resolve_secrets(known=known) == {"env:CAMGRAPH_UNSET_IN_TESTS": "me:new"}
    with pytest.raises(GraphError, match="url:door"):
        again.resolve_secrets()


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"format": "rgb"}, "format 'rgb'"),
        ({"size": (0, 10)}, "size"),
        ({"size": (1.5, 10)}, "size"),
        ({"size": 640}, "size"),
        ({"fps": 0}, "fps"),
        ({"fps": float("nan")}, "fps"),
        ({"policy": "all"}, "policy"),
        ({"leases": 0}, "leases"),
        ({"leases": 2.5}, "leases"),
    ],
)
def test_a_request_that_no_ring_can_serve_names_the_argument(arguments, named: str) -> None:
    with pytest.raises(GraphError, match=named):
        Stream("door").frames(**arguments)


def test_a_request_is_a_value() -> None:
    request = Stream("door").frames(size=(640, 360), format="bgr24", fps=5)
    assert request == FrameRequest(stream="door", size=(640, 360), format="bgr24", fps=5)
    assert hash(request) == hash(Stream("door").frames(size=(640, 360), format="bgr24", fps=5))


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ('{"version": 2}', "version 2"),
        ('{"version": 1, "nodes": [{"type": "rtsp", "id": "a", "url": 7}]}', r"nodes\[0\]"),
        ('{"version": 1, "nodes": [{"type": "rtsp", "id": "a", "url": "rtsp://u:p@h/1"}]}', "password"),
        ('{"nodes": [{"type": "tape"}]}', "tape"),
        ("{", "can't be read"),
    ],
)
def test_a_stored_graph_that_is_wrong_names_the_place(text: str, named: str) -> None:
    with pytest.raises(GraphError, match=named):
        GraphSpec.from_json(text)


def test_a_stored_graph_of_two_equal_names_is_refused() -> None:
    node = RtspSource(id="a", url="rtsp://h/1")
    with pytest.raises(GraphError, match="two streams"):
        GraphSpec.from_json(GraphSpec(nodes=(node, node)).to_json())


def test_what_was_declared_can_be_removed_unless_others_are_fed_by_it() -> None:
    graph = GraphBuilder()
    door = graph.rtsp("door", "rtsp://user:secret@10.0.0.1/1")
    graph.gate("night", door)
    with pytest.raises(GraphError, match="'door' can't be removed while 'night' is fed by it"):
        graph.remove("door")
    graph.remove("night")
    graph.remove("door")
    assert graph.spec.nodes == ()
    assert graph.resolve_secrets() == {}
    with pytest.raises(GraphError, match="'door' can't be removed; the graph has: nothing"):
        graph.remove("door")
    graph.rtsp("door", "rtsp://10.0.0.2/1")


def test_rates_may_be_numbers_of_numpy() -> None:
    graph = GraphBuilder()
    door = graph.rtsp("door", "rtsp://h/1")
    slow = graph.rate("slow", door, np.float64(2.5))
    assert GraphSpec.from_json(graph.spec.to_json()) == graph.spec
    request = slow.frames(fps=np.float64(2))
    assert msgspec.json.decode(msgspec.json.encode(request), type=FrameRequest) == request


def test_an_address_is_no_file() -> None:
    with pytest.raises(GraphError, match="'clip': its path is an address; declare it with `http`") as told:
        GraphBuilder().file("clip", "http://user:word@h/clip.mp4")
    assert "word" not in str(told.value)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"keep_warm": "yes"}, "stream 'x': keep_warm: expected `bool`, got `str`"),
        ({"own_process": 1}, "stream 'x': own_process: expected `bool`, got `int`"),
        ({"show_damaged": np.True_}, "stream 'x': .*numpy"),
    ],
)
def test_an_option_of_another_type_is_named(options: dict[str, object], told: str) -> None:
    graph = GraphBuilder()
    with pytest.raises(GraphError, match=told):
        graph.test_picture("x", **options)  # type: ignore[arg-type]
    assert graph.spec.nodes == ()
    spec = GraphSpec(nodes=(SyntheticSource(id="x", **options),))  # type: ignore[arg-type]
    with pytest.raises(GraphError, match=told):
        GraphBuilder.from_spec(spec)


def test_filters_take_streams_by_name_too_and_sizes_may_be_numbers_of_numpy() -> None:
    graph = GraphBuilder()
    graph.rtsp("door", "rtsp://10.0.0.1/1")
    night = graph.gate("night", "door")
    assert graph.spec.nodes[1] == Gate(id="night", source="door")
    request = night.frames(size=[np.int64(320), np.int32(180)], roi=np.array([0, 0, 64, 48]))  # type: ignore[arg-type]
    assert (request.size, request.roi) == ((320, 180), (0, 0, 64, 48))
    assert {type(side) for side in (*(request.size or ()), *(request.roi or ()))} == {int}
    with pytest.raises(GraphError, match="must be"):
        night.frames(size=320)  # type: ignore[arg-type]


def test_a_branch_that_is_used_keeps_its_fork() -> None:
    graph = GraphBuilder()
    branches = graph.fork("split", graph.rtsp("door", "rtsp://10.0.0.1/1"), ["a", "b"])
    graph.rate("slow", branches["b"], 5)
    with pytest.raises(GraphError, match="'split' can't be removed while 'slow' is fed by it"):
        graph.remove("split")
    graph.remove("slow")
    graph.remove("split")


def test_a_kind_of_node_that_is_none_is_answered_with_those_there_are() -> None:
    with pytest.raises(
        GraphError, match="choose one of rtsp, sdp, http, file, v4l2, synthetic, gate, rate, fork"
    ):
        GraphSpec.from_json('{"nodes": [{"type": "rtps", "id": "a", "url": "rtsp://h/1"}]}')
    with pytest.raises(GraphError, match="there is nothing in it"):
        GraphSpec.from_yaml(b"\n")


@pytest.mark.parametrize(
    "url", ["rtsp://me:hidden@h/1", "rtsp://h/1?pwd=hidden", "rtsp://a:b@h/1?pwd=hidden"]
)
def test_a_stored_graph_with_a_password_is_refused(url: str) -> None:
    with pytest.raises(GraphError, match="carries a password") as raised:
        GraphBuilder.from_spec(GraphSpec(nodes=(RtspSource(id="door", url=url),)))
    assert "hidden" not in str(raised.value)


def test_packets_are_asked_for_without_region_and_rate() -> None:
    request = Stream("door").packets()
    assert (request.stream, request.format, request.policy, request.leases) == ("door", "nal", "every", 16)
    assert Stream("door").packets(format="fmp4", policy="latest", leases=2).format == "fmp4"
    check_request(msgspec.structs.replace(request, size=(100_000, 1)))
    for wrong in (
        {"fps": 5.0},
        {"roi": (0, 0, 8, 8)},
        {"size": (640, 360)},
        {"format": "mkv"},
        {"leases": 0},
    ):
        with pytest.raises(GraphError, match=r"^frames of 'door': "):
            check_request(msgspec.structs.replace(request, **wrong))
