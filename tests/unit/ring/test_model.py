"""Any order of publishing, reading, holding, closing, reshaping and dying, compared with a simple model.

Everything is real (memfds, locks, sockets, mappings), in one process and one thread, so that the model can
say exactly what each reader must get. What is held is looked at after every step.
"""

import gc
import itertools
import os
import socket
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache, partial
from typing import Any

import hypothesis.strategies as st
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import settings
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from camgraph.base.errors import BrokenError, LeaseLimit
from camgraph.ring.frame import Frame
from camgraph.ring.protocol import MAX_DATAGRAM_BYTES, Hello, RingRequest
from camgraph.ring.reader import Reader, ReadPolicy
from camgraph.ring.writer import FrameMeta, RingWriter, planned_bytes

pytestmark = pytest.mark.timeout(120)

WAYS_TO_HOLD: dict[str, Callable[[Frame], Any]] = {
    "frame": lambda frame: frame,
    "array": lambda frame: frame.array,
    "rows": lambda frame: frame.array[:][::1][0:],
    "memory": lambda frame: frame.memory[:],
    "asarray": lambda frame: np.asarray(memoryview(frame.memory))[:],
}


@cache
def picture(number: int, side: int) -> npt.NDArray[np.uint8]:
    """A picture whose every byte tells its number."""
    return np.random.default_rng([number, side]).integers(0, 256, (side, side), dtype=np.uint8)


# Taken modulo of those there are: nothing is drawn that depends on what has come of the steps before.
anyone = st.integers(0, 3)


def content(thing: Any) -> bytes:
    return bytes(thing.memory if isinstance(thing, Frame) else thing)


@dataclass
class ReaderModel:
    """What a reader has been told and holds."""

    name: int
    reader: Reader
    policy: ReadPolicy
    leases: int
    joined: int = 0
    """The writer's last number when the reader came, without what it had kept."""
    last: tuple[int, int] = (0, 0)
    """(epoch, seq) of the last frame it got."""
    countable: bool = True
    """Whether every number since `joined` must be accounted for: not after a writer has died."""
    held: list[tuple[Any, bytes, tuple[int, int]]] = field(default_factory=list)
    """What is held, what must be in it, (epoch, generation)."""


