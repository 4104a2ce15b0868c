"""Filterchains on built-in cameras: what comes out where, and when."""

import select

import pytest

from camgraph.graph.nodes import RtspSource
from camgraph.testing.pattern import decode
from camgraph.testing.waiting import wait_until
from valkka import core
from valkka.api2 import LiveThread, OpenGLThread, ShmemRGBClient
from valkka.api2.chains import (
    BasicFilterchain,
    BasicFilterchain1,
    ManagedFilterchain2,
    OpenFilterchain,
    ShmemFilterchain,
    ShmemFilterchain1,
)
from valkka.core.runtime import runtime

SIZE = (320, 180)


def listen(name, cells=10, size=SIZE, mstimeout=300):
    return ShmemRGBClient(name=name, n_ringbuffer=cells, width=size[0], height=size[1], mstimeout=mstimeout)


def camera_in(client):
    """The number of the camera in the next picture; None: none comes in time."""
    index, meta = client.pullFrame()
    if index is None:
        return None
    picture = client.shmem_list[index][: meta.width * meta.height * 3]
    return decode(picture.reshape((meta.height, meta.width, 3))).camera


def is_silent(client):
    return client.pullFrame() == (None, None)


@pytest.mark.effect("valkka.api2.chains.ShmemFilterchain.{decodingOn,decodingOff,getShmemPars,close}")
def test_a_shmem_chain_shares_pictures_while_it_decodes(livethread, openglthread, addresses):
    event_fd = core.EventFd()
    chain = ShmemFilterchain(
        livethread=livethread,
        openglthread=openglthread,
        address=addresses[1],
        slot=3,
        shmem_image_dimensions=SIZE,
        shmem_image_interval=40,
        event_fd=event_fd,
    )
    name, cells, size = chain.getShmemPars()
    assert (cells, size) == (10, SIZE)
    client = listen(name, cells, size)
    assert is_silent(client)
    chain.decodingOn()
    wait_until(lambda: camera_in(client) == 2, 10, "pictures of the camera")
    assert client.pullFrame()[1].slot == 3
    assert select.select([event_fd.getFd()], [], [], 5)[0]
    chain.decodingOff()
    wait_until(lambda: is_silent(client), 5, "the end of decoding")
    chain.decodingOn()
    wait_until(lambda: camera_in(client) == 2, 5, "pictures once more")
    chain.close()
    wait_until(lambda: is_silent(client), 5, "the end of the chain")
    chain.close()


@pytest.mark.effect("valkka.api2.chains.BasicFilterchain.{decodingOn,decodingOff}")
def test_a_basic_chain_decodes_what_is_shown_from_decoding_on_to_decoding_off(
    livethread, openglthread, addresses
):
    chain = BasicFilterchain(livethread=livethread, openglthread=openglthread, address=addresses[0], slot=1)
    openglthread.connect(slot=1, window_id=openglthread.createWindow())
    livethread.core.waitReady()
    (source,) = (node.id for node in runtime.site.spec.nodes if isinstance(node, RtspSource))

    def count():
        return runtime.site.statistics().streams[source]

    def rests():
        """Whether some packets come and none is decoded."""
        before = count()
        wait_until(lambda: count().received > before.received + 5, 10, "packets")
        return count().decoded == before.decoded

    wait_until(lambda: count().unread > 10, 10, "packets")
    # The first one tells how large pictures are.
    assert count().decoded <= 1
    chain.decodingOn()
    wait_until(lambda: count().decoded > 10, 10, "decoded pictures")
    chain.decodingOff()
    wait_until(rests, 10, "the end of decoding")
    chain.close()


def test_what_is_closed_in_another_order_does_no_harm(addresses, display):
    livethread, openglthread = LiveThread(), OpenGLThread(background="")
    chains = [
        BasicFilterchain(livethread=livethread, openglthread=openglthread, address=address, slot=slot)
        for slot, address in enumerate(addresses, start=1)
    ]
    for chain in chains:
        chain.decodingOn()
    livethread.close()
    for chain in chains:
        chain.close()
        chain.decodingOff()
        chain.close()
    openglthread.close()
    livethread.close()
    openglthread.requestClose()
    openglthread.waitClose()


@pytest.mark.effect("valkka.api2.chains.ShmemFilterchain.__del__")
def test_a_chain_that_nobody_has_any_more_ends(livethread, openglthread, addresses):
    def make():
        chain = ShmemFilterchain(
            livethread=livethread,
            openglthread=openglthread,
            address=addresses[0],
            slot=1,
            shmem_name="of-nobody",
            shmem_image_dimensions=SIZE,
            shmem_image_interval=40,
        )
        chain.decodingOn()
        return chain

    chain = make()
    client = listen("of-nobody")
    wait_until(lambda: camera_in(client) == 1, 10, "pictures of the camera")
    del chain
    wait_until(lambda: is_silent(client), 5, "the end of the chain")
    # Its slot is free.
    chain = make()
    wait_until(lambda: camera_in(client) == 1, 10, "pictures of the next chain")
    chain.close()


