"""Where the host of a URL is, or why nobody knows."""

import socket
from urllib.parse import urlsplit

from camgraph.base.errors import SourceRefused, SourceUnavailable
from camgraph.media.hangs import name_look_up
from camgraph.media.sources.connecting import Resolved
from camgraph.media.sources.faults import Address


def look_up(url: str, default_port: int) -> tuple[Address, list[Resolved]]:
    """Return the address in a URL without login, and the host's addresses; waits for name servers.

    Raises SourceUnavailable if there are none, SourceRefused if it is no URL.
    """
    try:
        parts = urlsplit(url)
        address = Address(url, parts.hostname or "", parts.port or default_port)
        with name_look_up():
            found = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
    except socket.gaierror as error:
        if error.errno == socket.EAI_AGAIN:
            raise SourceUnavailable(
                f"No name server tells the address of {address.host}: is the network up?",
                reason="name_no_answer",
            ) from error
        raise SourceUnavailable(
            f"The name {address.host} has no address: is it written right in {url}?", reason="name_not_found"
        ) from error
    except ValueError as error:
        scheme = url.partition(":")[0]
        raise SourceRefused(
            f"{url} is not an address: write {scheme}://host[:port]/path.", reason="not_an_address"
        ) from error
    return address, [(family, target) for family, _, _, _, target in found]
