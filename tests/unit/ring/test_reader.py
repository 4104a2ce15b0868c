"""The reader: policies, waiting, counting, reconnecting, refusals."""

import asyncio
import gc
import select
import selectors
import socket
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

import numpy as np
import pytest

from camgraph.base.errors import BrokenError, ClosedError, LeaseLimit
from camgraph.ring.protocol import FrameNotice, Hello, Ring, RingRequest, refuse
from camgraph.ring.reader import Reader
from camgraph.ring.writer import FrameMeta
from camgraph.testing.waiting import wait_until

if TYPE_CHECKING:
    from tests.unit.ring.conftest import Site


def is_readable(reader: Reader) -> bool:
    return bool(select.select([reader], [], [], 0)[0])


def in_thread(function: Callable[..., object], *arguments: object) -> tuple[threading.Thread, list[object]]:
    """Run a call in a thread; the list gets its result or its exception."""
    outcome: list[object] = []

    def run() -> None:
        try:
            outcome.append(function(*arguments))
        except Exception as error:
            outcome.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    return thread, outcome


class TestPolicies:
    def test_every_gets_all_in_order(self, site: "Site") -> None:
        writer = site.writer(fps=100)
        reader = site.reader(writer, policy="every")
        site.publish(writer, *range(1, 9))
        assert [reader.read(1).pts for _ in range(8)] == list(range(1, 9))
        assert reader.read_nowait() is None

    def test_latest_gets_the_newest_and_counts_the_rest(self, site: "Site") -> None:
        writer = site.writer()
        reader = site.reader(writer)
        site.publish(writer, *range(1, 9))
        assert reader.read(1).pts == 8
        assert reader.read_nowait() is None
        statistics = reader.statistics()
        assert (statistics.received, statistics.skipped, statistics.behind) == (1, 7, 0)

    def test_latest_gets_the_newest_even_if_its_socket_was_full(self, site: "Site") -> None:
        writer = site.writer()
        reader = site.reader(writer)
        site.publish(writer, *range(1, 301))
        assert writer.statistics().behind > 200
        assert reader.read(1).pts == 300
        statistics = reader.statistics()
        assert statistics.received + statistics.skipped + statistics.behind == 300
        assert statistics.behind == writer.statistics().behind - 1
        assert reader.read_nowait() is None

    def test_every_counts_what_it_comes_too_late_for_and_what_it_was_not_told_of(self, site: "Site") -> None:
        writer = site.writer(fps=10)
        reader = site.reader(writer, policy="every", leases=1)
        site.publish(writer, *range(1, 301))
        received: list[int] = []
        while (frame := reader.read_nowait()) is not None:
            received.append(frame.pts or 0)
            frame.release()
        assert received[-1] == 300
        site.publish(writer, 301)
        assert reader.read(1).pts == 301
        statistics = reader.statistics()
        assert statistics.late > 0
        # What the ring still held it has got, told or not.
        held = writer.statistics().slots_touched
        assert received[-held:] == list(range(301 - held, 301))
        assert statistics.behind == writer.statistics().behind - held
        assert statistics.received + statistics.late + statistics.behind == 301
        assert received == sorted(received)

    @pytest.mark.parametrize("policy", ["latest", "every"])
    def test_the_next_frame_is_had_before_its_notice_is_received(self, site: "Site", policy: str) -> None:
        writer = site.writer()
        reader = site.reader(writer, policy=policy)
        assert reader.read_nowait() is None
        for number in range(1, 100):
            site.publish(writer, number)
            assert reader.read(0).pts == number
            assert is_readable(reader)
            assert reader.read_nowait() is None
            assert not is_readable(reader)
        statistics = reader.statistics()
        assert (statistics.received, writer.statistics().behind) == (99, 0)
        assert statistics.late == statistics.behind == statistics.skipped == 0

    @pytest.mark.parametrize("policy", ["latest", "every"])
    def test_what_an_ending_writer_could_not_announce_is_counted(
        self, site: "Site", policy: Literal["latest", "every"]
    ) -> None:
        writer = site.writer()
        reader = site.reader(writer, policy=policy)
        site.publish(writer, *range(1, 501))
        assert writer.statistics().behind > 0
        writer.close()
        while reader.read_nowait() is not None:
            pass
        counts = reader.statistics()
        assert counts.reconnects == 1
        assert counts.received + counts.late + counts.skipped + counts.behind == 500

    def test_only_frames_published_since_it_came_are_counted(self, site: "Site") -> None:
        writer = site.writer()
        site.reader(writer)
        site.publish(writer, *range(1, 50))
        late_comer = site.reader(writer, policy="every")
        site.publish(writer, 50)
        assert late_comer.read(1).pts == 50
        assert late_comer.statistics().behind == 0

    def test_an_unknown_policy_is_refused(self, site: "Site") -> None:
        with pytest.raises(ValueError, match="'latest' or 'every'"):
            site.reader(policy="all")
        assert site.connected == 0


