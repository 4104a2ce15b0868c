"""A running site with everything that can die in it, and how each row of the table is tried on it."""

import os
import signal
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple, Self

from tests.faults.deaths import KEYFRAME_S, Death
from tests.faults.family import Process, family_of, gone
from tests.faults.watching import OutsideProgram, WallProgram

from camgraph.testing.cameras import Cameras
from camgraph.testing.waiting import wait_until
from camgraph.testing.watching import Seen, Watcher
from reliability.census import users_of

STREAMS = tuple(f"camera-{number}" for number in range(1, 5))
"""The first two come from one server, the others from a second one."""
OWN = ("camera-4",)
"""It has a media process of its own; the others share one."""
SLACK_S = 0.4
"""A frame on its way: the decoder holds one, and the test picture is read every frame."""
RECOVERS_WITHIN_S = 20.0
TRIES = 3
MEANWHILE_S = 5.0
"""What dies while the program hangs is back by then: long before that ends."""


class Harm(NamedTuple):
    """What was done: which streams that hits, and since when they are to come back."""

    streams: tuple[str, ...]
    since: float
    new_epoch: bool = False


class Scene:
    """Owns the other program; the rest is lent. `told` says what was measured."""

    def __init__(
        self, wall: WallProgram, watchers: dict[str, Watcher], servers: list[Cameras], errors: Path
    ) -> None:
        self.told: list[str] = []
        self._late: list[str] = []
        self._wall, self._watchers, self._servers = wall, watchers, servers
        self._errors = errors
        self._other = self._start_other()

    def __enter__(self) -> Self:
        wait_until(self._analyzers_speak(), 20, "the analyzers")
        return self

    def __exit__(self, *_: object) -> None:
        self._other.close()

    def suffer(self, death: Death) -> None:
        """Execute a row, and assert what it says; at the end all is as before.

        What came late is tried again: others may have kept the machine busy.
        """
        for _ in range(TRIES):
            self._late.clear()
            self._suffer(death)
            if not self._late:
                return
        assert not self._late, self._late

    def _suffer(self, death: Death) -> None:
        died = time.monotonic()
        epochs = {name: watcher.seen[-1].epoch for name, watcher in self._watchers.items()}
        harm: Harm = getattr(self, f"_{death.harm}")(death)
        scope = "none" if not harm.streams else "all" if harm.streams == STREAMS else "its own"
        assert scope == death.hits, (death, harm)
        if not death.comes_back and scope == "all":
            return
        for name in harm.streams:
            self._assert_back(death, name, harm, died, epochs[name])
        wait_until(self._all_live, RECOVERS_WITHIN_S, f"all live after {death.harm}")
        wait_until(self._all_show_life(), RECOVERS_WITHIN_S, f"signs of life of all after {death.harm}")
        for name in set(STREAMS) - set(harm.streams):
            assert self._watchers[name].lost_since(died) == [], (death.harm, name)

    def _assert_back(self, death: Death, name: str, harm: Harm, died: float, epoch: int) -> None:
        limit = harm.since + death.back_within_s
        after = harm.since
        if death.keyframe:
            after = wait_until(partial(self._connected, name, died), RECOVERS_WITHIN_S, f"{name} again")
            self._measure(death, f"{name} connected after", after - harm.since, limit - harm.since)
            limit = after + KEYFRAME_S
        watcher = self._watchers[name]
        first = wait_until(
            partial(_first_after, watcher, after, epoch if harm.new_epoch else 0),
            RECOVERS_WITHIN_S,
            f"a picture of {name}",
        )
        assert first is not None
        self._measure(death, f"{name} seen after", first.at - harm.since, limit + SLACK_S - harm.since)
        wait_until(partial(watcher.verified_after, first.at), RECOVERS_WITHIN_S, f"pictures of {name}")

    def _connected(self, name: str, since: float) -> float:
        """When the stream was connected again (0: not yet)."""
        return next(
            (
                change.since_ns / 1e9
                for change in self._wall.changes
                if change.stream == name
                and change.state == "waiting_for_keyframe"
                and change.since_ns / 1e9 >= since
            ),
            0.0,
        )

    def _all_live(self) -> bool:
        return all(stream["state"] == "live" for stream in self._wall.streams.values())

    def _all_show_life(self) -> Callable[[], bool]:
        """Return what tells whether tiles, analyzers and the other program have something new since now."""

        def shown() -> list[int]:
            tiles = [stream["tile"]["shown"] for stream in self._wall.streams.values()]
            other = self._other.now
            return [*tiles, other["counted"], *(stream["frames"] for stream in other["streams"].values())]

        before, speak = shown(), self._analyzers_speak()
        return lambda: speak() and all(one < two for one, two in zip(before, shown(), strict=True))

    def _analyzers_speak(self) -> Callable[[], bool]:
        """Return what tells whether each analyzer has spoken since now."""
        before = {name: dict(one["saw"]) for name, one in self._wall.analyzers.items()}
        return lambda: all(
            count > before[name][stream]
            for name, one in self._wall.analyzers.items()
            for stream, count in one["saw"].items()
        )

    def _measure(self, death: Death, what: str, seconds: float, most_s: float) -> None:
        self.told.append(f"{death.harm}: {what} {seconds:.2f} s, of {most_s:.2f} s")
        if seconds > most_s:
            self._late.append(self.told[-1])

    def _start_other(self) -> OutsideProgram:
        other = OutsideProgram(self._wall.site, list(STREAMS[:1]), self._errors)
        try:
            wait_until(lambda: other.now["counted"] > 2, 20, "the other program")
        except BaseException:
            other.close()
            raise
        return other

    # What the rows do.

    def _kill_cameras(self, death: Death) -> Harm:
        server = self._servers[1]
        died = time.monotonic()
        server.kill()
        hit = STREAMS[2:]
        wait_until(lambda: all(self._wall.streams[name]["sentence"] for name in hit), 2, "the reasons")
        wait_until(lambda: time.monotonic() > died + 0.5, 2)
        server.restart()
        return Harm(hit, time.monotonic())

    def _stop_cameras(self, death: Death) -> Harm:
        os.kill(self._servers[1].pid, signal.SIGSTOP)
        hit = STREAMS[2:]
        try:
            wait_until(
                lambda: all(self._wall.streams[name]["state"] == "stalled" for name in hit), 4, "stalled"
            )
        finally:
            os.kill(self._servers[1].pid, signal.SIGCONT)
        return Harm(hit, time.monotonic())

    def _media_of(self, stream: str) -> tuple[int, tuple[str, ...]]:
        """The pid of the media process that runs a stream, and all its streams."""
        site = wait_until(lambda: self._wall.now["site"], 5, "the site's numbers")
        (process,) = [one for one in site["media"] if stream in one["streams"]]
        return process["pid"], tuple(sorted(process["streams"]))

    def _kill_media(self, death: Death) -> Harm:
        pid, streams = self._media_of(STREAMS[0])
        os.kill(pid, signal.SIGKILL)
        return Harm(streams, time.monotonic(), new_epoch=True)

    def _stop_media(self, death: Death) -> Harm:
        pid, streams = self._media_of(OWN[0])
        os.kill(pid, signal.SIGSTOP)
        return Harm(streams, time.monotonic(), new_epoch=True)

    def _supervisor(self) -> Process:
        supervisor = family_of(self._wall.pid).supervisor
        assert supervisor is not None
        return supervisor

    def _kill_supervisor(self, death: Death) -> Harm:
        os.kill(self._supervisor().pid, signal.SIGKILL)
        return Harm(STREAMS, time.monotonic(), new_epoch=True)

    def _stop_supervisor(self, death: Death) -> Harm:
        os.kill(self._supervisor().pid, signal.SIGSTOP)
        return Harm(STREAMS, time.monotonic(), new_epoch=True)

    def _kill_analyzer(self, death: Death) -> Harm:
        speaks, killed = self._analyzers_speak(), self._wall.analyzers["analyzer-1"]["pid"]
        os.kill(killed, signal.SIGKILL)
        died = time.monotonic()
        others = {name: one["pid"] for name, one in self._wall.analyzers.items() if name != "analyzer-1"}
        wait_until(lambda: speaks() and self._wall.analyzers["analyzer-1"]["pid"] != killed, 10, "messages")
        self._assert_in_time(death, died)
        assert self._wall.analyzers["analyzer-1"]["restarts"][-1] == "signal SIGKILL"
        assert all(self._wall.analyzers[name]["pid"] == pid for name, pid in others.items())
        return Harm((), died)

    def _stop_analyzer(self, death: Death) -> Harm:
        pid = self._wall.analyzers["analyzer-1"]["pid"]
        self._stop_for(pid, 2.0)
        self._assert_speaks(death)
        assert self._wall.analyzers["analyzer-1"]["pid"] == pid
        return Harm((), time.monotonic())

    def _hang_program(self, death: Death) -> Harm:
        pid, streams = self._media_of(STREAMS[0])
        analyzer = self._wall.analyzers["analyzer-1"]["pid"]
        said = time.monotonic()
        lines = len(self._wall.lines)
        self._wall.say("10")
        wait_until(lambda: time.monotonic() > self._wall.now["at"] + 1.0, 5, "the hanging program")
        os.kill(pid, signal.SIGKILL)
        os.kill(analyzer, signal.SIGKILL)
        died = time.monotonic()
        for name in streams:
            back = wait_until(partial(self._watchers[name].verified_after, died), 8.0, f"{name} meanwhile")
            assert back is not None
            self._measure(death, f"{name} seen meanwhile after", back.at - died, MEANWHILE_S)
        backends = wait_until(lambda: self._backends_without(analyzer), 5, "the analyzer meanwhile")
        self._measure(death, "analyzer back meanwhile after", time.monotonic() - died, MEANWHILE_S)
        assert len(backends) == 3
        assert time.monotonic() < said + 10.0
        assert len(self._wall.lines) <= lines + 5
        wait_until(lambda: self._wall.now["at"] > said + 10.0, 12, "the program again")
        self._assert_speaks(death)
        assert "signal SIGKILL" in self._wall.analyzers["analyzer-1"]["restarts"]
        return Harm(streams, said + 10.0)

    def _backends_without(self, pid: int) -> list[Process]:
        """The back ends, once as many run as before, another one in place of this."""
        found = family_of(self._wall.pid).backends
        return found if len(found) == 3 and pid not in [one.pid for one in found] else []

    def _stop_program(self, death: Death) -> Harm:
        shown = {name: stream["tile"]["shown"] for name, stream in self._wall.streams.items()}
        self._stop_for(self._wall.pid, 3.0)
        continued = time.monotonic()
        wait_until(
            lambda: all(stream["tile"]["shown"] > shown[name] for name, stream in self._wall.streams.items()),
            5,
            "the tiles again",
        )
        self._assert_in_time(death, continued)
        return Harm((), continued)

    def _kill_other(self, death: Death) -> Harm:
        before = family_of(self._wall.pid).backends
        died = time.monotonic()
        self._other.kill()
        wait_until(lambda: len(family_of(self._wall.pid).backends) < len(before), 10, "its process's end")
        self._assert_in_time(death, died)
        self._other = self._start_other()
        return Harm((), died)

    def _stop_other(self, death: Death) -> Harm:
        before = self._other.now["streams"][STREAMS[0]]["frames"]
        self._stop_for(self._other.pid, 3.0)
        continued = time.monotonic()
        wait_until(lambda: self._other.now["streams"][STREAMS[0]]["frames"] > before + 5, 10, "its frames")
        self._assert_in_time(death, continued)
        return Harm((), continued)

    def _kill_program(self, death: Death) -> Harm:
        pids = [process.pid for process in family_of(self._wall.pid).all]
        died = time.monotonic()
        self._wall.kill()
        wait_until(lambda: all(map(gone, pids)), 10, f"the end of {pids}")
        self._assert_in_time(death, died)
        for name, watcher in self._watchers.items():
            wait_until(partial(getattr, watcher, "broken"), 3, f"the reader of {name} told")
        wait_until(lambda: self._other.now["states"] == {STREAMS[0]: "stopped"}, 5, "the other program told")
        assert self._other.close() == 0
        assert users_of(self._wall.site) == []
        assert all(server.alive for server in self._servers)
        return Harm(STREAMS, died)

    def _stop_for(self, pid: int, seconds: float) -> None:
        stopped = time.monotonic()
        os.kill(pid, signal.SIGSTOP)
        try:
            wait_until(lambda: time.monotonic() > stopped + seconds, seconds + 1)
        finally:
            os.kill(pid, signal.SIGCONT)

    def _assert_speaks(self, death: Death) -> None:
        since = time.monotonic()
        wait_until(self._analyzers_speak(), 10, "messages of all analyzers")
        self._assert_in_time(death, since)

    def _assert_in_time(self, death: Death, since: float) -> None:
        self._measure(death, "as before after", time.monotonic() - since, death.back_within_s + SLACK_S)


def _first_after(watcher: Watcher, at: float, epoch: int) -> Seen | None:
    """The first readable frame after a time, of a later epoch than this."""
    return next(
        (seen for seen in list(watcher.seen) if seen.at >= at and seen.ok and seen.epoch > epoch), None
    )
