"""The plan: what the objects of a program make of what plays."""

import pytest

from camgraph.graph.nodes import (
    Fresh,
    Gate,
    Interval,
    Movement,
    Observe,
    Publish,
    RtspSource,
    SdpSource,
    Stamp,
)
from camgraph.graph.spec import streams_of
from valkka.core import (
    AVThread,
    BriefInfoFrameFilter,
    CachingGateFrameFilter,
    DummyFrameFilter,
    DummyTimestampFrameFilter,
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
    LiveConnectionType_sdp,
    MovementFrameFilter,
    OpenGLThread,
    PassSlotFrameFilter,
    RepeatH264ParsFrameFilter,
    RGBShmemFrameFilter,
    SetSlotFrameFilter,
    ShmemFrameFilter,
    SlotFrameFilter,
    SwScaleFrameFilter,
    ThreadSafeFrameFilter,
    TimeCorrectionType_dummy,
    TimeCorrectionType_none,
    TimeIntervalFrameFilter,
    TimestampFrameFilter,
    TimestampFrameFilter2,
)
from valkka.core.live_thread import _connection
from valkka.core.plan import Connection, Plan, make_plan

URL = "rtsp://10.0.0.5/main"


def live(framefilter, *, slot=1, id="live.1-1", address=URL, **fields) -> Connection:
    context = LiveConnectionContext(LiveConnectionType_rtsp, address, slot, framefilter)
    for name, value in fields.items():
        setattr(context, name, value)
    connection = _connection("live", context)
    return Connection(**{**vars(connection), "id": id})


def decoder(outfilter, *, on=True, **calls) -> AVThread:
    thread = AVThread("av", outfilter)
    thread._running = True
    if on:
        thread.decodingOnCall()
    for name, value in calls.items():
        getattr(thread, name)(value)
    return thread


def screen() -> OpenGLThread:
    """One that runs, without a display."""
    thread = OpenGLThread("gl")
    thread._running = True
    return thread


@pytest.fixture
def gl():
    thread = screen()
    yield thread
    thread._running = False


def nodes(plan: Plan, kind):
    assert plan.problems == []
    streams_of(plan.graph.spec)  # It is a graph: no names clash, everything is fed.
    return [node for node in plan.graph.spec.nodes if isinstance(node, kind)]


def node(plan: Plan, kind):
    (only,) = nodes(plan, kind)
    return only


def test_a_connection_becomes_a_source_and_its_password_stays_out_of_the_declaration() -> None:
    plan = make_plan([live(None, address="rtsp://admin:hidden@10.0.0.5/main", request_tcp=True)])
    source = node(plan, RtspSource)
    assert (source.url, source.transport) == (URL, "tcp")
    assert source.login == f"url:{source.id}"
    assert plan.graph.resolve_secrets() == {source.login: "admin:hidden"}
    assert b"hidden" not in plan.graph.spec.to_json()


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, {"transport": "udp", "stalled_after_s": 10.0, "longest_retry_s": 10.0}),
        ({"request_tcp": True}, {"transport": "tcp"}),
        ({"request_multicast": True}, {"transport": "multicast"}),
        ({"msreconnect": 0}, {"stalled_after_s": 2.0, "longest_retry_s": None}),
        ({"msreconnect": 1}, {"stalled_after_s": 0.1, "longest_retry_s": 0.1}),
        ({"msreconnect": 10**9}, {"stalled_after_s": 3600.0, "longest_retry_s": 3600.0}),
        ({"mstimeout": 3}, {"transport": "udp"}),
        ({"recv_buffer_size": 1 << 40}, {"receive_buffer_bytes": 1 << 30}),
        ({"reordering_time": 1 << 40}, {"reorder_ms": 5000}),
    ],
)
def test_options_of_a_connection(fields, expected) -> None:
    source = node(make_plan([live(None, **fields)]), RtspSource)
    assert {name: getattr(source, name) for name in expected} == expected