class TestWaiting:
    def test_a_read_without_frames_times_out(self, site: "Site") -> None:
        for reader in (site.reader(site.writer()), site.reader()):
            began = time.monotonic()
            with pytest.raises(TimeoutError, match=r"'door' came within 0\.05 s"):
                reader.read(0.05)
            assert time.monotonic() - began >= 0.05
            with pytest.raises(TimeoutError):
                reader.read(0)

    def test_a_waiting_read_gets_the_frame_that_comes(self, site: "Site") -> None:
        writer = site.writer()
        reader = site.reader(writer)
        thread, outcome = in_thread(reader.read, 10)
        wait_until(lambda: reader._waiting == 1)
        site.publish(writer, 1)
        thread.join(10)
        assert outcome[0].pts == 1  # type: ignore[attr-defined]

    def test_closing_wakes_whoever_waits_and_leaves_no_descriptor(self, site: "Site") -> None:
        reader = site.reader(site.writer())
        threads = [in_thread(reader.read) for _ in range(3)]
        wait_until(lambda: reader._waiting == 3)
        reader.close()
        for thread, outcome in threads:
            thread.join(10)
            assert isinstance(outcome[0], ClosedError)
        assert reader.fileno() == -1

    def test_closing_wakes_a_reader_that_nobody_has_served(self, site: "Site") -> None:
        reader = site.reader()
        thread, outcome = in_thread(reader.read)
        wait_until(lambda: reader._waiting == 1)
        reader.close()
        thread.join(10)
        assert isinstance(outcome[0], ClosedError)

    def test_iteration_ends_when_the_reader_is_closed(self, site: "Site") -> None:
        writer = site.writer()
        reader = site.reader(writer, policy="every")
        numbers = []
        site.publish(writer, 1, 2)
        for frame in reader:
            numbers.append(frame.pts)
            if frame.pts == 2:
                reader.close()
        assert numbers == [1, 2]
        assert list(reader) == []

    def test_a_closed_reader_says_so(self, site: "Site") -> None:
        with site.reader(site.writer()) as reader:
            pass
        reader.close()
        for read in (reader.read, reader.read_nowait):
            with pytest.raises(ClosedError, match="door"):
                read()
        assert reader.fileno() == -1

    def test_threads_share_the_frames_of_a_reader(self, site: "Site") -> None:
        writer = site.writer(fps=400)
        reader = site.reader(writer, policy="every", leases=8)
        seen: list[int] = []

        def consume() -> None:
            for frame in reader:
                assert np.array_equal(frame.array, site.picture(frame.pts or 0)[0])
                seen.append(frame.pts or 0)

        threads = [threading.Thread(target=consume) for _ in range(4)]
        for thread in threads:
            thread.start()
        for number in range(1, 201):
            site.publish(writer, number)
            wait_until(lambda number=number: len(seen) >= number - 10)  # type: ignore[misc]
        wait_until(lambda: len(seen) == 200)
        reader.close()
        for thread in threads:
            thread.join(10)
        assert sorted(seen) == list(range(1, 201))
        assert reader.statistics().late == 0

    def test_a_reader_that_is_dropped_is_closed(self, site: "Site") -> None:
        writer = site.writer()
        reader = Reader(site.connect, RingRequest("door"))
        site.serve(writer)
        cycle: list[object] = [reader]
        cycle.append(cycle)
        del reader, cycle
        gc.collect()
        site.publish(writer, 1)
        assert writer.readers == 0


