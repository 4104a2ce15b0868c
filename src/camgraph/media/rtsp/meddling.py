"""What may come between the server's streams and their clients: for cameras that have faults on command."""

from typing import Protocol

from camgraph.media.rtsp.message import Request


class Client(Protocol):
    """A connection of the server's, as who meddles sees it."""

    def session(self) -> str:
        """Return the name of the client's session, empty without one."""

    def write(self, data: bytes) -> bool:
        """Send bytes of the signalling; return whether the connection is still there."""

    def end_session(self) -> None:
        """Send the client nothing more of its stream."""

    def reset(self) -> None:
        """Close the connection by a TCP reset."""


class Meddler(Protocol):
    """Takes part in what clients of one stream are answered."""

    def meets(self, request: Request, client: Client) -> bool:
        """Deal with a request, before login and all else; return whether the server has no more to do."""

    def describes(self, description: str) -> str:
        """Return what to send in place of the stream's description."""