def test_how_a_source_is_decoded_is_told_by_the_threads_that_decode_it(gl) -> None:
    fork = ForkFrameFilterN("fork")
    first, second = AVThread("av", gl.getFrameFilter()), AVThread("av", gl.getFrameFilter())
    first.setNumberOfThreads(3)
    second.setAffinity(1)
    fork.connect("a", first.getFrameFilter())
    fork.connect("b", second.getFrameFilter())
    before = make_plan([live(fork)])
    source = node(before, RtspSource)
    assert (source.decode_threads, source.cpu, source.clock) == (3, 1, "capture")
    # A stream that runs is not opened anew because another decoder comes or goes.
    fork.disconnect("a")
    assert node(make_plan([live(fork)], before.graph.spec), RtspSource) == source
    assert node(make_plan([live(fork)]), RtspSource).decode_threads == 1


def test_raw_times_are_kept_where_nobody_corrects_them(gl) -> None:
    raw = {"time_correction": TimeCorrectionType_none}
    thread = decoder(gl.getFrameFilter())
    assert node(make_plan([live(None, **raw)]), RtspSource).clock == "camera"
    assert node(make_plan([live(thread.getFrameFilter(), **raw)]), RtspSource).clock == "capture"
    thread.setTimeCorrection(False)
    assert node(make_plan([live(thread.getFrameFilter(), **raw)]), RtspSource).clock == "camera"
    assert node(make_plan([live(thread.getFrameFilter())]), RtspSource).clock == "capture"
    arrival = live(None, time_correction=TimeCorrectionType_dummy)
    assert node(make_plan([arrival]), RtspSource).clock == "arrival"


def test_a_session_description() -> None:
    plan = make_plan([live(None, address="/tmp/c.sdp", connection_type=LiveConnectionType_sdp)])
    assert node(plan, SdpSource).path == "/tmp/c.sdp"


def test_what_can_not_be_played_is_told_and_keeps_nothing_else_from_playing() -> None:
    plan = make_plan([live(None, id="a.1-1", address="nowhere"), live(None, slot=2, id="a.2-2")])
    assert [it.id for it in plan.graph.spec.nodes] == ["a.2-2"]
    assert len(plan.problems) == 1
    assert "slot 1 of live thread 'live'" in plan.problems[0]


def test_pictures_are_behind_a_decoder_that_is_on(gl) -> None:
    thread = AVThread("av", gl.getFrameFilter())
    to_thread = live(thread.getFrameFilter())
    assert nodes(make_plan([to_thread]), Gate) == []
    thread._running = True
    plan = make_plan([to_thread])
    assert not node(plan, Gate).opened
    assert plan.routes == {gl.label: {1: node(plan, Gate).id}}
    thread.decodingOnCall()
    assert node(make_plan([to_thread]), Gate).opened
    thread.decodingOffCall()
    assert not node(make_plan([to_thread]), Gate).opened
    assert node(make_plan([live(thread.getBlockingFrameFilter())]), Gate).id == node(plan, Gate).id


def test_packets_do_not_reach_windows_and_pictures_no_decoder(gl) -> None:
    assert make_plan([live(gl.getFrameFilter())]).routes == {}
    inner = decoder(gl.getFrameFilter())
    assert make_plan([live(decoder(inner.getFrameFilter()).getFrameFilter())]).routes == {}


def test_a_thread_that_is_stopped_takes_in_nothing(gl) -> None:
    thread = decoder(gl.getFrameFilter())
    gl._running = False
    assert make_plan([live(thread.getFrameFilter())]).routes == {}
    thread._running = False
    assert nodes(make_plan([live(thread.getFrameFilter())]), Gate) == []


def test_forks_need_no_node_and_two_decoders_one_source(gl) -> None:
    ring = RGBShmemFrameFilter("ring", 10, 300, 200)
    first, second = decoder(gl.getFrameFilter()), decoder(ring)
    plan = make_plan([live(ForkFrameFilter("fork", first.getFrameFilter(), second.getFrameFilter()))])
    assert len(nodes(plan, RtspSource)) == 1
    assert [it.source for it in nodes(plan, Gate)] == ["live.1-1"] * 2
    assert len(plan.graph.spec.nodes) == 4


