"""How threads and chains of the second level end, and what chains decode meanwhile."""

import gc
from collections.abc import Iterator
from typing import Any

import pytest

from camgraph.graph.nodes import Gate, RtspSource
from camgraph.testing.pattern import decode
from camgraph.testing.screens import pixels_of
from camgraph.testing.waiting import wait_until
from valkka import core
from valkka.api2 import LiveThread, OpenGLThread, ShmemRGBClient
from valkka.api2.chains import (
    BasicFilterchain,
    BasicFilterchain1,
    ManagedFilterchain,
    ManagedFilterchain2,
    OpenFilterchain,
    ShmemFilterchain,
    ShmemFilterchain1,
    ViewPort,
)
from valkka.core.runtime import runtime

SIZE = (320, 180)


def running(kind: type) -> list[Any]:
    """What of this kind runs in the site, all that was called before being done."""
    assert runtime.settle()
    return [node for node in runtime.site.spec.nodes if isinstance(node, kind)]


def context(address: str, slot: int, framefilter: Any = None) -> core.LiveConnectionContext:
    return core.LiveConnectionContext(core.LiveConnectionType_rtsp, address, slot, framefilter)


@pytest.mark.effect("valkka.api2.LiveThread.{close,requestClose,waitClose,__del__}")
@pytest.mark.parametrize("way", ["close", "request", "nobody has it"])
def test_a_live_thread_ends_and_all_that_it_receives(addresses, way) -> None:
    livethread: LiveThread | None = LiveThread(name="live")
    assert livethread is not None
    for slot, address in enumerate(addresses, 1):
        ctx = context(address, slot)
        livethread.registerStream(ctx)
        livethread.playStream(ctx)
    assert len(running(RtspSource)) == 2
    if way == "close":
        livethread.close()
    elif way == "request":
        livethread.requestClose()
        livethread.waitClose()
    else:
        livethread = None
        gc.collect()
        assert runtime.settle()
    # Nothing is waited for any more.
    assert runtime.site.spec.nodes == ()


@pytest.mark.effect("valkka.api2.LiveThread.{registerStream,deregisterStream,playStream}")
def test_a_slot_is_free_again_when_its_stream_is_forgotten(livethread, addresses) -> None:
    first, second = (context(address, 4) for address in addresses)
    livethread.registerStream(first)
    livethread.playStream(first)
    livethread.registerStream(second)
    assert [source.url for source in running(RtspSource)] == addresses[:1]
    livethread.deregisterStream(first)
    assert running(RtspSource) == []
    livethread.registerStream(second)
    livethread.playStream(second)
    assert [source.url for source in running(RtspSource)] == addresses[1:]


@pytest.mark.effect("valkka.api2.OpenGLThread.{close,requestClose,waitClose,hadVsync}")
@pytest.mark.parametrize("way", ["close", "request"])
def test_a_thread_of_windows_ends_and_takes_its_windows_along(display, way) -> None:
    openglthread = OpenGLThread(name="gl")
    assert openglthread.hadVsync() is False
    openglthread.connect(slot=1, window_id=openglthread.createWindow())
    wait_until(lambda: pixels_of(display, *SIZE).any(), 10, "the window is there")
    if way == "close":
        openglthread.close()
    else:
        openglthread.requestClose()
        openglthread.waitClose()
    wait_until(lambda: not pixels_of(display, *SIZE).any(), what="the window is gone")


def chain_of(kind: Any, livethread: LiveThread, openglthread: OpenGLThread, address: str) -> Any:
    """A chain of slot 3, whose camera plays."""
    if issubclass(kind, BasicFilterchain1):
        chain = kind(openglthread=openglthread, slot=3)
        livethread.registerStream(chain.setLiveContext(address))
        livethread.playStream(chain.live_ctx)
        return chain
    given: dict[str, Any] = {"livethread": livethread, "address": address, "slot": 3}
    if issubclass(kind, ManagedFilterchain):
        given["openglthreads"] = [openglthread]
    elif kind is not OpenFilterchain:
        given["openglthread"] = openglthread
    return kind(**given)


@pytest.mark.effect(
    "valkka.api2.chains.{BasicFilterchain,BasicFilterchain1,ShmemFilterchain1,OpenFilterchain}.close",
    "valkka.api2.chains.BasicFilterchain.__del__",
    "valkka.api2.chains.ManagedFilterchain.{requestClose,waitClose,close}",
)
@pytest.mark.parametrize(
    "kind",
    [BasicFilterchain, BasicFilterchain1, ShmemFilterchain1, OpenFilterchain, ManagedFilterchain],
)
def test_a_chain_ends_with_its_decoder_and_with_the_stream_that_it_began(
    livethread, openglthread, addresses, kind
) -> None:
    begins = not issubclass(kind, BasicFilterchain1)
    ways = ["close", "request", "nobody has it"] if begins else ["close"]
    for way in ways:
        chain = chain_of(kind, livethread, openglthread, addresses[0])
        assert (len(running(RtspSource)), len(running(Gate))) == (1, 1)
        if way == "close":
            chain.close()
        elif way == "request":
            chain.requestClose()
            chain.waitClose()
        else:
            del chain
            gc.collect()
            assert runtime.settle()
        # Nothing is waited for any more, and the slot is free for the next one.
        assert [type(node) for node in runtime.site.spec.nodes] == [RtspSource] * (not begins)


class Counts:
    """What is decoded of the only stream."""

    def __init__(self) -> None:
        (self.source,) = (node.id for node in running(RtspSource))

    def now(self) -> Any:
        return wait_until(lambda: runtime.site.statistics().streams.get(self.source), 10, "counts of it")

    def decodes(self) -> bool:
        """Whether some more packets come, and are decoded."""
        before = self.now()
        wait_until(lambda: self.now().received > before.received + 5, 10, "packets")
        return bool(self.now().decoded > before.decoded)


