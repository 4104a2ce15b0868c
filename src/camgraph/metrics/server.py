"""The endpoint from which Prometheus fetches a site's numbers: HTTP, in threads of its own."""

import logging
import select
import socket
import sys
import threading
from socketserver import TCPServer, ThreadingMixIn
from types import TracebackType
from typing import Self

from prometheus_client import CollectorRegistry, MetricsHandler

from camgraph.base.parking import close_in_children
from camgraph.base.wakeup import Wakeup
from camgraph.client.site import Site
from camgraph.metrics.collector import SiteCollector

_log = logging.getLogger(__name__)

_SILENT_CLIENT_S = 5.0
_ENDS_WITHIN_S = 2.0


class _Handler(MetricsHandler):
    timeout = _SILENT_CLIENT_S


class _Server(ThreadingMixIn, TCPServer):
    # Not http.server's: that looks its own name up, which may take long.
    allow_reuse_address = True
    daemon_threads = True
    timeout = 0.0

    def handle_error(self, request: object, client_address: object) -> None:
        expected = isinstance(sys.exception(), OSError)
        _log.log(logging.DEBUG if expected else logging.ERROR, "a request failed", exc_info=True)


class _Server6(_Server):
    address_family = socket.AF_INET6


class MetricsServer:
    """Answers every GET with the numbers of the moment, until `close` or the end of the site."""

    def __init__(self, site: Site, port: int, address: str) -> None:
        registry = CollectorRegistry()
        registry.register(SiteCollector(site))
        handler = type("Handler", (_Handler,), {"registry": registry})
        self._server = (_Server6 if ":" in address else _Server)((address, port), handler)
        # A connection may be gone again before it is accepted.
        self._server.socket.setblocking(False)
        close_in_children(self._server.socket)
        self.port: int = self._server.server_address[1]
        """The TCP port that it listens at."""
        self._ending = Wakeup()
        self._thread = threading.Thread(target=self._serve, name=f"camgraph-{site.name}-metrics", daemon=True)
        self._thread.start()
        self._forget = site.on_close(self.close)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Listen no more; closing twice does nothing. An answer that is on its way is finished."""
        self._forget()
        self._ending.set()
        self._thread.join(_ENDS_WITHIN_S)

    def _serve(self) -> None:
        # Not select(), which knows no descriptor above 1023.
        poll = select.poll()
        for one in (self._ending, self._server):
            poll.register(one.fileno(), select.POLLIN)
        try:
            while self._ending.fileno() not in dict(poll.poll()):
                self._server.handle_request()
        finally:
            self._server.server_close()
            self._ending.close()


def serve(site: Site, port: int, *, address: str = "127.0.0.1") -> MetricsServer:
    """Have Prometheus fetch the numbers of a site at ``http://address:port/metrics``; return at once.

    Port 0 is one that is free. Nobody is asked who he is: give another address than this machine's own only
    where everybody there may know. Raises OSError if address and port can't be had.
    """
    return MetricsServer(site, port, address)
