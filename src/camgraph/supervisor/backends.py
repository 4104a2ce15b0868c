"""The back ends of a site's processes: started by exec, watched, reaped."""

import os
import subprocess
from collections.abc import Callable

from camgraph.base.children import start_module
from camgraph.base.loop import Loop
from camgraph.control.channel import channel_pair
from camgraph.control.messages import ProcessExited, ProcessStarted, Spawn
from camgraph.supervisor.child import Child

STOP_GRACE_S = 2.0


class BackEnds:
    """Starts back ends; `tell(message, descriptors)` gets `ProcessStarted` and `ProcessExited`."""

    def __init__(
        self,
        loop: Loop,
        *,
        site: str,
        tell: Callable[[ProcessStarted | ProcessExited, tuple[int, ...]], None],
    ) -> None:
        self._loop = loop
        self._site = site
        self._tell = tell
        self._children: dict[str, Child] = {}

    @property
    def pids(self) -> dict[str, int]:
        """Pids of those that run, by process id."""
        return {key: child.pid for key, child in self._children.items() if child.pid}

    @property
    def ended(self) -> bool:
        """None is left."""
        return not self._children

    def spawn(self, spawn: Spawn, payload: int) -> None:
        """Start a back end with its payload (a descriptor, which is closed here)."""

        def launch() -> subprocess.Popen[bytes]:
            ours, theirs = channel_pair()
            with ours, theirs:
                popen = start_module(
                    "camgraph.client.backend",
                    [str(theirs.fileno()), str(payload), str(os.getpid()), self._site],
                    descriptors=[theirs.fileno(), payload],
                    hold_signals=True,
                )
                self._tell(ProcessStarted(process=spawn.process, pid=popen.pid), (ours.fileno(),))
            return popen

        def exited(pid: int, returncode: int) -> None:
            del self._children[spawn.process]
            self._tell(ProcessExited(process=spawn.process, pid=pid, returncode=returncode), ())

        child = Child(
            self._loop,
            name=f"back end {spawn.name}",
            restart=False,
            launch=launch,
            on_started=lambda pid: None,
            on_exited=exited,
        )
        self._children[spawn.process] = child
        try:
            child.begin()
        finally:
            os.close(payload)
        if child.life.state == "ended":
            exited(0, 127)

    def terminate(self, process: str, grace_s: float) -> None:
        """End one: SIGTERM now, SIGKILL after the grace; one that has ended is left alone."""
        child = self._children.get(process)
        if child is not None:
            child.stop(grace_s)

    def stop(self) -> None:
        """End all, within the grace."""
        for child in list(self._children.values()):
            child.stop(STOP_GRACE_S)

    def kill(self) -> None:
        """End all now."""
        for child in self._children.values():
            child.kill()
