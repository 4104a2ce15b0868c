"""Graphs of the documented API, running: what arrives behind filters, and how they are rewired."""

import itertools
import logging
import os
import resource
import select
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event

import pytest

import camgraph as cg
from camgraph.testing.waiting import wait_until
from valkka.core import (
    AVThread,
    BriefInfoFrameFilter,
    CachingGateFrameFilter,
    DummyFrameFilter,
    ForkFrameFilter,
    ForkFrameFilter3,
    ForkFrameFilterN,
    FPSCountFrameFilter,
    FragMP4MuxFrameFilter,
    FragMP4ShmemFrameFilter,
    GateFrameFilter,
    InfoFrameFilter,
    LiveConnectionContext,
    LiveConnectionType_rtsp,
    LiveThread,
    MovementFrameFilter,
    RGBShmemFrameFilter,
    SetSlotFrameFilter,
    ShmemFrameFilter,
    SwScaleFrameFilter,
    TimeIntervalFrameFilter,
)
from valkka.core.frame_filter import FrameFilter
from valkka.core.runtime import runtime

REWIRED_WITHIN_S = 0.25


class Chain:
    """A live thread with one stream, and a decoder in front of `behind`."""

    def __init__(
        self,
        address: str,
        behind: FrameFilter | None,
        *,
        packets: FrameFilter | None = None,
        tcp: bool = True,
    ) -> None:
        self.live, self.av = LiveThread("live"), AVThread("av", behind)
        fork = ForkFrameFilter("fork", self.av.getFrameFilter(), packets)
        self.context = LiveConnectionContext(LiveConnectionType_rtsp, address, 3, fork)
        self.context.request_tcp = tcp
        self.live.startCall()
        self.av.startCall()
        self.live.registerStreamCall(self.context)
        self.live.playStreamCall(self.context)
        self.av.decodingOnCall()

    def close(self) -> None:
        self.live.stopCall()
        self.av.stopCall()


@contextmanager
def playing(
    address: str, behind: FrameFilter | None = None, *, packets: FrameFilter | None = None, tcp: bool = True
) -> Iterator[Chain]:
    chain = Chain(address, behind, packets=packets, tcp=tcp)
    try:
        yield chain
    finally:
        chain.close()


@pytest.fixture
def ring(request) -> str:
    """A name for a ring, this test's own."""
    return f"{request.node.name}-{os.getpid()}"


@pytest.mark.effect(
    "valkka.core.RGBShmemFrameFilter",
    "valkka.core.LiveConnectionContext.{connection_type,address,slot,framefilter}",
    "valkka.core.LiveConnectionType_rtsp",
    "valkka.core.AVThread.{getFrameFilter,startCall,decodingOnCall}",
    "valkka.core.LiveThread.{startCall,registerStreamCall,playStreamCall}",
)
def test_scaled_pictures_arrive_by_the_name_of_a_ring(addresses, ring) -> None:
    behind = SwScaleFrameFilter("scale", 160, 90, RGBShmemFrameFilter(ring, 5, 160, 90))
    with cg.read(ring) as reader, playing(addresses[0], behind):
        frame = reader.read(timeout=10)
        assert (frame.width, frame.height, frame.format, frame.tag) == (160, 90, "rgb24", 3)
        assert abs(frame.capture_ns - time.time_ns()) < 5e9
        assert frame.array.std() > 10


@pytest.mark.effect("valkka.core.ShmemFrameFilter", "valkka.core.ForkFrameFilter")
def test_packets_arrive_by_the_name_of_a_ring(addresses, ring) -> None:
    with cg.read(ring) as reader, playing(addresses[0], packets=ShmemFrameFilter(ring, 5, 1 << 20)):
        kinds = [bytes(reader.read(timeout=10).memory[:5]) for _ in range(3)]
        assert [it[:4] for it in kinds] == [b"\0\0\0\1"] * 3
        assert [it[4] & 0x1F for it in kinds[:2]] == [7, 8]


