"""A stream on its way by drag and drop, within the program."""

import weakref

import msgspec
from qtpy.QtCore import QMimeData

from camgraph.client.site import Site
from camgraph.client.streams import LiveStream
from camgraph.qt import arguments

STREAM_MIME_TYPE = "application/x-camgraph-stream"

_sites: "weakref.WeakValueDictionary[str, Site]" = weakref.WeakValueDictionary()
"""Those whose streams were dragged, by name."""


class _Dragged(msgspec.Struct, frozen=True):
    site: str
    stream: str


def mime_of(stream: LiveStream) -> QMimeData:
    """Return what a drag of a stream carries: site and name as JSON, for others the name as text."""
    arguments.live(stream)
    _sites[stream.site.name] = stream.site
    mime = QMimeData()
    mime.setData(STREAM_MIME_TYPE, msgspec.json.encode(_Dragged(stream.site.name, stream.name)))
    mime.setText(stream.name)
    return mime


def stream_of(mime: QMimeData) -> LiveStream | None:
    """Return the stream that is dragged; None: it is none, or not one of a site of this program."""
    if not mime.hasFormat(STREAM_MIME_TYPE):
        return None
    try:
        dragged = msgspec.json.decode(bytes(mime.data(STREAM_MIME_TYPE).data()), type=_Dragged)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    site = _sites.get(dragged.site)
    return None if site is None else site.streams.get(dragged.stream)
