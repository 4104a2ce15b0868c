"""Running a back end, from the making of its instance to the exit code."""

from collections.abc import Callable, Collection
from typing import Any

from camgraph.process.back import BackEnd, Made
from camgraph.process.declare import AsyncMessageProcess
from camgraph.process.handler import Handler


def run_back_end(back: BackEnd, unpack: Callable[[], Made], watched: Collection[Any] = ()) -> int:
    """Make the instance, run it to its end, and return the exit code.

    `unpack` returns the class and the arguments of its constructor; what it raises is reported too. `watched`
    are the requests that it watches from the start.
    """
    try:
        made = back.made(unpack)
        if made is not None and issubclass(made[0], AsyncMessageProcess):
            # It is there where it is wanted; other back ends need not load asyncio.
            from camgraph.process.tasks import live_in_asyncio

            live_in_asyncio(back, made, watched)
        elif made is not None:
            _live(back, made, watched)
    finally:
        code = back.close()
    return code


def _live(back: BackEnd, made: Made, watched: Collection[Any]) -> None:
    instance = back.make_instance(made)
    if instance is not None and back.run_handler(Handler("setup", instance.setup)):
        back.tell_ready(watched)
        while not back.ended:
            back.loop.run_once(None)
        back.run_handler(Handler("cleanup", instance.cleanup))
