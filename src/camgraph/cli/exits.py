"""Exit codes, and errors as one sentence instead of a traceback."""

from collections.abc import Iterator
from contextlib import contextmanager

import typer
from rich.console import Console

from camgraph.base.errors import CamgraphError, GraphError, InternalError, MissingDependency
from camgraph.cli.camera_child import CamerasFailed

JOB_FAILED = 1
BAD_ARGUMENTS = 2
MISSING_HERE = 3

_CODES: tuple[tuple[type[CamgraphError], int], ...] = (
    (GraphError, BAD_ARGUMENTS),
    (MissingDependency, MISSING_HERE),
    (CamgraphError, JOB_FAILED),
)


@contextmanager
def fail_with(console: Console) -> Iterator[None]:
    """Turn an error of ours into its sentence and its exit code; a bug of ours keeps its traceback."""
    try:
        yield
    except InternalError:
        raise
    except CamgraphError as error:
        console.print(str(error), style="red", markup=False, highlight=False)
        raise typer.Exit(_code_of(error)) from None


def _code_of(error: CamgraphError) -> int:
    if isinstance(error, CamerasFailed):
        return error.exit_code
    return next(code for kind, code in _CODES if isinstance(error, kind))
