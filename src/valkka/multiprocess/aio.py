"""Back ends with an asyncio loop."""

import asyncio
import functools
import logging
import os
import pickle
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from valkka.multiprocess.pipes import Duplex, private_pipes, size_after, to8ByteMessage
from valkka.multiprocess.process import MessageObject, MessageProcess

Routine = Callable[..., Coroutine[Any, Any, Any]]


def exclog(coroutine: Routine) -> Routine:
    """Decorate a coroutine method: its exceptions are logged, and go no further."""

    @functools.wraps(coroutine)
    async def logged(self: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return await coroutine(self, *args, **kwargs)
        except Exception as error:
            _log_of(self).critical("%s failed: %r", coroutine.__qualname__, error, exc_info=True)

    return logged


def exclogmsg(coroutine: Routine) -> Routine:
    """As `exclog`, and ``MessageObject("error", slot=…, error=…)`` is sent; needs a keyword `slot`."""

    @functools.wraps(coroutine)
    async def told(self: Any, *args: Any, slot: Any, **kwargs: Any) -> Any:
        try:
            return await coroutine(self, *args, slot=slot, **kwargs)
        except Exception as error:
            _log_of(self).critical("%s failed: %r", coroutine.__qualname__, error, exc_info=True)
            await self.send_out__(MessageObject("error", slot=slot, error=str(error)))

    return told


def _log_of(thing: Any) -> logging.Logger:
    logger = getattr(thing, "logger", None)
    return logger if isinstance(logger, logging.Logger) else logging.getLogger(type(thing).__name__)


class AsyncBackMessageProcess(MessageProcess):
    """Its back end is an asyncio loop: `asyncPre__`, `asyncPost__` and all `c__<command>` are coroutines."""

    front_pipe: Duplex
    back_pipe: Duplex

    def __init__(self, name: str = "AsyncMessageProcess") -> None:
        super().__init__(name)

    def _make_pipes(self) -> tuple[Duplex, Duplex]:
        return private_pipes()

    def _started(self) -> None:
        # The other end of the pipe stays open: this process says no last word, and who selects on the pipe
        # doesn't expect its end.
        self.back_pipe_internal.close()
        assert self._pidfd is not None
        self.front_pipe.end_with(self._pidfd)

    def _is_silent(self) -> bool:
        return False

    def getPipe(self) -> Duplex:
        """Return what to select on and to receive from: what the back end sends."""
        return self.front_pipe

    def getReadFd(self) -> int:
        """Return the descriptor to read from."""
        return self.front_pipe.getReadFd()

    def getWriteFd(self) -> int:
        """Return the descriptor to write to."""
        return self.front_pipe.getWriteFd()

    # Back end.

    def run(self) -> None:
        """The back end from its begin to its end."""
        self._heed_sigint()
        self.preRun__()
        try:
            asyncio.run(self._main())
        except KeyboardInterrupt:
            self.logger.info("%s: interrupted", self.pre)
        self.postRun__()

    async def asyncPre__(self) -> None:
        """Override: runs first in the loop."""

    async def asyncPost__(self) -> None:
        """Override: runs last in the loop."""

    def readPipes__(self, timeout: float) -> None:
        """There's no such thing here: the loop reads."""
        raise RuntimeError("the loop reads the pipes of this process: add readers to it")

    async def routeMainPipe__(self, obj: MessageObject | None) -> None:  # type: ignore[override]
        """Await the handler of a command with its arguments; None ends the loop."""
        if obj is None:
            self.loop = False
            return
        handler = self._handler_of(obj)
        if handler is not None:
            try:
                await handler(**obj.kwargs)
            except Exception as error:
                self.logger.critical("%s: %s failed: %r", self.pre, obj, error, exc_info=True)

    async def send_out__(self, obj: Any) -> None:  # type: ignore[override]
        """Send an object to the front end's pipe."""
        rest = memoryview(to8ByteMessage(obj))
        async with self._sending:
            while rest:
                try:
                    rest = rest[os.write(self.back_pipe.write_fd, rest) :]
                except BlockingIOError:
                    await _until(self.back_pipe.write_fd, writable=True)

    async def c__ping(self, lis: Any = ()) -> None:  # type: ignore[override]
        """Answer with a pong."""
        print("c__ping:", lis)
        await self.send_out__(MessageObject("pong", lis=[1, 2, 3]))

    async def _main(self) -> None:
        self.loop = asyncio.get_running_loop()
        self._sending = asyncio.Lock()
        try:
            await self.asyncPre__()
        except Exception as error:
            self.logger.critical("%s: asyncPre__ failed: %r", self.pre, error, exc_info=True)
        try:
            while self.loop:
                size = size_after(await self._read(8))
                await self.routeMainPipe__(pickle.loads(await self._read(size)))
        except EOFError:
            self.logger.debug("%s: the front end is gone", self.pre)
        await self.asyncPost__()

    async def _read(self, size: int) -> bytes:
        got = bytearray()
        while len(got) < size:
            try:
                some = os.read(self.back_pipe.read_fd, size - len(got))
            except BlockingIOError:
                await _until(self.back_pipe.read_fd)
            else:
                if not some:
                    raise EOFError
                got += some
        return bytes(got)


def _until(fd: int, writable: bool = False) -> Awaitable[None]:
    """Return what is done once a descriptor can be read, or written."""
    loop = asyncio.get_running_loop()
    ready: asyncio.Future[None] = loop.create_future()
    add, remove = (loop.add_writer, loop.remove_writer) if writable else (loop.add_reader, loop.remove_reader)

    def come() -> None:
        if not ready.done():
            ready.set_result(None)

    add(fd, come)
    ready.add_done_callback(lambda _: remove(fd))
    return ready