def test_fork_3_leaves_out_what_is_none(gl) -> None:
    fork = ForkFrameFilter3("fork", None, decoder(gl.getFrameFilter()).getFrameFilter(), None)
    assert len(make_plan([live(fork)]).routes) == 1


def test_fork_n_connects_and_disconnects_by_tag() -> None:
    fork = ForkFrameFilterN("fork")
    first, second = ShmemFrameFilter("one", 5, 100), ShmemFrameFilter("two", 5, 100)
    assert fork.connect("b", first)
    assert not fork.connect("b", second)
    assert not fork.connect("b", first)
    assert fork.connect("a", second)
    assert [it.ring for it in nodes(make_plan([live(fork)]), Publish)] == ["two", "one"]
    assert fork.disconnect("a")
    assert not fork.disconnect("a")
    assert [it.ring for it in nodes(make_plan([live(fork)]), Publish)] == ["one"]


def test_planning_again_gives_the_same_nodes_whatever_was_connected_meanwhile() -> None:
    fork = ForkFrameFilterN("fork")
    fork.connect("m", TimeIntervalFrameFilter("interval", 1000, ShmemFrameFilter("one", 5, 100)))
    before = make_plan([live(fork)])
    fork.connect("a", TimeIntervalFrameFilter("interval", 500, ShmemFrameFilter("two", 5, 100)))
    after = make_plan([live(fork)])
    assert set(before.graph.spec.nodes) < set(after.graph.spec.nodes)


def test_a_filter_that_several_streams_reach_runs_once_for_each(gl) -> None:
    safe = ThreadSafeFrameFilter("safe", TimeIntervalFrameFilter("interval", 1000, gl.getFrameFilter()))
    thread = decoder(safe)
    plan = make_plan(
        [
            live(thread.getFrameFilter(), slot=1, id="live.1-1"),
            live(thread.getFrameFilter(), slot=2, id="live.2-2"),
        ]
    )
    assert len({it.id for it in nodes(plan, Interval)}) == 2
    assert set(plan.routes[gl.label]) == {1, 2}


def test_one_stream_that_comes_by_two_ways_runs_on_both(gl) -> None:
    gate = GateFrameFilter("gate")
    fork = ForkFrameFilter(
        "fork", TimeIntervalFrameFilter("a", 1, gate), TimeIntervalFrameFilter("b", 2, gate)
    )
    gates = nodes(make_plan([live(fork)]), Gate)
    assert len({it.id for it in gates}) == len({it.source for it in gates}) == 2


def test_one_stream_that_comes_with_two_slots_is_seen_with_both() -> None:
    info = InfoFrameFilter("info")
    other = SetSlotFrameFilter("other", info)
    other.setSlot(7)
    plan = make_plan([live(ForkFrameFilter("fork", info, other))])
    assert [sight.way.slot for sight in plan.sights.values()] == [1, 7]


def test_one_ring_has_one_writer() -> None:
    for second in (ring := ShmemFrameFilter("ring", 5, 100), ShmemFrameFilter("ring", 6, 200)):
        plan = make_plan([live(ring), live(second, slot=2, id="live.2-2")])
        assert [it.source for it in plan.graph.spec.nodes if isinstance(it, Publish)] == ["live.1-1"]
        assert ["'ring'" in it for it in plan.problems] == [True]


def test_a_circle_ends() -> None:
    fork = ForkFrameFilterN("fork")
    fork.connect("self", ThreadSafeFrameFilter("safe", fork))
    plan = make_plan([live(fork)])
    assert ["fed by itself" in it for it in plan.problems] == [True]


