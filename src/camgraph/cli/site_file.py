"""A site as a file: its graph in YAML or JSON."""

import os
from pathlib import Path

import msgspec

from camgraph.base.errors import GraphError
from camgraph.graph.nodes import FileSource, Node, SdpSource
from camgraph.graph.spec import GraphSpec

_JSON, _YAML = (".json",), (".yaml", ".yml")


def read_spec(path: Path) -> GraphSpec:
    """Return the graph in a file; raise GraphError, naming the file and the place in it.

    The name's ending says which language it is, or else how the text begins. Paths in it are taken from the
    folder that it lies in.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise GraphError(f"{path} can't be read: {error.strerror}") from error
    is_json = path.suffix in _JSON or (path.suffix not in _YAML and data.lstrip().startswith(b"{"))
    try:
        spec = GraphSpec.from_json(data) if is_json else GraphSpec.from_yaml(data)
    except GraphError as error:
        raise GraphError(f"{path}: {error}") from error
    return msgspec.structs.replace(spec, nodes=tuple(_placed(node, path.parent) for node in spec.nodes))


def _placed(node: Node, folder: Path) -> Node:
    if isinstance(node, FileSource | SdpSource):
        return msgspec.structs.replace(node, path=os.path.abspath(folder / node.path))
    return node