class TestAsync:
    def test_async_for_gets_the_frames_and_ends_with_close(self, site: "Site") -> None:
        writer = site.writer(fps=100)
        reader = site.reader(writer, policy="every")
        numbers = []

        async def consume() -> None:
            async for frame in reader:
                numbers.append(frame.pts)

        async def main() -> None:
            task = asyncio.create_task(consume())
            for number in range(1, 6):
                site.publish(writer, number)
                while len(numbers) < number:
                    await asyncio.sleep(0.001)
            reader.close()
            await task

        asyncio.run(main())
        assert numbers == [1, 2, 3, 4, 5]
        assert reader.fileno() == -1

    def test_a_cancelled_wait_leaves_the_reader_usable(self, site: "Site") -> None:
        writer = site.writer()
        reader = site.reader(writer)

        async def main() -> None:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(anext(reader), 0.02)
            site.publish(writer, 1)
            frame = await anext(reader)
            assert frame.pts == 1

        asyncio.run(main())
        assert reader._waiting == 0

    def test_frames_that_are_always_there_do_not_starve_the_loop(self, site: "Site") -> None:
        writer = site.writer(fps=400)
        reader = site.reader(writer, policy="every")
        site.publish(writer, *range(1, 31))
        turns = 0

        async def count() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        async def main() -> None:
            task = asyncio.create_task(count())
            for _ in range(30):
                await anext(reader)
            task.cancel()

        asyncio.run(main())
        assert turns >= 30

    def test_a_site_that_goes_ends_the_iteration_with_the_reason(self, site: "Site") -> None:
        writer = site.writer()
        reader = site.reader(writer)

        async def main() -> None:
            task = asyncio.create_task(anext(reader))
            while not reader._waiting:
                await asyncio.sleep(0)
            site.gone = True
            writer.close()
            with pytest.raises(BrokenError, match="does not answer"):
                await task

        asyncio.run(main())

    def test_two_tasks_cant_wait_for_one_reader(self, site: "Site") -> None:
        reader = site.reader(site.writer())

        async def main() -> None:
            task = asyncio.create_task(anext(reader))
            while not reader._waiting:
                await asyncio.sleep(0)
            with pytest.raises(RuntimeError, match="another task"):
                await anext(reader)
            reader.close()
            with pytest.raises(StopAsyncIteration):
                await task

        asyncio.run(main())


class TestLeases:
    def test_more_frames_than_granted_cant_be_held(self, site: "Site") -> None:
        writer = site.writer()
        reader = site.reader(writer, policy="every", leases=2)
        site.publish(writer, 1, 2, 3)
        held = [reader.read(1), reader.read(1)]
        with pytest.raises(LeaseLimit, match=r"2 frames of 'door'.*frame\.copy\(\).*leases=3"):
            reader.read(1)
        with pytest.raises(LeaseLimit):
            reader.read_nowait()
        del held[0]
        assert reader.read(1).pts == 3

    def test_frames_of_an_earlier_generation_do_not_count(self, site: "Site") -> None:
        writer = site.writer()
        reader = site.reader(writer, leases=1)
        site.publish(writer, 1)
        old = reader.read(1)
        writer.reshape("gray8", 8, 8)
        writer.publish([np.zeros((8, 8), np.uint8)], FrameMeta())
        wait_until(lambda: is_readable(reader))
        with pytest.raises(LeaseLimit):
            # The new ring has not been seen yet, and the old one is used up.
            reader.read(1)
        old.release()
        assert reader.read(1).width == 8


