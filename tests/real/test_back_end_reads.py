"""Back ends that open readers by themselves, of requests that the program passes them."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest

import camgraph as cg
from camgraph.errors import BackendRaised, CannotTravel
from camgraph.testing.cameras import Cameras
from camgraph.testing.waiting import wait_until

PATIENCE_S = 20.0

pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")


class Sampler(cg.MessageProcess):
    """Takes frames when asked, and has the loop read others."""

    seen = cg.message(seq=int, shape=tuple)
    asks = cg.message(request=cg.FrameRequest)

    @cg.backend
    def sample(self, request: cg.FrameRequest, count: int) -> list[tuple[int, tuple[int, ...]]]:
        with self.read(request) as reader:
            # Each frame is let go before the next one comes.
            return [self.describe(reader.read(20.0)) for _ in range(count)]

    def describe(self, frame: cg.Frame) -> tuple[int, tuple[int, ...]]:
        return frame.seq, frame.array.shape

    @cg.backend
    def begin(self, request: cg.FrameRequest) -> int:
        self.reader = self.read(request)
        self.add_reader(self.reader, self.look)
        return int(self.reader.fileno())

    @cg.backend
    def end(self) -> None:
        self.remove_reader(self.reader)
        self.reader.close()

    def look(self) -> None:
        while (frame := self.reader.read_nowait()) is not None:
            self.seen.emit(frame.seq, frame.array.shape)
            del frame

    @cg.backend
    def ask_for(self, request: cg.FrameRequest) -> None:
        self.asks.emit(request)

    @cg.backend
    def return_reader(self, request: cg.FrameRequest) -> object:
        return self.read(request)

    def cleanup(self) -> None:
        # What it has opened is open to the very end.
        if hasattr(self, "reader") and self.reader.fileno() >= 0:
            self.reader.read_nowait()


class ForkedSampler(Sampler):
    start_method = "fork"


class AsyncSampler(cg.AsyncMessageProcess):
    """Does likewise in asyncio."""

    @cg.backend
    async def sample(self, request: cg.FrameRequest, count: int) -> list[tuple[int, tuple[int, ...]]]:
        found: list[tuple[int, tuple[int, ...]]] = []
        with self.read(request) as reader:
            async for frame in reader:
                found.append((frame.seq, frame.array.shape))
                if len(found) == count:
                    break
                del frame
        return found

    @cg.backend
    async def begin(self, request: cg.FrameRequest) -> int:
        self.reader = self.read(request)
        async for frame in self.reader:
            return int(frame.seq)
        return -1


@pytest.fixture(scope="module")
def cameras() -> Iterator[Cameras]:
    with Cameras(1, size=(640, 360)) as cameras:
        yield cameras


def keep_in(seen: list[int]) -> Callable[..., None]:
    return lambda seq, shape: seen.append(seq)


def has_more_than(seen: list[int], count: int) -> bool:
    return len(seen) > count


def test_each_kind_of_back_end_reads_what_it_asks_for(site: cg.Site) -> None:
    request = site.streams["door"].frames(format="gray8", size=(320, 180))
    kinds: list[Any] = [Sampler, ForkedSampler, AsyncSampler]
    samplers: list[Any] = [site.spawn(kind) for kind in kinds]
    calls = [sampler.sample(request, 5) for sampler in samplers]
    for call in calls:
        frames = call.result(PATIENCE_S)
        assert {shape for _, shape in frames} == {(180, 320)}
        assert [seq for seq, _ in frames] == sorted({seq for seq, _ in frames})
        assert len(frames) == 5


def test_a_loop_reads_by_descriptor_and_the_back_end_closes_what_it_opened(site: cg.Site) -> None:
    samplers: list[Any] = [site.spawn(Sampler), site.spawn(ForkedSampler)]
    for sampler in samplers:
        seen: list[int] = []
        sampler.seen.connect(keep_in(seen))
        assert sampler.begin(site.streams["door"].frames(size=(320, 180))).result(PATIENCE_S) > 2
        wait_until(partial(has_more_than, seen, 5))
        sampler.end()
        assert sampler.begin(site.streams["door"].frames(size=(160, 90))).result(PATIENCE_S) > 2
    alone: Any = site.spawn(AsyncSampler)
    assert alone.begin(site.streams["door"].frames(size=(160, 90))).result(PATIENCE_S) >= 0
    for sampler in (*samplers, alone):
        sampler.close()
        assert sampler.exit == "exit code 0"


def test_requests_go_from_one_back_end_to_another_through_the_program(site: cg.Site) -> None:
    first, second = site.spawn(Sampler), site.spawn(Sampler)
    answers: list[Any] = []
    first.asks.connect(lambda request: answers.append(second.sample(request, 1)))
    first.ask_for(site.streams["door"].frames(format="gray8", size=(160, 90)))
    wait_until(lambda: bool(answers))
    assert answers[0].result(PATIENCE_S)[0][1] == (90, 160)


def test_a_reader_stays_in_its_process_and_says_what_goes_instead(site: cg.Site) -> None:
    sampler: Any = site.spawn(Sampler)
    request = site.streams["door"].frames(size=(160, 90))
    with site.read(request) as reader, pytest.raises(CannotTravel, match=r"Reader.* pass its request"):
        sampler.begin(reader)
    with pytest.raises(BackendRaised, match=r"Reader.* pass its request"):
        sampler.return_reader(request).result(PATIENCE_S)
    assert sampler.sample(request, 1).result(PATIENCE_S)
