"""The back ends of a program's processes: started by exec, watched, reaped, and started again."""

import os
import socket
import subprocess
from collections.abc import Callable

import msgspec

from camgraph.base.children import start_module
from camgraph.base.loop import Loop
from camgraph.control.channel import channel_pair
from camgraph.control.messages import ProcessExited, ProcessStarted, ProcessStopped, Spawn
from camgraph.graph.spec import FrameRequest
from camgraph.process.story import make_story, read_story, told_end
from camgraph.supervisor.child import Child
from camgraph.supervisor.ends import STAYED_STOPPED, told_crashes
from camgraph.supervisor.stops import StopWatch

STOP_GRACE_S = 2.0
NEVER_STARTED = 127

Tell = Callable[[ProcessStarted | ProcessStopped | ProcessExited, tuple[int, ...]], None]


class BackEnds:
    """Starts back ends, again too; `tell(message, descriptors)` gets `ProcessStarted`, `ProcessStopped`
    and `ProcessExited`.

    While the program does not read, as `reads()` says, of each back end only the last life waits to be told,
    by `catch_up`: deaths and starts must not pile up, each with a descriptor, for a program that is stopped.
    """

    def __init__(
        self, loop: Loop, *, site: str, tell: Tell, reads: Callable[[], bool] = lambda: True
    ) -> None:
        self._loop = loop
        self._site = site
        self._tell = tell
        self._reads = reads
        self._running: dict[str, _Spawned] = {}

    @property
    def pids(self) -> dict[str, int]:
        """Pids of those that run, by process id."""
        return {key: spawned.child.pid for key, spawned in self._running.items() if spawned.child.pid}

    @property
    def ended(self) -> bool:
        """None is left: none runs, and none is to be started again."""
        return not self._running

    def spawn(self, spawn: Spawn, payload: int) -> None:
        """Start a back end with its payload (a descriptor, which is closed here)."""
        spawned = _Spawned(
            self._loop, self._site, spawn, payload, tell=self._tell, reads=self._reads, over=self._over
        )
        self._running[spawn.process] = spawned
        spawned.begin()

    def catch_up(self) -> None:
        """Tell what has waited: the program reads again."""
        for spawned in list(self._running.values()):
            spawned.catch_up()

    def look_for_stops(self) -> None:
        """Tell which were stopped by a signal, or go on; to be asked after each SIGCHLD."""
        for spawned in list(self._running.values()):
            spawned.look_for_stop()

    def watch(self, process: str, watched: tuple[FrameRequest, ...]) -> None:
        """Know what a back end watches, for its next start."""
        if process in self._running:
            self._running[process].watched = watched

    def terminate(self, process: str, grace_s: float, *, renew: int = 0) -> None:
        """End one: SIGTERM now, SIGKILL after the grace; one that has ended is left alone.

        With the pid `renew` one that can be started again is killed at once, and is. Its successor is left
        alone.
        """
        spawned = self._running.get(process)
        if spawned is None:
            return
        if renew and spawned.restart:
            if spawned.child.pid == renew:
                spawned.child.kill()
        else:
            spawned.stop(grace_s)

    def stop(self) -> None:
        """End all, within the grace."""
        for spawned in list(self._running.values()):
            spawned.stop(STOP_GRACE_S)

    def kill(self) -> None:
        """End all now."""
        for spawned in self._running.values():
            spawned.child.kill()

    def _over(self, process: str) -> None:
        del self._running[process]


