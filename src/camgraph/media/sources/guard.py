"""What a loop calls back for a stream: a bug of ours, or of the system, ends that stream and nothing else."""

import logging
import traceback
from collections.abc import Callable

from camgraph.base.errors import SourceError, SourceRefused, SourceUnavailable
from camgraph.base.redact import redact

_log = logging.getLogger(__name__)


class Guard:
    """Makes callbacks that raise nothing: `fail` is told, as the error that ends the stream of `name`."""

    def __init__(self, name: str, fail: Callable[[SourceError], None]) -> None:
        self._name, self._fail = name, fail

    def __call__(self, call: Callable[[], None]) -> Callable[[], None]:
        """Return a callback that does what `call` does."""

        def guarded() -> None:
            try:
                call()
            except SourceError as error:
                self._fail(error)
            except OSError as error:
                sentence = f"This machine can't receive from {self._name} ({error.strerror or error})."
                self._fail(SourceUnavailable(sentence, reason="no_socket"))
            except Exception:
                _log.error("%s: %s", self._name, redact(traceback.format_exc()))
                self._fail(
                    SourceRefused("A bug of camgraph ended the stream: please report it.", reason="internal")
                )

        return guarded