class RingMachine(RuleBasedStateMachine):
    """One writer at a time, several readers."""

    @initialize(fps=st.sampled_from([1.0, 25.0, 100.0]), roomy=st.booleans(), keep=st.sampled_from([0, 3]))
    def begin(self, fps: float, roomy: bool, keep: int) -> None:
        self.keep = keep
        self.open_before = rings_open()
        self.fps, self.max_bytes = fps, 1 << 20 if roomy else 1
        self.readers: list[ReaderModel] = []
        self.orphans: list[tuple[Any, bytes]] = []
        self.waiting: deque[tuple[int, socket.socket]] = deque()
        self.names = itertools.count()
        self.number = self.epoch = 0
        self.now_ns = 1_000_000_000
        self.start_writer()

    def start_writer(self) -> None:
        self.epoch += 1
        self.side, self.seq, self.newest, self.generation = 4, 0, 0, 1
        self.newest_of: dict[int, tuple[int, int]] = {}
        self.kept: deque[int] = deque(maxlen=self.keep)
        self.writer = RingWriter(
            "model",
            "gray8",
            4,
            4,
            epoch=self.epoch,
            fps=self.fps,
            max_bytes=self.max_bytes,
            keep=self.keep,
            clock=lambda: self.now_ns,
        )
        self.planned = self.writer.planned_bytes()

    def connect(self, name: int) -> socket.socket:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.waiting.append((name, theirs))
        return ours

    def serve(self) -> set[int]:
        """Give the ring to all that have connected; return the names of those that there was no room for."""
        refused = set()
        while self.waiting:
            name, sock = self.waiting.popleft()
            data = sock.recv(MAX_DATAGRAM_BYTES)
            if not data:
                sock.close()
            else:
                hello = Hello.decode(data)
                self.planned = max(self.planned, self.writer.planned_bytes(hello.leases))
                if not self.writer.add_reader(sock, hello):
                    refused.add(name)
        return refused

    # --- what can happen ---------------------------------------------------------------------------------

    @precondition(lambda self: len(self.readers) < 4)
    @rule(policy=st.sampled_from(["latest", "every"]), leases=st.integers(1, 4))
    def a_reader_comes(self, policy: ReadPolicy, leases: int) -> None:
        name = next(self.names)
        reader = Reader(partial(self.connect, name), RingRequest("model"), policy=policy, leases=leases)
        joined = self.kept[0] - 1 if self.kept else self.seq
        model = ReaderModel(name, reader, policy, leases, joined=joined, last=(self.epoch, joined))
        if name in self.serve():
            self.is_refused(model)
        else:
            self.readers.append(model)

    def is_refused(self, model: ReaderModel) -> None:
        with pytest.raises(BrokenError, match="ask for fewer leases"):
            model.reader.read(0)
        self.leaves(model)

    def leaves(self, model: ReaderModel) -> None:
        model.reader.close()
        self.orphans.extend((thing, expected) for thing, expected, _ in model.held)

    @rule(count=st.integers(20, 60))
    def frames_are_published(self, count: int) -> None:
        for _ in range(count):
            self.publish()

    @rule(ms=st.sampled_from([1, 50, 100, 1000]))
    def time_passes(self, ms: int) -> None:
        self.now_ns += ms * 1_000_000

    def publish(self) -> bool:
        had_readers, dropped = self.writer.readers, self.writer.statistics().no_slot
        self.number += 1
        told = self.writer.publish([picture(self.number, self.side)], FrameMeta(pts=self.number))
        lost = self.writer.statistics().no_slot - dropped
        assert told == ((had_readers > 0 or self.keep > 0) and not lost)
        if had_readers or self.keep:
            self.seq += 1
        if told:
            self.kept.append(self.seq)
            self.newest = self.seq
            self.newest_of[self.generation] = self.seq, self.number
        return told

    @precondition(lambda self: self.readers)
    @rule(
        which=anyone,
        steps=st.lists(
            st.tuples(st.integers(0, 8), st.none() | st.sampled_from(sorted(WAYS_TO_HOLD))),
            min_size=1,
            max_size=6,
        ),
    )
    def frames_are_published_and_read(self, which: int, steps: list[tuple[int, str | None]]) -> None:
        """For each step: publish so many, read one, and hold it that way or not at all."""
        model = self.readers[which % len(self.readers)]
        for count, way in steps:
            self.frames_are_published(count)
            frame = self.read(model)
            if frame is None:
                continue
            expected = picture(frame.pts or 0, frame.width).tobytes()
            assert content(frame) == expected
            if way is not None:
                key = (frame.epoch, frame.generation)
                model.held.append((WAYS_TO_HOLD[way](frame), expected, key))
            del frame

    def at_limit(self, model: ReaderModel) -> bool:
        assert model.reader.statistics().held == len(model.held)
        ring = model.reader._intake._ring
        if ring is None:
            return False
        present = ring.header.epoch, ring.header.generation
        return sum(key == present for _, _, key in model.held) >= model.leases

    def read(self, model: ReaderModel) -> Frame | None:
        if self.at_limit(model):
            with pytest.raises(LeaseLimit):
                model.reader.read_nowait()
            return None
        frame = model.reader.read_nowait()
        if model.policy == "latest" and model.countable:
            # Nothing runs beside this: the newest can't have been overwritten, nor be missed.
            if frame is None:
                assert model.last >= (self.epoch, self.newest) or self.newest <= model.joined or self.reshaped
            else:
                # Of its generation: another one may have begun behind it in the reader's socket.
                assert (frame.seq, frame.pts) == self.newest_of[frame.generation]
        if frame is not None:
            assert (frame.epoch, frame.seq) > model.last
            model.last = (frame.epoch, frame.seq)
        return frame

    @precondition(lambda self: self.readers)
    @rule(which=anyone, what=st.integers(0, 3), explicitly=st.booleans())
    def something_held_is_let_go(self, which: int, what: int, explicitly: bool) -> None:
        held = self.readers[which % len(self.readers)].held
        if held:
            thing = held.pop(what % len(held))[0]
            if explicitly and isinstance(thing, Frame):
                thing.release()

    @rule(side=st.sampled_from([2, 4, 6]))
    def the_geometry_changes(self, side: int) -> None:
        self.side = side
        self.generation += 1
        self.kept.clear()
        self.writer.reshape("gray8", side, side)
        self.planned = self.writer.planned_bytes()

    @precondition(lambda self: self.readers)
    @rule(which=anyone, forgotten=st.booleans())
    def a_reader_leaves(self, which: int, forgotten: bool) -> None:
        model = self.readers.pop(which % len(self.readers))
        if forgotten:
            self.orphans.extend((thing, expected) for thing, expected, _ in model.held)
            del model
            gc.collect()
        else:
            self.leaves(model)

    @rule(what=st.integers(0, 100))
    def a_frame_of_a_closed_reader_is_let_go(self, what: int) -> None:
        if self.orphans:
            self.orphans.pop(what % len(self.orphans))

    @rule()
    def dead_readers_are_removed(self) -> None:
        self.writer.remove_dead()

    @rule()
    def the_writer_dies_and_another_comes(self) -> None:
        self.writer.close()
        self.start_writer()
        for model in self.readers:
            model.countable = False
            # At its limit a reader does not look at its connection: it comes back when it has let go.
            while not self.at_limit(model) and (frame := model.reader.read_nowait()) is not None:
                assert (frame.epoch, frame.seq) > model.last
                model.last = (frame.epoch, frame.seq)
                frame.release()
        refused = self.serve()
        for model in [model for model in self.readers if model.name in refused]:
            self.readers.remove(model)
            model.held.clear()
            self.is_refused(model)

    @precondition(lambda self: self.readers)
    @rule()
    def all_is_accounted_for(self) -> None:
        if not self.publish():
            return
        for model in self.readers:
            while self.at_limit(model):
                model.held.pop()
            while self.read(model) is not None:
                pass
            self.publish()
            while self.read(model) is not None:
                pass
            if model.countable:
                counts = model.reader.statistics()
                told = counts.received + counts.late + counts.behind + counts.skipped
                assert told == self.seq - model.joined
                assert counts.skipped == 0 or model.policy == "latest"

    # --- what must always be so --------------------------------------------------------------------------

    @invariant()
    def what_is_held_is_whole(self) -> None:
        for model in getattr(self, "readers", []):
            for thing, expected, _ in model.held:
                assert content(thing) == expected
        for thing, expected in getattr(self, "orphans", []):
            assert content(thing) == expected

    @invariant()
    def the_writer_knows_its_readers(self) -> None:
        if hasattr(self, "writer"):
            statistics = self.writer.statistics()
            assert statistics.readers <= 4 + len(self.orphans) + 60
            assert statistics.generation == self.generation

    @invariant()
    def no_more_is_touched_than_was_planned_when_readers_came(self) -> None:
        if hasattr(self, "writer"):
            bare = planned_bytes("gray8", self.side, self.side, fps=self.fps, leases=0)
            planned = max(self.planned, bare)
            assert self.writer.touched_bytes <= planned
            assert self.writer.planned_bytes() <= planned

    @property
    def reshaped(self) -> bool:
        """The newest frame lies in an earlier generation."""
        return self.generation > 1

    def teardown(self) -> None:
        if not hasattr(self, "writer"):
            return
        for model in self.readers:
            model.reader.close()
            model.held.clear()
        self.readers.clear()
        self.orphans.clear()
        self.writer.close()
        while self.waiting:
            self.waiting.popleft()[1].close()
        del self.writer
        gc.collect()
        assert rings_open() <= self.open_before


def rings_open() -> int:
    with open("/proc/self/maps") as maps:
        mapped = sum("camgraph-model" in line for line in maps)
    for name in os.listdir("/proc/self/fd"):
        try:
            mapped += "camgraph-model" in os.readlink(f"/proc/self/fd/{name}")
        except FileNotFoundError:
            continue
    return mapped


def test_whatever_happens_is_as_the_model_says() -> None:
    run_state_machine_as_test(
        RingMachine,
        settings=settings(max_examples=60, stateful_step_count=40, deadline=None, database=None),
    )