@pytest.mark.effect(
    "valkka.core.FragMP4MuxFrameFilter.{activate,deActivate,sendMeta}", "valkka.core.FragMP4ShmemFrameFilter"
)
def test_fragmented_mp4_arrives_while_it_is_active_and_its_beginning_once_more_when_asked(
    addresses, ring
) -> None:
    mux = FragMP4MuxFrameFilter("mux", FragMP4ShmemFrameFilter(ring, 5, 1 << 20))
    with cg.read(ring) as reader, playing(addresses[0], packets=mux):

        def box() -> bytes:
            return bytes(reader.read(timeout=10).memory[4:8])

        with pytest.raises(TimeoutError):
            reader.read(timeout=1)
        mux.activate()
        assert [box() for _ in range(4)] == [b"ftyp", b"moov", b"moof", b"mdat"]
        mux.sendMeta()
        wait_until(lambda: box() == b"ftyp", 10)
        assert box() == b"moov"
        mux.deActivate()
        wait_until(lambda: _silent_for(reader, 0.3), what="no boxes come")


def test_packets_come_by_udp_where_tcp_is_not_asked_for(addresses, ring) -> None:
    with (
        cg.read(ring) as reader,
        playing(addresses[0], packets=ShmemFrameFilter(ring, 5, 1 << 20), tcp=False),
    ):
        reader.read(timeout=10)
        (source,) = runtime.site.statistics().streams.values()
        assert source.transport == "udp"


@pytest.mark.effect("valkka.core.ForkFrameFilterN.{connect,disconnect}")
def test_a_running_graph_is_rewired_without_stalling(addresses, ring) -> None:
    fork = ForkFrameFilterN("fork")
    fork.connect("first", RGBShmemFrameFilter(ring, 5, 160, 90))
    with cg.read(ring, policy="latest") as reader, playing(addresses[0], fork):
        reader.read(timeout=10)
        delays = []
        for number in range(3):
            name = f"{ring}-{number}"
            with cg.read(name) as other:
                began_ns = time.monotonic_ns()
                assert fork.connect(name, RGBShmemFrameFilter(name, 5, 160, 90))
                frame = other.read(timeout=5)
                delays.append((time.monotonic_ns() - began_ns) / 1e9)
                del frame
            reader.read(timeout=0.5)
            assert fork.disconnect(name)
        assert statistics.median(delays) < REWIRED_WITHIN_S, delays


@pytest.mark.effect(
    "valkka.core.GateFrameFilter.{set,unSet}", "valkka.core.AVThread.{decodingOnCall,decodingOffCall}"
)
def test_gates_and_decoding_turn_on_and_off(addresses, ring) -> None:
    gate = GateFrameFilter("gate", RGBShmemFrameFilter(ring, 5, 160, 90))
    with cg.read(ring, policy="latest") as reader, playing(addresses[0], gate) as chain:
        with pytest.raises(TimeoutError):
            reader.read(timeout=1)
        for on, off in ((gate.set, gate.unSet), (chain.av.decodingOnCall, chain.av.decodingOffCall)):
            gate.set()
            on()
            reader.read(timeout=10)
            off()
            chain.live.waitReady()
            wait_until(lambda: _silent_for(reader, 0.3), what="no frames pass")


def _silent_for(reader, seconds: float) -> bool:
    try:
        reader.read(timeout=seconds)
    except TimeoutError:
        return True
    return False


@pytest.mark.effect("valkka.core.SetSlotFrameFilter.setSlot")
def test_a_slot_is_changed_while_frames_pass(addresses, ring) -> None:
    slot = SetSlotFrameFilter("slot", RGBShmemFrameFilter(ring, 5, 160, 90))
    with cg.read(ring, policy="latest") as reader, playing(addresses[0], slot):
        assert reader.read(timeout=10).tag == 3
        slot.setSlot(9)
        wait_until(lambda: reader.read(timeout=5).tag == 9)