class TestGenerations:
    def test_another_geometry_comes_on_the_same_connection(self, site: "Site") -> None:
        writer = site.writer()
        reader = site.reader(writer, policy="every")
        site.publish(writer, 1, 2)
        old = reader.read(1).array
        writer.reshape("bgr24", 8, 4)
        writer.publish([np.full((4, 24), 9, np.uint8)], FrameMeta(pts=3))
        frames = [reader.read(1), reader.read(1)]
        assert [(frame.pts, frame.generation, frame.format) for frame in frames] == [
            (2, 1, "gray8"),
            (3, 2, "bgr24"),
        ]
        assert frames[1].array.shape == (4, 8, 3)
        assert np.array_equal(old, site.picture(1)[0])
        statistics = reader.statistics()
        assert (statistics.generation, statistics.reconnects, statistics.late) == (2, 0, 0)
        assert (statistics.behind, site.connected) == (0, 1)

    @pytest.mark.parametrize("policy", ["latest", "every"])
    def test_a_reader_whose_socket_is_full_gets_the_ring_before_its_frames(
        self, site: "Site", policy: str
    ) -> None:
        writer = site.writer()
        reader = site.reader(writer, policy=policy)
        site.publish(writer, *range(1, 101))
        for side in (2, 4, 6):
            writer.reshape("gray8", side, side)
        writer.publish([np.full((6, 6), 1, np.uint8)], FrameMeta(pts=101))
        while reader.read_nowait() is not None:
            pass
        writer.publish([np.full((6, 6), 2, np.uint8)], FrameMeta(pts=102))
        frames = [reader.read(1)]
        if policy == "every":
            # The first one of the new generation, of which it was never told.
            frames.append(reader.read(1))
            assert frames[0].pts == 101
        assert (frames[-1].pts, frames[-1].width, frames[-1].generation) == (102, 6, 4)
        statistics = reader.statistics()
        counted = statistics.received + statistics.late + statistics.behind + statistics.skipped
        assert counted == 102


class TestReconnecting:
    @pytest.mark.parametrize("policy", ["latest", "every"])
    def test_when_the_writer_goes_the_reader_comes_back_by_itself(self, site: "Site", policy: str) -> None:
        first = site.writer(epoch=1)
        reader = site.reader(first, policy=policy)
        descriptor = reader.fileno()
        site.publish(first, 1)
        old = reader.read(1)
        first.close()
        assert is_readable(reader)
        assert reader.read_nowait() is None
        assert not is_readable(reader)
        second = site.writer(epoch=2)
        site.serve(second)
        site.publish(second, 2)
        assert is_readable(reader)
        frame = reader.read(1)
        assert (frame.pts, frame.epoch, frame.seq, reader.fileno()) == (2, 2, 1, descriptor)
        assert np.array_equal(old.array, site.picture(1)[0])
        statistics = reader.statistics()
        assert (statistics.epoch, statistics.reconnects, statistics.behind) == (2, 1, 0)

    def test_the_descriptor_stays_good_for_a_selector(self, site: "Site") -> None:
        with selectors.DefaultSelector() as selector:
            reader = site.reader(policy="every")
            selector.register(reader, selectors.EVENT_READ)
            for epoch in range(1, 6):
                assert not selector.select(0)
                writer = site.writer(epoch=epoch)
                site.serve(writer)
                site.publish(writer, epoch)
                assert selector.select(5)
                assert reader.read(0).epoch == epoch
                writer.close()
                assert selector.select(5)
                assert reader.read_nowait() is None

    def test_a_connection_that_ends_without_a_word_is_not_made_again_at_full_speed(
        self, site: "Site"
    ) -> None:
        reader = site.reader()
        began = time.monotonic()
        while site.connected < 5:
            site.drop_waiting()
            if is_readable(reader):
                assert reader.read_nowait() is None
            else:
                select.select([reader], [], [], 5)
        assert time.monotonic() - began >= 0.05 + 0.1 + 0.2
        writer = site.writer()
        wait_until(lambda: reader.read_nowait() is None and site.waiting)
        site.serve(writer)
        site.publish(writer, 1)
        assert reader.read(5).pts == 1

    def test_closing_wakes_a_reader_that_pauses_before_connecting(self, site: "Site") -> None:
        reader = site.reader()
        for _ in range(2):
            site.drop_waiting()
            assert reader.read_nowait() is None
        thread, outcome = in_thread(reader.read)
        wait_until(lambda: reader._waiting == 1)
        reader.close()
        thread.join(10)
        assert isinstance(outcome[0], ClosedError)

    @pytest.mark.parametrize("lost", [1, 3])
    def test_when_the_site_has_gone_everybody_learns(self, site: "Site", lost: int) -> None:
        reader = site.reader()
        for _ in range(lost - 1):
            site.drop_waiting()
            reader.read_nowait()
        site.gone = True
        site.drop_waiting()
        with pytest.raises(BrokenError, match="does not answer"):
            reader.read(10)
        assert is_readable(reader)
        with pytest.raises(BrokenError, match="does not answer"):
            reader.read_nowait()
        with pytest.raises(BrokenError, match="does not answer"):
            next(iter(reader))

    def test_a_reader_of_a_site_that_is_not_there_can_not_be_made(self, site: "Site") -> None:
        site.gone = True
        with pytest.raises(BrokenError, match="does not answer"):
            site.reader()


