"""What single filters do to what passes, seen at the end of a graph that runs."""

import os
import re
import select

import pytest
from tests.valkka.core.test_streams import _silent_for as silent_for
from tests.valkka.core.test_streams import playing

import camgraph as cg
from camgraph.testing.pattern import decode
from camgraph.testing.waiting import wait_until
from valkka.core import (
    AVThread,
    BriefInfoFrameFilter,
    CachingGateFrameFilter,
    DummyFrameFilter,
    EventFd,
    ForkFrameFilter,
    FragMP4MuxFrameFilter,
    FragMP4ShmemFrameFilter,
    LiveConnectionContext,
    LiveConnectionType_rtsp,
    LiveThread,
    MovementFrameFilter,
    PassSlotFrameFilter,
    RepeatH264ParsFrameFilter,
    RGBShmemFrameFilter,
    ShmemFrameFilter,
    SlotFrameFilter,
    SwScaleFrameFilter,
    ThreadSafeFrameFilter,
)

SIZE = (160, 90)


@pytest.fixture
def ring(request) -> str:
    """A name for a ring, this test's own."""
    return f"{request.node.name}-{os.getpid()}"


def pictures(ring: str) -> RGBShmemFrameFilter:
    return RGBShmemFrameFilter(ring, 5, *SIZE)


@pytest.mark.effect("valkka.core.{ThreadSafeFrameFilter,PassSlotFrameFilter,SlotFrameFilter}")
def test_of_two_streams_in_one_filter_one_slot_passes_and_gets_another(addresses, ring, capsys) -> None:
    only = PassSlotFrameFilter("only", 2, SlotFrameFilter("slot", 9, pictures(ring)))
    both = ThreadSafeFrameFilter("safe", ForkFrameFilter("fork", only, BriefInfoFrameFilter("brief")))
    live, decoder, seen = LiveThread("live"), AVThread("av", both), ""

    def printed(*slots: int) -> bool:
        nonlocal seen
        seen += capsys.readouterr().out
        return all(re.search(rf"brief : <AVBitmapFrame: .*slot={slot} ", seen) for slot in slots)

    with cg.read(ring) as reader:
        decoder.startCall()
        decoder.decodingOnCall()
        live.startCall()
        for slot, address in enumerate(addresses, 1):
            context = LiveConnectionContext(LiveConnectionType_rtsp, address, slot, decoder.getFrameFilter())
            live.registerStreamCall(context)
            live.playStreamCall(context)
        wait_until(lambda: printed(1, 2), 10, "frames of both")
        for _ in range(5):
            frame = reader.read(timeout=10)
            assert (frame.tag, decode(frame.array).camera) == (9, 2)
        live.stopCall()
        decoder.stopCall()


@pytest.mark.effect("valkka.core.SwScaleFrameFilter")
def test_pictures_are_stretched_to_the_size_wanted_which_may_be_less_than_the_ring_has(
    addresses, ring
) -> None:
    behind = SwScaleFrameFilter("scale", 200, 160, RGBShmemFrameFilter(ring, 5, 320, 180))
    with cg.read(ring) as reader, playing(addresses[0], behind):
        frame = reader.read(timeout=10)
        assert (frame.width, frame.height, frame.format) == (200, 160, "rgb24")
        assert decode(frame.array).camera == 1


@pytest.mark.effect("valkka.core.RepeatH264ParsFrameFilter")
def test_parameters_come_before_each_key_frame(addresses, ring) -> None:
    behind = RepeatH264ParsFrameFilter("repeat", ShmemFrameFilter(ring, 5, 1 << 20))
    with cg.read(ring) as reader, playing(addresses[0], packets=behind):
        kinds: list[int] = []
        while kinds.count(5) < 2:
            kinds.append(reader.read(timeout=10).memory[4] & 0x1F)
        for at in [at for at, kind in enumerate(kinds) if kind == 5]:
            # Messages (SEI, 6) may stand between.
            assert [kind for kind in kinds[:at] if kind != 6][-2:] == [7, 8]
        assert kinds.count(1) > 5