@pytest.mark.effect("valkka.core.TimeIntervalFrameFilter")
def test_an_interval_thins_out(addresses, ring) -> None:
    interval = TimeIntervalFrameFilter("interval", 200, RGBShmemFrameFilter(ring, 5, 160, 90))
    with cg.read(ring) as reader, playing(addresses[0], interval):
        times = [reader.read(timeout=10).capture_ns for _ in range(4)]
        assert all(190e6 < later - earlier < 400e6 for earlier, later in itertools.pairwise(times))


@pytest.mark.effect("valkka.core.RGBShmemFrameFilter.useFd")
def test_an_event_descriptor_is_readable_with_each_frame(addresses, ring) -> None:
    class Descriptor:
        def __init__(self) -> None:
            self.fd = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)

        def getFd(self) -> int:
            return self.fd

    woken, publishes = Descriptor(), RGBShmemFrameFilter(ring, 5, 160, 90)
    publishes.useFd(woken)
    try:
        with playing(addresses[0], publishes):
            for _ in range(3):
                assert select.select([woken.fd], [], [], 10)[0]
                assert os.eventfd_read(woken.fd) >= 1
    finally:
        os.close(woken.fd)


def test_a_stream_that_can_not_be_played_keeps_no_other_from_playing(addresses, ring, caplog) -> None:
    with cg.read(ring) as reader, playing(addresses[0], RGBShmemFrameFilter(ring, 5, 160, 90)) as chain:
        wrong = LiveConnectionContext(LiveConnectionType_rtsp, "nowhere", 4, chain.context.framefilter)
        chain.live.registerStreamCall(wrong)
        chain.live.playStreamCall(wrong)
        chain.live.waitReady()
        assert reader.read(timeout=10).tag == 3
    assert "slot 4 of live thread 'live' (nowhere) can't be played" in caplog.text


@pytest.mark.effect("valkka.core.LiveThread.{playStreamCall,stopStreamCall,deregisterStreamCall}")
def test_a_stream_is_stopped_and_plays_again(addresses, ring) -> None:
    with (
        cg.read(ring, policy="latest") as reader,
        playing(addresses[0], RGBShmemFrameFilter(ring, 5, 160, 90)) as chain,
    ):
        reader.read(timeout=10)
        chain.live.stopStreamCall(chain.context)
        chain.live.waitReady()
        wait_until(lambda: _silent_for(reader, 0.3), what="no frames pass")
        chain.live.playStreamCall(chain.context)
        reader.read(timeout=10)
        chain.live.deregisterStreamCall(chain.context)
        wait_until(lambda: _silent_for(reader, 0.3), what="no frames pass")
        chain.live.playStreamCall(chain.context)
        assert list(chain.live.playing()) == []


def test_a_taken_slot_is_left_as_it_is(addresses, caplog) -> None:
    live = LiveThread("live")
    first = LiveConnectionContext(LiveConnectionType_rtsp, addresses[0], 1, None)
    live.registerStreamCall(first)
    live.registerStreamCall(LiveConnectionContext(LiveConnectionType_rtsp, addresses[1], 1, None))
    assert "is taken" in caplog.text
    live.registerStreamCall(LiveConnectionContext(LiveConnectionType_rtsp, addresses[1], 256, None))
    assert "slots are 1 to 255" in caplog.text


@pytest.mark.effect("valkka.core.LiveThread.stopCall")
def test_calls_that_come_late_or_twice_do_nothing(addresses) -> None:
    with playing(addresses[0]) as chain:
        chain.close()
        chain.close()
        for call in (chain.live.stopStreamCall, chain.live.deregisterStreamCall, chain.live.playStreamCall):
            call(chain.context)
        for thread in (chain.live, chain.av):
            thread.requestStopCall()
            thread.waitStopCall()
            thread.waitReady()
        chain.av.decodingOffCall()
        assert runtime.site.spec.nodes == ()


