"""The errors of camgraph.

::

    CamgraphError
    ├ GraphError (ValueError)                        names the node and the remedy
    ├ SourceError                                    url without credentials, attempt
    │ ├ SourceUnavailable (ConnectionError)
    │ ├ SourceRefused (PermissionError)
    │ └ SourceTimeout (TimeoutError)
    ├ DecodeError
    ├ LeaseLimit (RuntimeError)                      more frames held than granted
    ├ WrongSide (RuntimeError)                       a back end's method called at the front, or the reverse
    ├ MissingDependency (ImportError)                names the extra that brings it
    ├ ClosedError                                    you closed it
    ├ BrokenError                                    the other side died, or refused
    ├ BackendRaised                                  remote traceback attached
    ├ BackendBusy (RuntimeError)                     it is behind by more calls than the bound
    ├ CannotTravel (TypeError)                       names what can't go to another process
    ├ CannotStart (RuntimeError)                     this program can't start processes; names the remedy
    └ InternalError                                  our bug: please report
"""


class CamgraphError(Exception):
    """Base of all errors that camgraph raises on purpose."""


class GraphError(CamgraphError, ValueError):
    """The declaration is wrong; the text names the node and the remedy."""


class SourceError(CamgraphError):
    """A stream can't be received. The text carries no credentials."""

    def __init__(self, sentence: str, *, reason: str) -> None:
        super().__init__(sentence)
        self.reason = reason
        """Machine-readable cause, as in `StreamStatus.reason`."""


class SourceUnavailable(SourceError, ConnectionError):
    """Nothing answers at the address, or the camera closed the connection."""


class SourceRefused(SourceError, PermissionError):
    """The camera answered and said no: login, path, or kind of media."""


class SourceTimeout(SourceError, TimeoutError):
    """The camera did not answer, or stopped sending, within the bound."""


class DecodeError(CamgraphError):
    """Packets arrive, and no decoder can make pictures of them."""


class LeaseLimit(CamgraphError, RuntimeError):
    """More frames are held than the ring granted: copy them, or ask for more leases."""


class WrongSide(CamgraphError, RuntimeError):
    """A method of the back end was called at the front end, or the reverse."""


class MissingDependency(CamgraphError, ImportError):
    """An optional library is not installed; the text says how to get it."""


class ClosedError(CamgraphError):
    """The object was closed by this program."""


class BrokenError(CamgraphError):
    """The process at the other side died or refused; the text says how."""


class BackendRaised(CamgraphError):
    """An exception left a method of a back end.

    `traceback` is the remote traceback as text; the remote exception itself stays where it was raised.
    """

    def __init__(self, summary: str, traceback: str) -> None:
        super().__init__(f"{summary}\n\n{traceback.rstrip()}")
        self.summary = summary
        self.traceback = traceback


class BackendBusy(CamgraphError, RuntimeError):
    """The back end is behind by more than is queued for it; the call was not taken."""


class CannotTravel(CamgraphError, TypeError):
    """A value can't be pickled for another process; the text names it and the remedy."""


class CannotStart(CamgraphError, RuntimeError):
    """This program, as it was put together, can't start a process; the text names the remedy."""


class InternalError(CamgraphError):
    """A state that must not occur: a bug of camgraph, please report it."""