@pytest.mark.effect(
    "valkka.api2.chains.ShmemFilterchain1.setLiveContext",
    "valkka.api2.chains.BasicFilterchain1.fileStatusOk",
    "valkka.api2.LiveThread.{registerStream,playStream,stopStream}",
)
def test_a_chain_without_a_source_is_given_one(livethread, openglthread, addresses):
    chain = ShmemFilterchain1(
        openglthread=openglthread,
        slot=2,
        msreconnect=1500,
        reordering_mstime=20,
        recv_buffer_size=200_000,
        time_correction=core.TimeCorrectionType_dummy,
        shmem_name="given-one",
        shmem_image_dimensions=SIZE,
        shmem_image_interval=40,
    )
    assert chain.fileStatusOk() is False
    with pytest.raises(NotImplementedError, match=r"playing files comes with a later version\.$"):
        chain.setFileContext("film.mkv")
    ctx = chain.setLiveContext(addresses[1])
    assert chain.live_ctx is ctx
    assert (ctx.msreconnect, ctx.reordering_time, ctx.recv_buffer_size, ctx.time_correction, ctx.slot) == (
        1500,
        20_000,
        200_000,
        core.TimeCorrectionType_dummy,
        2,
    )
    livethread.registerStream(ctx)
    livethread.playStream(ctx)
    chain.decodingOn()
    client = listen("given-one")
    wait_until(lambda: camera_in(client) == 2, 10, "pictures of the camera")
    livethread.stopStream(ctx)
    wait_until(lambda: is_silent(client), 5, "the end of the stream")
    livethread.deregisterStream(ctx)
    chain.close()


@pytest.mark.effect("valkka.api2.chains.OpenFilterchain.{decodingOn,connect,disconnect}")
def test_anything_is_connected_to_an_open_chain_while_it_runs(livethread, addresses):
    chain = OpenFilterchain(livethread=livethread, address=addresses[0], slot=1)
    chain.decodingOn()
    end = core.RGBShmemFrameFilter("opened", 5, *SIZE)
    first = core.SwScaleFrameFilter("scale", *SIZE, end)
    assert chain.connect("first", first)
    assert not chain.connect("first", end)
    client = listen("opened", cells=5)
    wait_until(lambda: camera_in(client) == 1, 10, "pictures of the camera")
    assert chain.disconnect("first")
    assert not chain.disconnect("first")
    wait_until(lambda: is_silent(client), 5, "their end")
    chain.close()


@pytest.mark.effect(
    "valkka.api2.chains.ManagedFilterchain2.{getShmem,releaseShmem}",
    "valkka.api2.chains.ManagedFilterchain.getParDic",
)
def test_a_managed_chain_has_the_rings_that_are_asked_for(livethread, openglthread, addresses):
    chain = ManagedFilterchain2(
        livethread=livethread,
        openglthreads=[openglthread],
        address=addresses[1],
        slot=9,
        _id=77,
        shmem_image_dimensions=SIZE,
        shmem_image_interval=40,
    )
    assert chain.getParDic(["_id", "slot"]) == {"_id": 77, "slot": 9}
    assert chain.getNumXscreenPorts(0) == 0
    one, other = chain.getShmem(), chain.getShmem()
    assert one != other
    first, second = listen(one), listen(other)
    wait_until(lambda: camera_in(first) == 2, 10, "pictures of the camera")
    wait_until(lambda: camera_in(second) == 2, 10, "pictures of the camera in the other ring")
    chain.releaseShmem(one)
    wait_until(lambda: is_silent(first), 5, "the end of the first ring")
    wait_until(lambda: camera_in(second) == 2, 5, "the other ring goes on")
    chain.releaseShmem(one)
    chain.close()
    wait_until(lambda: is_silent(second), 5, "the end of the other")


def test_several_threads_on_one_processor_are_refused(openglthread):
    with pytest.raises(AttributeError, match="n_threads=2 can't be had on one processor"):
        BasicFilterchain1(openglthread=openglthread, slot=1, n_threads=2, affinity=0)
    chain = BasicFilterchain1(openglthread=openglthread, slot=1, n_threads=2)
    chain.close()


def test_a_chain_that_is_verbose_tells(openglthread, capsys):
    chain = BasicFilterchain1(openglthread=openglthread, slot=4, verbose=True)
    chain.report("hello", 7)
    chain.close()
    told = capsys.readouterr().out
    assert "BasicFilterchain1 at slot 4:  hello 7" in told
    assert "closing" in told


def test_a_subclass_of_a_thread_is_no_such_thread(openglthread, addresses, capsys):
    class Mine(LiveThread):
        pass

    mine = Mine()
    with pytest.raises(AttributeError, match="'livethread'"):
        BasicFilterchain(livethread=mine, openglthread=openglthread, address=addresses[0], slot=1)
    mine.close()


def test_how_a_chain_decodes_reaches_the_site(livethread, openglthread, addresses):
    several = BasicFilterchain(
        livethread=livethread,
        openglthread=openglthread,
        address=addresses[0],
        slot=1,
        n_threads=2,
        vaapi=True,
        reordering_mstime=30,
        recv_buffer_size=300_000,
    )
    pinned = BasicFilterchain(
        livethread=livethread, openglthread=openglthread, address=addresses[1], slot=2, affinity=0
    )
    assert isinstance(several.avthread, core.VAAPIThread)
    livethread.core.waitReady()
    sources = {node.url: node for node in runtime.site.spec.nodes if isinstance(node, RtspSource)}
    first, second = (sources[address] for address in addresses)
    assert (first.decode_threads, first.cpu) == (2, -1)
    assert (first.reorder_ms, first.receive_buffer_bytes) == (30, 300_000)
    assert (second.decode_threads, second.cpu) == (1, 0)
    several.close()
    pinned.close()