def test_gates() -> None:
    for kind in (GateFrameFilter, CachingGateFrameFilter):
        gate = kind("gate", ShmemFrameFilter("ring", 5, 100))
        assert not node(make_plan([live(gate)]), Gate).opened
        gate.set()
        plan = make_plan([live(gate)])
        assert node(plan, Gate).opened
        assert node(plan, Publish).source == node(plan, Gate).id
        gate.unSet()
        assert not node(make_plan([live(gate)]), Gate).opened


def test_slots_are_followed(gl) -> None:
    set_slot = SetSlotFrameFilter("set", decoder(gl.getFrameFilter()).getFrameFilter())
    assert list(make_plan([live(set_slot, slot=3)]).routes[gl.label]) == [3]
    set_slot.setSlot(7)
    assert list(make_plan([live(set_slot, slot=3)]).routes[gl.label]) == [7]
    set_slot.setSlot()
    assert list(make_plan([live(set_slot, slot=3)]).routes[gl.label]) == [3]
    assert list(make_plan([live(SlotFrameFilter("slot", 9, set_slot))]).routes[gl.label]) == [9]


def test_one_slot_passes(gl) -> None:
    only = PassSlotFrameFilter("only", 2, decoder(gl.getFrameFilter()).getFrameFilter())
    plan = make_plan([live(only, slot=1, id="live.1-1"), live(only, slot=2, id="live.2-2")])
    assert list(plan.routes[gl.label]) == [2]


def test_two_streams_of_one_slot_in_one_thread_are_told_of(gl) -> None:
    thread = decoder(gl.getFrameFilter())
    plan = make_plan([live(thread.getFrameFilter(), id=f"live.1-{number}") for number in (1, 2)])
    assert len(plan.problems) == 1
    assert len(plan.routes[gl.label]) == 1


def test_pictures_of_the_scaler_go_into_the_ring_as_rgb() -> None:
    ring = RGBShmemFrameFilter("ring", 10, 480, 270)
    scale = SwScaleFrameFilter("scale", 300, 200, ring)
    plan = make_plan([live(decoder(TimeIntervalFrameFilter("interval", 1000, scale)).getFrameFilter())])
    published = node(plan, Publish)
    assert (published.ring, published.format, published.size) == ("ring", "rgb24", (300, 200))
    assert published.tag == 1
    assert (node(plan, Interval).shortest_ms, published.source) == (1000, node(plan, Interval).id)


def test_a_ring_has_its_own_size_without_a_scaler_or_with_one_that_is_too_large() -> None:
    ring = RGBShmemFrameFilter("ring", 10, 48, 27)
    for before in (ring, SwScaleFrameFilter("scale", 300, 200, ring)):
        assert node(make_plan([live(decoder(before).getFrameFilter())]), Publish).size == (48, 27)


def test_packets_are_not_scaled_and_rings_take_what_they_are_for() -> None:
    rgb = RGBShmemFrameFilter("rgb", 10, 48, 27)
    boxes = FragMP4ShmemFrameFilter("boxes", 10, 1000)
    packets = ShmemFrameFilter("packets", 10, 1000)
    fork = ForkFrameFilter3("fork", rgb, boxes, SwScaleFrameFilter("scale", 3, 2, packets))
    assert nodes(make_plan([live(fork)]), Publish) == []
    fork = ForkFrameFilter3("fork", boxes, packets, FragMP4MuxFrameFilter("mux", boxes))
    assert nodes(make_plan([live(decoder(fork).getFrameFilter())]), Publish) == []


def test_packets_in_a_ring() -> None:
    published = node(make_plan([live(ShmemFrameFilter("ring", 10, 4096))]), Publish)
    assert (published.ring, published.format, published.size) == ("ring", "nal", (4096, 1))


