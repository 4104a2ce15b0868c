"""Fan-out to viewers over real sockets: whole frames or none, and nobody waits for a stuck one."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from camgraph.media.rtsp import broadcast
from camgraph.media.rtsp.broadcast import MAX_BACKLOG_BYTES, Broadcast, Viewer
from camgraph.media.rtsp.message import Interleaved, MessageParser
from camgraph.media.rtsp.offers import TcpOffer
from camgraph.media.rtsp.routes import TcpRoute
from camgraph.media.rtsp.sdp import MediaDescription

MEDIA = MediaDescription("video", 96, "H264/90000")
REPORT = bytes([0x80, 200]) + bytes(26)


def rtp(number: int, size_bytes: int = 100) -> bytes:
    return bytes([0x80, 96]) + number.to_bytes(2) + bytes(size_bytes)


class Connection(asyncio.Protocol):
    """The server's end of a connection, and the client's as a socket."""

    def __init__(self) -> None:
        self.lost = asyncio.get_running_loop().create_future()
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def connection_lost(self, error: Exception | None) -> None:
        self.lost.set_result(None)


@asynccontextmanager
async def connected() -> AsyncIterator[tuple[Connection, socket.socket]]:
    server, client = socket.socketpair()
    client.setblocking(False)
    _, connection = await asyncio.get_running_loop().create_connection(Connection, sock=server)
    try:
        yield connection, client
    finally:
        connection.transport.abort()
        await connection.lost
        client.close()


def viewer(connection: Connection, rtp_channel: int = 0, rtcp_channel: int = 1) -> Viewer:
    return Viewer(TcpRoute(connection.transport, TcpOffer(rtp_channel, rtcp_channel)))


async def receive(client: socket.socket, count: int) -> list[Interleaved]:
    """Return the next packets a client gets."""
    parser = MessageParser()
    found: list[Interleaved] = []
    while len(found) < count:
        parser.feed(await asyncio.wait_for(asyncio.get_running_loop().sock_recv(client, 65536), 5))
        found += [message for message in parser if isinstance(message, Interleaved)]
    return found


def numbers(packets: list[Interleaved]) -> list[int]:
    return [int.from_bytes(packet.payload[2:4]) for packet in packets if packet.channel == 0]


def test_a_stream_begins_at_a_keyframe_with_the_last_report() -> None:
    async def scenario() -> None:
        async with connected() as (first, first_client), connected() as (second, second_client):
            stream = Broadcast(MEDIA, lambda _: None)
            stream.join(viewer(first))
            stream.send([rtp(0)], keyframe=False)
            stream.send([REPORT, rtp(1)], keyframe=True)
            stream.join(viewer(second, 6, 7))
            stream.send([rtp(2)], keyframe=False)
            stream.send([rtp(3), rtp(4)], keyframe=True)
            assert numbers(await receive(first_client, 5)) == [1, 2, 3, 4]
            packets = await receive(second_client, 3)
            assert [packet.channel for packet in packets] == [7, 6, 6]
            assert packets[0].payload == REPORT

    asyncio.run(scenario())


def test_a_viewer_gets_no_old_report_before_a_new_one() -> None:
    async def scenario() -> None:
        async with connected() as (first, _), connected() as (second, second_client):
            stream, newer = Broadcast(MEDIA, lambda _: None), bytes([0x80, 200, 0, 6]) + bytes(24)
            stream.join(viewer(first))
            stream.send([REPORT, rtp(1)], keyframe=True)
            stream.join(viewer(second))
            stream.send([newer, rtp(2)], keyframe=True)
            assert [packet.payload for packet in await receive(second_client, 2)] == [newer, rtp(2)]

    asyncio.run(scenario())


def test_viewers_are_dismissed_and_may_come_again() -> None:
    async def scenario() -> None:
        async with connected() as (connection, client):
            told: list[bool] = []
            stream, watching = Broadcast(MEDIA, told.append), viewer(connection)
            stream.join(watching)
            stream.send([rtp(1)], keyframe=True)
            stream.dismiss([REPORT])
            stream.send([rtp(2)], keyframe=True)
            assert told == [True, False]
            stream.join(watching)
            stream.send([rtp(3)], keyframe=True)
            packets = await receive(client, 3)
            assert [packet.channel for packet in packets] == [0, 1, 0]
            assert numbers(packets) == [1, 3]

    asyncio.run(scenario())


def test_a_slow_viewer_loses_frames_up_to_a_keyframe_and_another_loses_none() -> None:
    async def scenario() -> None:
        async with connected() as (slow, slow_client), connected() as (quick, quick_client):
            stream = Broadcast(MEDIA, lambda _: None)
            stream.join(viewer(slow))
            stream.join(viewer(quick))
            sent = 0
            while slow.transport.get_write_buffer_size() <= MAX_BACKLOG_BYTES:
                stream.send([rtp(sent, 60000)], keyframe=sent % 10 == 0)
                assert numbers(await receive(quick_client, 1)) == [sent]
                sent += 1
            backlog = slow.transport.get_write_buffer_size()
            for number in range(sent, sent + 10):
                stream.send([rtp(number, 60000)], keyframe=number % 10 == 0)
                assert numbers(await receive(quick_client, 1)) == [number]
            assert slow.transport.get_write_buffer_size() == backlog
            assert numbers(await receive(slow_client, sent)) == list(range(sent))
            stream.send([rtp(1001)], keyframe=False)
            stream.send([rtp(1002)], keyframe=True)
            assert numbers(await receive(slow_client, 1)) == [1002]

    asyncio.run(scenario())


def test_a_viewer_that_takes_nothing_for_long_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(broadcast, "MAX_STUCK_S", 0.1)

    async def scenario() -> None:
        async with connected() as (stuck, _):
            stream = Broadcast(MEDIA, lambda _: None)
            stream.join(viewer(stuck))
            deadline = asyncio.get_running_loop().time() + 10
            while not stuck.lost.done():
                assert asyncio.get_running_loop().time() < deadline
                stream.send([rtp(1, 60000)], keyframe=True)
                await asyncio.sleep(0.005)

    asyncio.run(scenario())


def test_the_source_learns_of_its_first_and_last_viewer() -> None:
    async def scenario() -> None:
        async with connected() as (one, _), connected() as (other, _):
            told: list[bool] = []
            stream = Broadcast(MEDIA, told.append)
            viewers = [viewer(one), viewer(other)]
            stream.leave(viewers[0])
            assert told == []
            for either in viewers:
                stream.join(either)
            assert told == [True]
            stream.leave(viewers[0])
            stream.leave(viewers[0])
            assert told == [True]
            stream.leave(viewers[1])
            assert told == [True, False]

    asyncio.run(scenario())


def test_the_farewell_goes_to_those_who_play() -> None:
    async def scenario() -> None:
        async with connected() as (plays, playing_client), connected() as (waits, waiting_client):
            stream = Broadcast(MEDIA, lambda _: None)
            stream.join(viewer(plays))
            stream.send([rtp(1)], keyframe=True)
            stream.join(viewer(waits))
            stream.end([REPORT])
            assert [packet.channel for packet in await receive(playing_client, 2)] == [0, 1]
            with pytest.raises(BlockingIOError):
                waiting_client.recv(1)

    asyncio.run(scenario())