class _Spawned:
    """One back end in all its lives, and what each of them is started with."""

    def __init__(
        self,
        loop: Loop,
        site: str,
        spawn: Spawn,
        payload: int,
        *,
        tell: Tell,
        reads: Callable[[], bool],
        over: Callable[[str], None],
    ) -> None:
        self.watched = spawn.watched
        self.restart = spawn.restart
        self._site = site
        self._process = spawn.process
        self._payload = payload
        self._loop = loop
        self._tell = tell
        self._reads = reads
        self._over = over
        self._front_side: socket.socket | None = None
        self._untold_exit: ProcessExited | None = None
        self._untold_start: ProcessStarted | None = None
        self._last_pid, self._last_returncode = 0, NEVER_STARTED
        self._story, self._trace = -1, ""
        self._stops: StopWatch | None = None
        self._told_stopped = self._was_stuck = False
        self.child = Child(
            loop,
            name=f"back end {spawn.name}",
            restart=spawn.restart,
            launch=self._launch,
            on_started=self._started,
            on_exited=self._exited,
            on_not_started=self._not_started,
            explain=self._explain,
            is_told=True,
            crashes=spawn.crashes,
            within_s=spawn.within_s,
        )

    def begin(self) -> None:
        """Start it."""
        self.child.begin()

    def stop(self, grace_s: float) -> None:
        """End it for good, within the grace; at once if it was to be started again."""
        self.child.stop(grace_s)
        if self.child.life.state == "ended":
            self._end()

    def _launch(self) -> subprocess.Popen[bytes]:
        self._close_front_side()
        self._close_story()
        self._story = make_story()
        self._front_side, theirs = channel_pair()
        inherited = [self._story, theirs.fileno(), self._payload]
        with theirs:
            watched = _memfd_of(self.watched) if self.watched else -1
            try:
                return start_module(
                    "camgraph.client.backend",
                    [*map(str, (*inherited, watched, os.getpid())), self._site],
                    descriptors=[*inherited, watched] if self.watched else inherited,
                    hold_signals=True,
                    ends_with_us=True,
                )
            finally:
                if watched >= 0:
                    os.close(watched)

    def catch_up(self) -> None:
        """Tell of the last death and the last start what is not told yet."""
        if self._untold_exit is not None:
            self._tell(self._untold_exit, ())
            self._untold_exit = None
        if self._untold_start is not None:
            assert self._front_side is not None
            self._tell(self._untold_start, (self._front_side.fileno(),))
            self._close_front_side()
        if self._stops is not None and self._stops.stopped != self._told_stopped:
            self._told_stopped = self._stops.stopped
            self._tell(
                ProcessStopped(process=self._process, pid=self.child.pid, stopped=self._told_stopped), ()
            )

    def look_for_stop(self) -> None:
        """Find out whether it was stopped, or goes on."""
        if self._stops is not None:
            self._stops.look()

    def _catch_up_if_read(self) -> None:
        if self._reads():
            self.catch_up()

    def _started(self, pid: int) -> None:
        if not self.restart:
            self._close_payload()
        self._told_stopped = self._was_stuck = False
        self._stops = StopWatch(
            self._loop,
            self.child.pidfd,
            on_change=lambda stopped: self._catch_up_if_read(),
            on_stuck=self._kill_stuck if self.restart else None,
        )
        self._untold_start = ProcessStarted(process=self._process, pid=pid)
        self._catch_up_if_read()

    def _kill_stuck(self) -> None:
        if self.child.life.state == "running":
            self._was_stuck = True
            self.child.kill()

    def _not_started(self) -> None:
        # One that is tried again has nothing to tell: its program waits for it anyway.
        if self.child.life.state == "ended":
            self._end()

    def _explain(self, returncode: int, how: str) -> str:
        self._trace = read_story(self._story) if returncode < 0 else ""
        return STAYED_STOPPED if self._was_stuck else told_end(how, returncode, self._trace)

    def _exited(self, pid: int, returncode: int) -> None:
        if self._stops is not None:
            self._stops.close()
            self._stops = None
        self._close_story()
        self._last_pid, self._last_returncode = pid, returncode
        if returncode == 0:
            # It has come to its end, and has not failed.
            self.child.stop(0.0)
        if self.child.life.state == "ended":
            self._end()
        else:
            self._close_front_side()
            self._untold_exit = self._exit(restarts=True)
            self._catch_up_if_read()

    def _end(self) -> None:
        self._close_front_side()
        self._close_story()
        self._close_payload()
        self._over(self._process)
        self._tell(self._exit(restarts=False), ())

    def _exit(self, *, restarts: bool) -> ProcessExited:
        life = self.child.life
        too_often = life.crashed_too_often and self._last_returncode != 0
        return ProcessExited(
            process=self._process,
            pid=self._last_pid,
            returncode=self._last_returncode,
            how=told_crashes(life.crashes) if too_often else self.child.ended_how,
            trace=self._trace,
            restarts=restarts,
        )

    def _close_front_side(self) -> None:
        self._untold_start = None
        if self._front_side is not None:
            self._front_side.close()
            self._front_side = None

    def _close_story(self) -> None:
        if self._story >= 0:
            os.close(self._story)
            self._story = -1

    def _close_payload(self) -> None:
        if self._payload >= 0:
            os.close(self._payload)
            self._payload = -1


def _memfd_of(watched: tuple[FrameRequest, ...]) -> int:
    fd = os.memfd_create("camgraph-watched", os.MFD_CLOEXEC)
    try:
        view = memoryview(msgspec.json.encode(watched))
        while view:
            view = view[os.write(fd, view) :]
    except BaseException:
        os.close(fd)
        raise
    return fd