@pytest.mark.effect(
    "valkka.api2.chains.{BasicFilterchain1,OpenFilterchain,ManagedFilterchain}.{decodingOn,decodingOff}",
    "valkka.api2.OpenGLThread.getInput",
)
@pytest.mark.parametrize("kind", [BasicFilterchain1, OpenFilterchain, ManagedFilterchain])
def test_a_chain_decodes_from_decoding_on_to_decoding_off(livethread, openglthread, addresses, kind) -> None:
    chain = chain_of(kind, livethread, openglthread, addresses[0])
    window = openglthread.createWindow()
    counts = Counts()
    if kind is ManagedFilterchain:
        chain.addViewPort(ViewPort(window_id=window))
        wait_until(counts.decodes, 10, "it decodes from the beginning")
        chain.decodingOff()
    else:
        openglthread.connect(slot=3, window_id=window)
    if kind is OpenFilterchain:
        chain.connect("shown", openglthread.getInput())
    wait_until(lambda: not counts.decodes(), 10, "nothing is decoded")
    chain.decodingOn()
    wait_until(counts.decodes, 10, "it decodes")
    chain.decodingOff()
    wait_until(lambda: not counts.decodes(), 10, "nothing is decoded")
    chain.close()


COMMON = {
    "n_basic": 20,
    "n_setup": 20,
    "n_signal": 20,
    "flush_when_full": False,
    "affinity": -1,
    "verbose": False,
    "msreconnect": 0,
    "recv_buffer_size": 0,
    "reordering_mstime": 0,
    "n_threads": 1,
}
SHMEM = {"shmem_image_dimensions": (480, 270), "shmem_image_interval": 1000}


@pytest.mark.effect(
    "valkka.api2.chains.{BasicFilterchain,BasicFilterchain1,ShmemFilterchain1,OpenFilterchain}.parameter_defs",
    "valkka.api2.chains.{ShmemFilterchain,ManagedFilterchain,ManagedFilterchain2}.parameter_defs",
    "valkka.api2.chains.{ShmemFilterchain,ShmemFilterchain1}.getShmemPars",
    "valkka.api2.chains.ManagedFilterchain.{getParDic,report}",
)
@pytest.mark.parametrize(
    ("kind", "more"),
    [
        (BasicFilterchain, {}),
        (BasicFilterchain1, {}),
        (ShmemFilterchain1, {**SHMEM, "shmem_ringbuffer_size": 10}),
        (ShmemFilterchain, {**SHMEM, "shmem_ringbuffer_size": 10}),
        (OpenFilterchain, {}),
        (ManagedFilterchain, {"_id": 0}),
        (ManagedFilterchain2, {**SHMEM, "_id": 0, "shmem_n_buffer": 10}),
    ],
)
def test_chains_have_the_documented_defaults(livethread, openglthread, addresses, kind, more, capsys) -> None:
    chain = chain_of(kind, livethread, openglthread, addresses[0])
    defaults = {**COMMON, **more}
    assert {"slot", *defaults} <= set(kind.parameter_defs)
    assert {name: getattr(chain, name) for name in defaults} == defaults
    if "shmem_ringbuffer_size" in more:
        assert chain.getShmemPars() == (chain.shmem_name, 10, (480, 270))
        assert len(chain.shmem_name) > 16
    chain.report("nothing is told")
    if issubclass(kind, ManagedFilterchain):
        assert chain.getParDic(["_id", "slot", "n_basic"]) == {"_id": 0, "slot": 3, "n_basic": 20}
        chain.verbose = True
        chain.report("something", 7)
        assert capsys.readouterr().out.endswith("something 7\n")
    assert "nothing" not in capsys.readouterr().out
    chain.close()
    with pytest.raises(AttributeError, match="Unknown parameter 'n_bsic'"):
        kind(n_bsic=9)
    with pytest.raises(AttributeError, match="Missing mandatory parameter"):
        kind(slot=3)


@pytest.fixture
def managed(livethread, openglthread, addresses) -> Iterator[ManagedFilterchain2]:
    chain = ManagedFilterchain2(
        livethread=livethread,
        openglthreads=[openglthread],
        address=addresses[1],
        slot=3,
        shmem_image_dimensions=SIZE,
        shmem_n_buffer=4,
        shmem_image_interval=40,
    )
    yield chain
    chain.close()


@pytest.mark.effect("valkka.api2.chains.ManagedFilterchain2.{addViewPort,delViewPort,getShmem}")
def test_a_camera_goes_to_windows_and_rings_at_once(managed, openglthread, display) -> None:
    name = managed.getShmem()
    client = ShmemRGBClient(name=name, n_ringbuffer=4, width=SIZE[0], height=SIZE[1], mstimeout=5000)
    port = ViewPort(window_id=openglthread.createWindow())
    managed.addViewPort(port)
    assert managed.getNumXscreenPorts(0) == 1
    wait_until(lambda: pixels_of(display, 600, 600).std() > 30, 10, "the camera is in the window")
    index, meta = client.pullFrame()
    assert index is not None
    assert meta is not None
    picture = client.shmem_list[index][: meta.size].reshape((meta.height, meta.width, 3))
    assert decode(picture).camera == 2
    managed.delViewPort(port)
    wait_until(lambda: pixels_of(display, 600, 600).std() < 30, 10, "the window shows no camera")
    assert client.pullFrame()[0] is not None