def test_fragmented_mp4_while_it_is_active() -> None:
    mux = FragMP4MuxFrameFilter("mux", FragMP4ShmemFrameFilter("ring", 10, 1 << 20))
    plan = make_plan([live(mux)])
    assert not node(plan, Gate).opened
    published = node(plan, Publish)
    assert (published.format, published.size, published.headers) == ("fmp4", (1 << 20, 1), 0)
    mux.activate()
    mux.sendMeta()
    plan = make_plan([live(mux)])
    assert (node(plan, Gate).opened, node(plan, Publish).headers) == (True, 1)
    mux.deActivate()
    assert not node(make_plan([live(mux)]), Gate).opened


def test_descriptors_of_rings() -> None:
    class Descriptor:
        def getFd(self):
            return 0

    first, second = Descriptor(), Descriptor()
    ring = ShmemFrameFilter("ring", 10, 4096)
    assert make_plan([live(ring)]).descriptors == {}
    ring.useFd(first)
    ring.useFd(first)
    ring.useFd(second)
    plan = make_plan([live(ring)])
    assert plan.descriptors == {node(plan, Publish).id: (first, second)}


def test_movement(gl) -> None:
    movement = MovementFrameFilter("move", 100, 0.02, 3000, gl.getFrameFilter())
    plan = make_plan([live(decoder(movement).getFrameFilter(), slot=4)])
    it = node(plan, Movement)
    assert (it.every_ms, it.threshold, it.ends_after_ms, it.resets) == (100, 0.02, 3000, 0)
    assert plan.routes == {gl.label: {4: it.id}}
    assert plan.sights[it.id].who is movement
    assert plan.sights[it.id].way.slot == 4
    movement.reset()
    assert node(make_plan([live(decoder(movement).getFrameFilter())]), Movement).resets == 1
    assert nodes(make_plan([live(movement)]), Movement) == []


def test_values_beyond_what_can_be_are_the_nearest_that_can(gl) -> None:
    day = 24 * 3600 * 1000
    for given, expected in (((0, -1.0, 0), (1, 0.0, 0)), ((2 * day, 3.0, 2 * day), (day, 1.0, day))):
        plan = make_plan([live(decoder(MovementFrameFilter("move", *given)).getFrameFilter())])
        it = node(plan, Movement)
        assert (it.every_ms, it.threshold, it.ends_after_ms) == expected
    slow = TimeIntervalFrameFilter("slow", 2 * day, FPSCountFrameFilter("fps", 2 * day, gl.getFrameFilter()))
    plan = make_plan([live(decoder(slow, setTimeTolerance=2 * day).getFrameFilter())])
    assert (node(plan, Interval).shortest_ms, node(plan, Observe).every_ms) == (day, day)
    assert node(plan, Fresh).oldest_ms == day


def test_what_prints_sees_packets_before_and_pictures_behind_a_decoder() -> None:
    for kind in (InfoFrameFilter, BriefInfoFrameFilter, DummyFrameFilter):
        printer = kind("printer")
        plan = make_plan([live(ForkFrameFilter("fork", printer, decoder(printer).getFrameFilter()))])
        assert [(it.of, it.every_ms) for it in nodes(plan, Observe)] == [("units", 0), ("pictures", 0)]
    counter = FPSCountFrameFilter("fps", 5000)
    assert node(make_plan([live(counter)]), Observe).every_ms == 5000
    assert nodes(make_plan([live(DummyFrameFilter("quiet", False))]), Observe) == []


def test_times(gl) -> None:
    stamped = DummyTimestampFrameFilter(
        "now", TimestampFrameFilter("a", TimestampFrameFilter2("b", gl.getFrameFilter()))
    )
    plan = make_plan([live(RepeatH264ParsFrameFilter("pars", decoder(stamped).getFrameFilter()))])
    assert plan.routes == {gl.label: {1: node(plan, Stamp).id}}


def test_pictures_that_are_too_old_are_dropped(gl) -> None:
    plan = make_plan([live(decoder(gl.getFrameFilter(), setTimeTolerance=200).getFrameFilter())])
    assert node(plan, Fresh).oldest_ms == 200
    assert plan.routes == {gl.label: {1: node(plan, Fresh).id}}
