"""Changes to a graph that runs: what a new declaration changes, and commands to single nodes."""

from typing import Any, TypeVar

import msgspec

from camgraph.base.errors import GraphError
from camgraph.graph.filter_values import check_branch
from camgraph.graph.nodes import Decode, Fork, Gate, Movement, Publish, Rate, Source
from camgraph.graph.spec import GraphSpec, check_node


class GraphDiff(msgspec.Struct, frozen=True, kw_only=True):
    """What one declaration changes of another: ids of nodes, each in one of four groups."""

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()


class OpenGate(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Open a gate, or close it."""

    node: str
    opened: bool


class SetRate(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Change a rate; `fps` in frames per second."""

    node: str
    fps: float


class AttachBranch(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Attach a branch of a fork, or detach it."""

    node: str
    branch: str
    attached: bool


class ResetMovement(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Have a movement node forget what it saw."""

    node: str


class ResendHeaders(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Have what a new listener of a published ring of packets needs come once more."""

    node: str


class SetSource(msgspec.Struct, frozen=True, kw_only=True, tag=True, omit_defaults=True):
    """Change what is decoded of a source, without opening it anew; what is left out stays as it is."""

    node: str
    decode: Decode | msgspec.UnsetType = msgspec.UNSET
    decode_fps: float | msgspec.UnsetType | None = msgspec.UNSET
    keep_warm: bool | msgspec.UnsetType = msgspec.UNSET
    show_damaged: bool | msgspec.UnsetType = msgspec.UNSET


NodeCommand = OpenGate | SetRate | AttachBranch | ResetMovement | ResendHeaders | SetSource
T = TypeVar("T")


def diff(before: GraphSpec, after: GraphSpec) -> GraphDiff:
    """Return what `after` changes of `before`, in the order of declaration."""
    old = {node.id: node for node in before.nodes}
    new = {node.id: node for node in after.nodes}
    both = [name for name in new if name in old]
    return GraphDiff(
        added=tuple(name for name in new if name not in old),
        removed=tuple(name for name in old if name not in new),
        changed=tuple(name for name in both if new[name] != old[name]),
        unchanged=tuple(name for name in both if new[name] == old[name]),
    )


def commanded(spec: GraphSpec, command: NodeCommand) -> GraphSpec:
    """Return the graph as it is after a command; raise GraphError if no such node can take it."""
    match command:
        case OpenGate(node=name, opened=opened):
            node_of(spec, name, Gate)
            return _with(spec, name, opened=opened)
        case SetRate(node=name, fps=fps):
            node_of(spec, name, Rate)
            return _with(spec, name, fps=fps)
        case AttachBranch(node=name, branch=branch, attached=attached):
            fork = node_of(spec, name, Fork)
            check_branch(fork, branch)
            detached = [other for other in fork.detached if other != branch] + [branch] * (not attached)
            return _with(spec, name, detached=tuple(detached))
        case ResetMovement(node=name):
            return _with(spec, name, resets=node_of(spec, name, Movement).resets + 1)
        case ResendHeaders(node=name):
            return _with(spec, name, headers=node_of(spec, name, Publish).headers + 1)
        case SetSource(node=name):
            source_of(spec, name)
            given = {field: getattr(command, field) for field in command.__struct_fields__ if field != "node"}
            return _with(
                spec, name, **{field: value for field, value in given.items() if value is not msgspec.UNSET}
            )


def source_of(spec: GraphSpec, name: str) -> Source:
    """Return a source; raise GraphError, naming those there are, if it is none."""
    sources = {node.id: node for node in spec.nodes if isinstance(node, Source)}
    if name not in sources:
        raise GraphError(f"no camera is named {name!r}; the graph has: {', '.join(sources) or 'none'}")
    return sources[name]


def node_of(spec: GraphSpec, name: str, kind: type[T]) -> T:
    """Return a node of a kind; raise GraphError, naming those there are, if it is none."""
    for node in spec.nodes:
        if node.id == name and isinstance(node, kind):
            return node
    known = ", ".join(node.id for node in spec.nodes if isinstance(node, kind)) or "none"
    raise GraphError(f"no {kind.__name__.lower()} is named {name!r}; the graph has: {known}")


def _with(spec: GraphSpec, name: str, **changes: Any) -> GraphSpec:
    nodes = []
    for node in spec.nodes:
        if node.id == name:
            node = msgspec.structs.replace(node, **changes)
            check_node(node)
        nodes.append(node)
    return msgspec.structs.replace(spec, nodes=tuple(nodes))