def test_a_live_thread_that_nobody_has_any_more_stops(addresses) -> None:
    chain = Chain(addresses[0], None)
    chain.live.waitReady()
    assert len(runtime.site.spec.nodes) == 2
    del chain
    runtime.settle()
    wait_until(lambda: runtime.site.spec.nodes == ())


@pytest.mark.effect("valkka.core.{InfoFrameFilter,BriefInfoFrameFilter,DummyFrameFilter,FPSCountFrameFilter}")
def test_what_passes_is_printed(addresses, capsys) -> None:
    packets = InfoFrameFilter("info", BriefInfoFrameFilter("brief", DummyFrameFilter("dummy")))
    pictures = InfoFrameFilter("pictures", FPSCountFrameFilter("count", 300))
    seen = ""

    def printed(*parts: str) -> bool:
        nonlocal seen
        seen += capsys.readouterr().out
        return all(part in seen for part in parts)

    with playing(addresses[0], pictures, packets=packets):
        wait_until(
            lambda: printed(
                "InfoFrameFilter: info start dump>>",
                "slot=3 / payload size=",
                "H264: slice_type=7>",
                "H264: slice_type=8>",
                "H264: slice_type=5>",
                "H264: slice_type=1>",
                "PAYLOAD : [0 0 0 1 ",
                "timediff: ",
                "BriefInfoFrameFilter: brief : <BasicFrame: timestamp=",
                "DummyFrameFilter: dummy got frame : <BasicFrame",
                "<AVBitmapFrame: timestamp=",
                "size=320x180",
                "FPSCount count : 2",
            ),
            10,
            "all was printed",
        )
    assert seen.index("info start dump>> \nInfoFrameFilter: FRAME   : <SetupFrame") == seen.index(
        "info start"
    )


@pytest.mark.effect(
    "valkka.core.ForkFrameFilter3",
    "valkka.core.GateFrameFilter.{passConfigFrames,noConfigFrames}",
    "valkka.core.CachingGateFrameFilter.set",
)
def test_set_up_frames_pass_closed_gates_where_they_are_let(addresses, capsys) -> None:
    passes, keeps, caches = (
        GateFrameFilter("passes", InfoFrameFilter("passed")),
        GateFrameFilter("keeps", InfoFrameFilter("kept")),
        CachingGateFrameFilter("caches", BriefInfoFrameFilter("cached")),
    )
    keeps.noConfigFrames()
    seen = ""

    def printed(*parts: str) -> bool:
        nonlocal seen
        seen += capsys.readouterr().out
        return all(part in seen for part in parts)

    setup = "<SetupFrame: subsession_index=0 slot=3 / stream init / video H264>"
    with playing(addresses[0], packets=ForkFrameFilter3("fork", passes, keeps, caches)):
        wait_until(lambda: printed("InfoFrameFilter: passed start dump>>", setup), 10)
        assert not printed("kept")
        assert not printed("cached")
        caches.set()
        wait_until(lambda: printed(f"BriefInfoFrameFilter: cached : {setup}", "cached : <BasicFrame"))
        keeps.passConfigFrames()
        wait_until(lambda: printed("InfoFrameFilter: kept start dump>>"))
        assert seen.count("stream init") == 3
        assert seen.count("BasicFrame") == seen.count("cached : <BasicFrame")


def test_what_is_wrong_with_a_stream_is_logged_in_a_sentence(addresses, caplog) -> None:
    address = addresses[0].rsplit("/", 1)[0] + "/nowhere"
    with playing(address.replace("rtsp://", "rtsp://me:hidden@")):
        wait_until(lambda: "slot 3 of live thread 'live' (rtsp://***@127" in caplog.text, 10)
    assert "hidden" not in caplog.text
    assert [it.name for it in caplog.records if it.levelno >= logging.WARNING] == ["valkka.livethread"]