@pytest.mark.effect("valkka.core.DummyFrameFilter")
def test_one_that_is_not_verbose_passes_all_and_prints_nothing(addresses, ring, capsys) -> None:
    quiet = DummyFrameFilter("quiet", False, DummyFrameFilter("loud", True, pictures(ring)))
    with cg.read(ring) as reader, playing(addresses[0], quiet):
        for _ in range(3):
            reader.read(timeout=10)
    printed = capsys.readouterr().out
    assert "DummyFrameFilter: loud got frame : <AVBitmapFrame" in printed
    assert "quiet" not in printed


@pytest.mark.effect("valkka.core.CachingGateFrameFilter.{set,unSet}")
def test_a_caching_gate_is_closed_again(addresses, ring) -> None:
    gate = CachingGateFrameFilter("gate", pictures(ring))
    with cg.read(ring, policy="latest") as reader, playing(addresses[0], gate):
        for _ in range(2):
            gate.set()
            reader.read(timeout=10)
            gate.unSet()
            wait_until(lambda: silent_for(reader, 0.3), what="no frames pass")


@pytest.mark.effect("valkka.core.{ShmemFrameFilter,FragMP4ShmemFrameFilter}.useFd")
def test_event_descriptors_of_rings_of_packets_are_set_by_each_item(addresses, ring) -> None:
    packets, boxes = ShmemFrameFilter(ring, 5, 1 << 20), FragMP4ShmemFrameFilter(f"{ring}-4", 5, 1 << 20)
    mux, events = FragMP4MuxFrameFilter("mux", boxes), [EventFd(), EventFd()]
    for filter_, event in zip((packets, boxes), events, strict=True):
        filter_.useFd(event)
    with playing(addresses[0], packets=ForkFrameFilter("fork", packets, mux)):
        assert select.select([events[0].getFd()], [], [], 10)[0]
        assert not select.select([events[1].getFd()], [], [], 0)[0], "the muxer is not active"
        mux.activate()
        for event in events * 2:
            assert select.select([event.getFd()], [], [], 10)[0]
            event.clear()


@pytest.mark.effect("valkka.core.MovementFrameFilter.setCallback")
def test_frames_pass_from_the_beginning_of_a_movement_to_its_end(addresses, ring) -> None:
    # From one picture to the next: three to seven hundredths, more than this a few times a second.
    calls: list[tuple[bool, int, int]] = []
    movement = MovementFrameFilter("movement", 0, 0.055, 100, pictures(ring))
    movement.setCallback(calls.append)
    with cg.read(ring) as reader, playing(addresses[0], movement):
        times = [reader.read(timeout=10).capture_ns // 1_000_000 for _ in range(10)]
        wait_until(lambda: len(calls) >= 8 and calls[-1][2] > times[-1], 10, "movements end")
    assert [begins for begins, _, _ in calls] == [number % 2 == 0 for number in range(len(calls))]
    events = list(zip(calls[::2], calls[1::2], strict=False))
    assert all(end - begin >= 100 for (_, _, begin), (_, _, end) in events)
    assert all(any(begin <= ms < end for (_, _, begin), (_, _, end) in events) for ms in times)


@pytest.mark.effect("valkka.core.MovementFrameFilter.reset")
def test_what_moves_moves_anew_after_a_reset(addresses, ring) -> None:
    calls: list[tuple[bool, int, int]] = []
    movement = MovementFrameFilter("movement", 0, 0.001, 10_000, pictures(ring))
    movement.setCallback(calls.append)
    with cg.read(ring, policy="latest") as reader, playing(addresses[0], movement):
        wait_until(lambda: calls, 10)
        for _ in range(5):
            reader.read(timeout=5)
        assert len(calls) == 1
        movement.reset()
        wait_until(lambda: len(calls) == 2)
        assert [begins for begins, _, _ in calls] == [True, True]


@pytest.mark.effect("valkka.core.MovementFrameFilter")
def test_nothing_passes_where_too_little_moves(addresses, ring, caplog) -> None:
    calls: list[tuple[bool, int, int]] = []
    movement = MovementFrameFilter("movement", 0, 0.5, 10_000, pictures(ring))
    movement.setCallback(calls.append)
    with cg.read(ring) as reader, playing(addresses[0], ForkFrameFilter("fork", movement, None)):
        assert silent_for(reader, 1.5)
    assert (calls, caplog.records) == ([], [])