class TestRefusals:
    def test_a_refusal_is_raised_and_stays(self, site: "Site") -> None:
        reader = site.reader()
        refuse(site.waiting.popleft(), "no stream is named 'door'")
        for _ in range(3):
            with pytest.raises(BrokenError, match="no stream is named 'door'"):
                reader.read(1)
        assert site.connected == 1
        assert is_readable(reader)

    def speak(self, site: "Site", data: bytes) -> Reader:
        reader = site.reader()
        sock = site.waiting.popleft()
        assert Hello.decode(sock.recv(2048)).request.stream == "door"
        sock.send(data)
        sock.close()
        return reader

    @pytest.mark.parametrize(
        ("data", "sentence"),
        [
            (b"nonsense", "unknown kind"),
            (b"\x02\0\0\0", "damaged"),
            (b"x" * 4096, "cut short"),
            (Ring(1, 1, 3, 256, 1, 4096, 1, b"u" * 16).encode(), "without its descriptors"),
        ],
    )
    def test_what_can_not_be_understood_breaks_the_reader(
        self, site: "Site", data: bytes, sentence: str
    ) -> None:
        with pytest.raises(BrokenError, match=sentence):
            self.speak(site, data).read(1)

    def test_a_frame_of_no_ring_is_passed_over(self, site: "Site") -> None:
        assert self.speak(site, FrameNotice(1, 1, 1).encode()).read_nowait() is None

    @pytest.mark.parametrize(
        "notice", [FrameNotice(0, 1, 99), FrameNotice(1 << 20, 1, 99), FrameNotice(5, 1, 7)]
    )
    def test_a_frame_that_is_not_where_it_was_told_is_late(self, site: "Site", notice: FrameNotice) -> None:
        writer = site.writer()
        reader = site.reader(writer, policy="every")
        site.publish(writer, 1)
        reader.read(1)
        writer.sockets()[0].send(notice.encode())
        assert reader.read_nowait() is None
        assert reader.statistics().late == 1
        writer.remove_reader(writer.sockets()[0])

    def test_a_notice_of_a_slot_that_is_held_does_not_end_its_lease(self, site: "Site") -> None:
        writer = site.writer(fps=10)
        reader = site.reader(writer, policy="every")
        site.publish(writer, 1)
        frame = reader.read(1)
        writer.sockets()[0].send(FrameNotice(0, 1, 50).encode())
        assert reader.read_nowait() is None
        site.publish(writer, *range(2, 50))
        assert np.array_equal(frame.array, site.picture(1)[0])


def test_the_greeting_says_what_is_wanted(site: "Site") -> None:
    request = RingRequest("door", "bgra", 320, 180, 5.0)
    with Reader(site.connect, request, leases=7) as reader:
        sock = site.waiting.popleft()
        assert isinstance(sock, socket.socket)
        assert Hello.decode(sock.recv(2048)) == Hello(request, 7)
        assert reader.request == request
        sock.close()