@pytest.mark.effect("valkka.core.MovementFrameFilter.setCallback")
def test_movement_calls_back_in_the_dispatcher_and_stops_with_the_graph(addresses) -> None:
    calls: list[tuple[bool, int, int]] = []
    movement = MovementFrameFilter("movement", 100, 0.0001, 10_000)
    movement.setCallback(calls.append)
    with playing(addresses[0], movement) as chain:
        begins, slot, ms = wait_until(lambda: calls, 10)[0]
        assert (begins, slot) == (True, 3)
        assert abs(ms - time.time() * 1000) < 10_000
        chain.close()
        told = len(calls)
        movement.reset()
        runtime.settle()
        assert len(calls) == told


def test_a_callback_may_stop_what_calls_it_and_what_it_raises_is_logged(addresses, caplog) -> None:
    stopped = []
    movement = MovementFrameFilter("movement", 100, 0.0001, 10_000)
    with playing(addresses[0], movement) as chain:

        def stop(_event: tuple[bool, int, int]) -> None:
            chain.close()
            stopped.append(True)
            raise ValueError("on purpose")

        movement.setCallback(stop)
        wait_until(lambda: stopped, 10)
        wait_until(lambda: "on purpose" in caplog.text)
        assert runtime.site.spec.nodes == ()
    assert [it.name for it in caplog.records if it.levelno >= logging.ERROR] == ["valkka.thread"]


def test_a_callback_that_blocks_holds_up_no_change_and_no_stop(addresses, ring) -> None:
    entered, go_on = Event(), Event()
    movement = MovementFrameFilter("movement", 100, 0.0001, 10_000)
    gate = GateFrameFilter("gate", RGBShmemFrameFilter(ring, 5, 160, 90))

    def block(_event: tuple[bool, int, int]) -> None:
        entered.set()
        go_on.wait(30)

    movement.setCallback(block)
    try:
        behind = ForkFrameFilter("fork", movement, gate)
        with cg.read(ring) as reader, playing(addresses[0], behind) as chain:
            assert entered.wait(10)
            gate.set()
            reader.read(timeout=5)
            began = time.monotonic()
            chain.close()
            assert time.monotonic() - began < 5
            assert runtime.site.spec.nodes == ()
    finally:
        go_on.set()


def test_a_connection_whose_slot_was_taken_leaves_the_other_one_alone(addresses) -> None:
    live, decoder = LiveThread("live"), AVThread("decoder")
    first, second = (
        LiveConnectionContext(LiveConnectionType_rtsp, address, 3, decoder.getFrameFilter())
        for address in addresses
    )
    live.startCall()
    for ctx in (first, second):
        live.registerStreamCall(ctx)
        live.playStreamCall(ctx)
    live.stopStreamCall(second)
    live.deregisterStreamCall(second)
    assert [it.address for it in live.playing()] == [addresses[0]]
    live.deregisterStreamCall(first)
    live.registerStreamCall(second)
    live.playStreamCall(second)
    assert [it.address for it in live.playing()] == [addresses[1]]
    live.stopCall()


def test_what_the_system_does_not_grant_is_told_once_and_applied_when_it_does(
    addresses, ring, caplog
) -> None:
    _ = runtime._applier
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    lowest = next(number for number in range(soft) if not os.path.exists(f"/proc/self/fd/{number}"))
    with cg.read(ring) as reader:
        resource.setrlimit(resource.RLIMIT_NOFILE, (lowest, hard))
        try:
            with playing(addresses[0], RGBShmemFrameFilter(ring, 5, 320, 180)):
                told = "what was changed is applied later: [Errno 24] Too many open files"
                wait_until(lambda: told in caplog.text, 5)
                assert not runtime.settle()
                assert not runtime.settle()
                resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
                assert reader.read(timeout=10).width == 320
                assert caplog.text.count(told) == 1
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
