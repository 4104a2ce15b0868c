"""Deaths and stops at random, of every part of a site: what the chaos test lets loose, and how it ends."""

import os
import random
import signal
import time
from collections.abc import Callable
from contextlib import suppress

from tests.faults.family import Process, age_s, family_of, gone
from tests.faults.watching import OutsideProgram, WallProgram

from camgraph.testing.cameras import Cameras
from camgraph.testing.waiting import wait_until

PAUSE_S = (0.2, 1.2)
STARTS_WITHIN_S = 20.0
FAMILY_ENDS_WITHIN_S = 5.0
AGE_S = 1.0
"""A supervisor that is stopped before it could ask the kernel to be killed with its owner outlives it: the
one gap that is known, of some 10 ms."""


class Storm:
    """Kills and stops for some seconds; every kind of harm is done before any is done again.

    `told` says what was done, with seconds since the beginning. Of the processes that are stopped, those
    that are watched (media processes, the supervisor) are in part never continued.
    """

    def __init__(
        self,
        seed: int,
        cameras: list[Cameras],
        start_wall: Callable[[], WallProgram],
        start_outside: Callable[[], OutsideProgram],
    ) -> None:
        self.told: list[str] = []
        self.walls = [start_wall()]
        # The other program joins a site that is there.
        wait_until(lambda: self.wall.lines or not self.wall.alive, STARTS_WITHIN_S, "the wall")
        self.outsides = [start_outside()]
        self._chance = random.Random(seed)
        self._cameras = cameras
        self._start_wall, self._start_outside = start_wall, start_outside
        self._later: list[tuple[float, Callable[[], None]]] = []
        self._began = time.monotonic()
        self._harms: tuple[Callable[[], None], ...] = (
            self._kill_media,
            self._kill_media,
            self._stop_media,
            self._stop_media_for_good,
            self._kill_supervisor,
            self._stop_supervisor,
            self._stop_supervisor_for_good,
            self._kill_analyzer,
            self._kill_analyzer,
            self._stop_analyzer,
            self._kill_cameras,
            self._stop_cameras,
            self._stop_wall,
            self._hang_wall,
            self._stop_outside,
            self._kill_outside,
        )

    @property
    def wall(self) -> WallProgram:
        """The program that owns the site now; those before it were killed."""
        return self.walls[-1]

    @property
    def outside(self) -> OutsideProgram:
        """The program that has joined the site now."""
        return self.outsides[-1]

    def rage(self, seconds: float) -> None:
        """Do harm for so long; in the middle the program is killed, and all that it owns is to end."""
        self._began = time.monotonic()
        middle, end = self._began + seconds / 2, self._began + seconds
        deck: list[Callable[[], None]] = []
        while (now := time.monotonic()) < end:
            self._catch_up(now)
            if now >= middle:
                middle = end
                self._replace_wall()
            if not deck:
                deck = self._chance.sample(self._harms, len(self._harms))
            deck.pop()()
            time.sleep(self._chance.uniform(*PAUSE_S))
        self._catch_up(float("inf"))

    def close(self) -> None:
        """End both programs, whatever state they are in."""
        self._catch_up(float("inf"))
        self.outside.close()
        self.wall.close()

    def _catch_up(self, now: float) -> None:
        due = [entry for entry in self._later if entry[0] <= now]
        self._later = [entry for entry in self._later if entry[0] > now]
        for _, action in due:
            action()

    def _tell(self, what: str) -> None:
        self.told.append(f"{time.monotonic() - self._began:6.2f} {what}")

    def _signal(self, process: Process | None, what: str, number: signal.Signals) -> bool:
        """Send a signal to a process that still is what it was."""
        if process is None:
            return False
        with suppress(ProcessLookupError):
            os.kill(process.pid, number)
            self._tell(f"{number.name} to {what} {process.pid}")
            return True
        return False

    def _stop(self, process: Process | None, what: str, longest_s: float) -> None:
        """SIGSTOP, and SIGCONT after a while."""
        if process is not None and self._signal(process, what, signal.SIGSTOP):
            due = time.monotonic() + self._chance.uniform(0.2, longest_s)
            self._later.append((due, lambda: self._continue(process, what)))

    def _continue(self, process: Process, what: str) -> None:
        self._signal(process, what, signal.SIGCONT)

    def _one_of(self, processes: list[Process]) -> Process | None:
        return self._chance.choice(processes) if processes else None

    def _kill_media(self) -> None:
        self._signal(self._one_of(family_of(self.wall.pid).media), "media process", signal.SIGKILL)

    def _stop_media(self) -> None:
        self._stop(self._one_of(family_of(self.wall.pid).media), "media process", 3.0)

    def _stop_media_for_good(self) -> None:
        self._signal(self._one_of(family_of(self.wall.pid).media), "media process", signal.SIGSTOP)

    def _kill_supervisor(self) -> None:
        self._signal(family_of(self.wall.pid).supervisor, "supervisor", signal.SIGKILL)

    def _stop_supervisor(self) -> None:
        supervisor = family_of(self.wall.pid).supervisor
        if supervisor is not None and age_s(supervisor.pid) > AGE_S:
            self._stop(supervisor, "supervisor", 3.0)

    def _stop_supervisor_for_good(self) -> None:
        supervisor = family_of(self.wall.pid).supervisor
        if supervisor is not None and age_s(supervisor.pid) > AGE_S:
            self._signal(supervisor, "supervisor", signal.SIGSTOP)

    def _kill_analyzer(self) -> None:
        self._signal(self._one_of(family_of(self.wall.pid).backends), "analyzer", signal.SIGKILL)

    def _stop_analyzer(self) -> None:
        self._stop(self._one_of(family_of(self.wall.pid).backends), "analyzer", 3.0)

    def _kill_cameras(self) -> None:
        cameras = self._chance.choice(self._cameras)
        if cameras.alive:
            self._tell(f"SIGKILL to cameras {cameras.pid}")
            cameras.kill()
            self._later.append((time.monotonic() + self._chance.uniform(0.2, 3.0), cameras.restart))

    def _stop_cameras(self) -> None:
        cameras = self._chance.choice(self._cameras)
        if cameras.alive:
            self._stop(Process(cameras.pid, os.getpid(), "", ""), "cameras", 4.0)

    def _stop_wall(self) -> None:
        self._stop(Process(self.wall.pid, os.getpid(), "", ""), "program", 3.0)

    def _hang_wall(self) -> None:
        seconds = self._chance.uniform(2.0, 10.0)
        self._tell(f"program busy for {seconds:.1f} s")
        self.wall.say(f"{seconds:.1f}")

    def _stop_outside(self) -> None:
        self._stop(Process(self.outside.pid, os.getpid(), "", ""), "other program", 3.0)

    def _kill_outside(self) -> None:
        self._tell(f"SIGKILL to other program {self.outside.pid}")
        self.outside.kill()
        self.outsides.append(self._start_outside())

    def _replace_wall(self) -> None:
        self.kill_wall()
        self.walls.append(self._start_wall())
        wait_until(lambda: self.wall.lines or not self.wall.alive, STARTS_WITHIN_S, "the wall again")

    def kill_wall(self) -> None:
        """SIGKILL to the program: all that it owns is to end, whatever state it is in."""
        family = family_of(self.wall.pid)
        self._tell(f"SIGKILL to program {self.wall.pid}")
        self.wall.kill()
        wait_until(
            lambda: all(gone(process.pid) for process in family.all),
            FAMILY_ENDS_WITHIN_S,
            f"the end of {family}",
        )
