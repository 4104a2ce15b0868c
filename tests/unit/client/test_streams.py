"""The table of a site's streams."""

from typing import cast

from camgraph.client.site import Site
from camgraph.client.statuses import StatusBoard
from camgraph.client.streams import StreamTable


def test_who_goes_through_the_streams_sees_them_as_they_were() -> None:
    streams = StreamTable(cast("Site", None), StatusBoard([]))
    streams.set_names(["door", "yard"])
    found = []
    for name, stream in streams.items():
        streams.set_names(["gate"])
        found.append((name, stream.name))
    assert found == [("door", "door"), ("yard", "yard")]
    assert [stream.name for stream in streams.values()] == list(streams) == ["gate"]
