"""Faults on command, in the process of the cameras: who commands is answered when the fault is there."""

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable, Mapping

import msgspec

from camgraph.media.rtsp.meddling import Client
from camgraph.media.rtsp.message import Request
from camgraph.media.rtsp.server import RtspServer
from camgraph.testing.faults import (
    ClipFault,
    Command,
    Done,
    Fault,
    Treatment,
    described,
    treat_request,
    treat_session,
)
from camgraph.testing.player import Player

DRIBBLE_S = 1.0


ChangeClip = Callable[[int, ClipFault | None], Awaitable[None]]
"""Have a camera play another clip, as the fault says, or its own again; ValueError if there is none."""


class FaultDesk:
    """Carries out the commands that come through `sock`, a JSON object a line, one after the other."""

    def __init__(
        self, sock: socket.socket, server: RtspServer, cameras: Mapping[str, Player], change_clip: ChangeClip
    ) -> None:
        """Command the cameras, by their addresses, ``rtsp://…/1`` first."""
        self._sock = sock
        self._change_clip = change_clip
        self._cameras = [_FaultyCamera(url, server, player) for url, player in cameras.items()]

    async def serve(self) -> None:
        """Carry out commands until nobody can send any more."""
        reader, writer = await asyncio.open_unix_connection(sock=self._sock)
        decoder = msgspec.json.Decoder(Command)
        with contextlib.closing(writer), contextlib.suppress(ConnectionError):
            while line := await reader.readline():
                writer.write(msgspec.json.encode(await self._carry_out(decoder.decode(line))) + b"\n")
                await writer.drain()

    async def _carry_out(self, command: Command) -> Done:
        fault = command.fault
        if not 1 <= command.camera <= len(self._cameras):
            return Done(f"there is no camera {command.camera}: there are 1 to {len(self._cameras)}")
        try:
            await self._change_clip(command.camera, fault if isinstance(fault, ClipFault) else None)
        except ValueError as error:
            return Done(f"camera {command.camera} has no such clip: {error}")
        self._cameras[command.camera - 1].begin(fault)
        return Done()


class _FaultyCamera:
    """Has one camera's faults: meddles with its signalling, its connections and its packets."""

    def __init__(self, url: str, server: RtspServer, player: Player) -> None:
        self._url = url
        self._server = server
        self._player = player
        self._fault: Fault | None = None

    def begin(self, fault: Fault | None) -> None:
        """Have a fault from now on; None: none."""
        self._fault = fault
        self._player.broadcast.meddler = self if fault is not None else None
        faults = self._player.faults()
        faults.begin(fault, asyncio.get_running_loop().time())
        if faults.says_bye:
            self._player.dismiss()
        if fault is not None:
            for client in self._server.clients(self._player.broadcast):
                treatment = treat_session(fault, self._url, client.session())
                if treatment is not None:
                    _treat(client, treatment)

    def meets(self, request: Request, client: Client) -> bool:
        """Deal with a request; return whether the server has no more to do."""
        sessions = len(self._server.clients(self._player.broadcast))
        treatment = treat_request(self._fault, request, client.session(), sessions)
        if treatment is None:
            return False
        _treat(client, treatment)
        return True

    def describes(self, description: str) -> str:
        """Return what to send in place of the stream's description."""
        return described(self._fault, description)


def _treat(client: Client, treatment: Treatment) -> None:
    if treatment.a_byte_a_second:
        _dribble(client, treatment.send)
    elif treatment.send:
        client.write(treatment.send)
    if treatment.end_session:
        client.end_session()
    if treatment.reset:
        client.reset()


def _dribble(client: Client, data: bytes) -> None:
    """Send a byte, and the next one in a second."""
    if data and client.write(data[:1]):
        asyncio.get_running_loop().call_later(DRIBBLE_S, _dribble, client, data[1:])
