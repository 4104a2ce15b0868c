"""Changes to a graph as data: what one declaration changes of another, and what commands make of it."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from camgraph.base.errors import GraphError
from camgraph.graph.changes import (
    AttachBranch,
    GraphDiff,
    NodeCommand,
    OpenGate,
    ResendHeaders,
    ResetMovement,
    SetRate,
    SetSource,
    commanded,
    diff,
    node_of,
    source_of,
)
from camgraph.graph.nodes import Fork, Gate, Movement, Publish, Rate, RtspSource
from camgraph.graph.spec import GraphSpec, check_spec

SPEC = GraphSpec(
    nodes=(
        RtspSource(id="door", url="rtsp://h/1"),
        Gate(id="night", source="door"),
        Rate(id="slow", source="night", fps=5),
        Fork(id="both", source="slow", branches=("seen", "kept", "sent")),
        Movement(id="moves", source="door", every_ms=200, threshold=0.01, ends_after_ms=2000),
        Publish(id="shared", source="door", ring="shared", format="fmp4"),
    )
)
sources = st.lists(
    st.builds(
        RtspSource,
        id=st.sampled_from(["a", "b", "c", "d", "e"]),
        url=st.sampled_from(["rtsp://h/1", "rtsp://h/2"]),
        own_process=st.booleans(),
    ),
    unique_by=lambda node: node.id,
)
graphs = st.builds(lambda nodes: GraphSpec(nodes=tuple(nodes)), sources)
commands = st.one_of(
    st.builds(OpenGate, node=st.just("night"), opened=st.booleans()),
    st.just(ResetMovement(node="moves")),
    st.just(ResendHeaders(node="shared")),
    st.builds(SetRate, node=st.just("slow"), fps=st.floats(0.1, 1000)),
    st.builds(
        AttachBranch,
        node=st.just("both"),
        branch=st.sampled_from(["seen", "kept", "sent"]),
        attached=st.booleans(),
    ),
    st.builds(
        SetSource,
        node=st.just("door"),
        decode=st.sampled_from(["all", "keyframes", msgspec.UNSET]),
        decode_fps=st.sampled_from([None, 5.0, msgspec.UNSET]),
        keep_warm=st.sampled_from([False, True, msgspec.UNSET]),
        show_damaged=st.sampled_from([False, True, msgspec.UNSET]),
    ),
)


@given(graphs, graphs)
def test_every_node_is_in_one_group_and_the_groups_turn_one_graph_into_the_other(
    before: GraphSpec, after: GraphSpec
) -> None:
    changes = diff(before, after)
    old, new = ({node.id: node for node in spec.nodes} for spec in (before, after))
    groups = [*changes.added, *changes.removed, *changes.changed, *changes.unchanged]
    assert len(groups) == len(set(groups))
    assert set(groups) == set(old) | set(new)
    assert set(changes.added) == set(new) - set(old)
    assert set(changes.removed) == set(old) - set(new)
    patched = {name: node for name, node in old.items() if name not in changes.removed}
    patched |= {name: new[name] for name in (*changes.added, *changes.changed)}
    assert patched == new
    assert all(old[name] != new[name] for name in changes.changed)
    again = diff(after, before)
    assert (set(again.added), set(again.removed)) == (set(changes.removed), set(changes.added))
    assert set(again.changed) == set(changes.changed)


def test_order_alone_changes_nothing() -> None:
    turned = msgspec.structs.replace(SPEC, nodes=SPEC.nodes[::-1])
    assert diff(SPEC, turned) == GraphDiff(unchanged=("shared", "moves", "both", "slow", "night", "door"))


@given(st.lists(commands, max_size=10))
def test_commands_change_their_node_and_nothing_else(story: list[NodeCommand]) -> None:
    spec = SPEC
    for command in story:
        after = commanded(spec, command)
        check_spec(after)
        assert set(diff(spec, after).changed) <= {command.node}
        counts = isinstance(command, ResetMovement | ResendHeaders)
        assert (commanded(after, command) == after) is not counts
        spec = after
    opened = [command.opened for command in story if isinstance(command, OpenGate)]
    assert node_of(spec, "night", Gate).opened == ([True, *opened][-1])
    resets = sum(isinstance(command, ResetMovement) for command in story)
    assert node_of(spec, "moves", Movement).resets == resets
    resent = sum(isinstance(command, ResendHeaders) for command in story)
    assert node_of(spec, "shared", Publish).headers == resent
    rates = [command.fps for command in story if isinstance(command, SetRate)]
    assert node_of(spec, "slow", Rate).fps == ([5.0, *rates][-1])
    attached = {"seen": True, "kept": True, "sent": True}
    attached |= {command.branch: command.attached for command in story if isinstance(command, AttachBranch)}
    detached = node_of(spec, "both", Fork).detached
    assert sorted(detached) == sorted(branch for branch, is_attached in attached.items() if not is_attached)
    for option in ("decode", "decode_fps", "keep_warm", "show_damaged"):
        given = [getattr(command, option) for command in story if isinstance(command, SetSource)]
        before = [getattr(source_of(SPEC, "door"), option)]
        told = [value for value in given if value is not msgspec.UNSET]
        assert getattr(source_of(spec, "door"), option) == [*before, *told][-1]


@given(commands)
def test_a_command_stays_the_same_on_its_way(command: NodeCommand) -> None:
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(command), type=NodeCommand) == command


@pytest.mark.parametrize(
    ("command", "named"),
    [
        (OpenGate(node="slow", opened=True), "no gate is named 'slow'; the graph has: night"),
        (OpenGate(node="attic", opened=True), "no gate is named 'attic'"),
        (SetRate(node="night", fps=5), "no rate is named 'night'; the graph has: slow"),
        (SetRate(node="slow", fps=0), "rate 'slow': fps 0"),
        (SetRate(node="slow", fps=float("inf")), "rate 'slow': fps inf"),
        (ResetMovement(node="night"), "no movement is named 'night'; the graph has: moves"),
        (ResendHeaders(node="moves"), "no publish is named 'moves'; the graph has: shared"),
        (SetSource(node="night", decode="all"), "no camera is named 'night'; the graph has: door"),
        (SetSource(node="door", decode_fps=0), "stream 'door': decode_fps 0"),
        (AttachBranch(node="door", branch="seen", attached=True), "no fork is named 'door'"),
        (AttachBranch(node="both", branch="lost", attached=True), "fork 'both' has no branch 'lost'"),
        (AttachBranch(node="both", branch="lost", attached=False), "it has: seen, kept, sent"),
    ],
)
def test_a_command_that_no_node_takes_names_node_and_remedy(command: NodeCommand, named: str) -> None:
    with pytest.raises(GraphError, match=named):
        commanded(SPEC, command)
