"""Playing a clip in a loop, as a camera would: in real time, and only while somebody watches."""

import asyncio
import math
import time
from collections.abc import Callable, Sequence

from camgraph.media.rtsp.broadcast import Broadcast
from camgraph.media.rtsp.packetize import RtpPacketizer
from camgraph.media.rtsp.sdp import MediaDescription
from camgraph.testing.packet_faults import PacketFaults

MAX_LATE_S = 0.5
"""After a longer pause of this process the player goes on at a keyframe of the present."""


class Player:
    """Sends the units of a clip to the viewers of `broadcast`, `rate` units a second.

    Every `gop`-th unit is a keyframe. The first viewer's stream begins at once, with a keyframe; a further
    one waits for the next. Time stamps grow steadily, over the loop's end too. `on_sent` gets the number of
    each unit just before it is sent.
    """

    def __init__(
        self,
        codec: str,
        media: MediaDescription,
        units: Sequence[bytes],
        *,
        rate: int,
        clock: int,
        gop: int = 1,
        on_sent: Callable[[int], None] | None = None,
    ) -> None:
        self.broadcast = Broadcast(media, self._audience)
        self._codec = codec
        self._units = units
        self._rate = rate
        self._clock = clock
        self._gop = gop
        self._on_sent = on_sent
        self._born = asyncio.get_running_loop().time()
        self._faults: PacketFaults | None = None
        self._start = 0.0
        self._first = self._index = self._origin = 0
        self._packetizer: RtpPacketizer | None = None
        self._timer: asyncio.Handle | None = None

    def close(self) -> None:
        """Say good-bye to the viewers (RTCP BYE) and send nothing more."""
        if self._packetizer is not None:
            self.broadcast.end(self._packetizer.close())
        self._stop()

    def faults(self) -> PacketFaults:
        """Return what meddles with the packets from now on; until a fault begins it changes nothing."""
        if self._faults is None:
            self._faults = PacketFaults(self._clock)
        return self._faults

    def dismiss(self) -> None:
        """Say good-bye to the viewers (RTCP BYE), who get nothing more; further ones are welcome."""
        if self._packetizer is not None:
            self.broadcast.dismiss(self._packetizer.close())

    def switch(
        self,
        codec: str,
        media: MediaDescription,
        units: Sequence[bytes],
        *,
        rate: int,
        gop: int,
        new_source: bool,
    ) -> None:
        """Go on with another clip at once, with a keyframe, perhaps as a new source (another SSRC)."""
        if self._packetizer is not None:
            self._origin += self._index * self._clock // self._rate
            self._start += self._index / self._rate
        self._codec, self._units, self._rate, self._gop = codec, units, rate, gop
        self._first, self._index = self._next_keyframe(self._first + self._index), 0
        self.broadcast.media = media
        if self._packetizer is not None and new_source:
            self._packetizer.close()
            self._begin_source()

    def _audience(self, present: bool) -> None:
        if not present:
            self._stop()
            return
        loop = asyncio.get_running_loop()
        self._start = loop.time()
        self._first = self._next_keyframe((self._start - self._born) * self._rate)
        self._index = 0
        self._begin_source()
        self._timer = loop.call_soon(self._send)

    def _begin_source(self) -> None:
        self._origin = 0
        self._packetizer = RtpPacketizer(
            self._codec,
            self._clock,
            payload_type=self.broadcast.media.payload_type,
            started_ns=time.time_ns(),
        )

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._packetizer is not None:
            self._packetizer.close()
            self._packetizer = None

    def _send(self) -> None:
        loop = asyncio.get_running_loop()
        late = loop.time() - self._start - self._index / self._rate
        if late > MAX_LATE_S:
            self._index = self._next_keyframe(self._index + late * self._rate)
        else:
            self._send_unit((self._first + self._index) % len(self._units), loop.time())
            self._index += 1
            if self._faults is not None and self._faults.says_bye:
                self.dismiss()
                return
        delay = self._faults.delay_s() if self._faults is not None else 0.0
        self._timer = loop.call_at(self._start + self._index / self._rate + delay, self._send)

    def _send_unit(self, number: int, now: float) -> None:
        assert self._packetizer is not None
        faults, keyframe = self._faults, number % self._gop == 0
        if faults is not None and faults.withholds_keyframes(self._start, now):
            if keyframe:
                return
            # A viewer gets what there is, as from a camera with few keyframes.
            keyframe = True
        timestamp = self._origin + self._index * self._clock // self._rate
        packets = self._packetizer.push(self._units[number], timestamp)
        if faults is not None:
            packets = faults.apply(packets, now)
        if packets:
            if self._on_sent is not None:
                self._on_sent(number)
            self.broadcast.send(packets, keyframe=keyframe)

    def _next_keyframe(self, index: float) -> int:
        return math.ceil(index / self._gop) * self._gop
