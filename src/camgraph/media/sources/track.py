"""One track of a session: RTP packets in, packets for the decoder out, each with its times."""

from fractions import Fraction

from camgraph.base.errors import SourceRefused
from camgraph.graph.nodes import Clock
from camgraph.media.rtp.depacketize import depacketizer_for
from camgraph.media.rtp.depacketize.nal import NalDepacketizer
from camgraph.media.rtp.receiver import RtpReceiver
from camgraph.media.rtp.units import AccessUnit
from camgraph.media.rtsp.description import Description, Track
from camgraph.media.source import NetworkCounts, Packet, StreamInfo
from camgraph.media.sources.timing import CaptureClock


def video_of(description: Description, url: str) -> Track:
    """Return the track of a description to receive; raise SourceRefused if there is no video."""
    for track in description.tracks:
        if track.kind == "video":
            return track
    raise SourceRefused(f"{url} sends no video: choose a path of the camera that does.", reason="no_video")


def is_known(track: Track) -> bool:
    """Tell whether a depacketizer of ours knows the encoding."""
    return depacketizer_for(track.encoding, track.parameters) is not None


class TrackReceiver:
    """Receives one track. `ordered`: over TCP, where no packet comes late. `ssrc`: as it was announced.

    Late ones are waited for `reorder_ms` at most (0: as usual). `clock` gives frames their capture time.

    Raises LookupError where no depacketizer of ours knows the encoding.
    """

    def __init__(
        self,
        track: Track,
        *,
        ordered: bool,
        ssrc: int | None = None,
        reorder_ms: int = 0,
        clock: Clock = "capture",
    ) -> None:
        found = depacketizer_for(track.encoding, track.parameters, (track.width, track.height))
        if found is None:
            raise LookupError(track.encoding)
        codec, self._depacketizer = found
        self.rtp = RtpReceiver(
            self._depacketizer,
            payload_type=track.payload_type,
            clock_rate=track.clock_rate,
            ordered=ordered,
            ssrc=ssrc,
            reorder_ms=reorder_ms,
        )
        self._kind = clock
        self._clock = CaptureClock(track.clock_rate)
        self._time_base = Fraction(1, track.clock_rate)
        self._report: object = None
        self.info = StreamInfo(
            codec, self._depacketizer.parameter_sets or None, track.width, track.height, track.fps
        )

    @property
    def foreign(self) -> bool:
        """Whether packets of another codec come than was described."""
        return isinstance(self._depacketizer, NalDepacketizer) and self._depacketizer.foreign

    def counts(self, transport: str) -> NetworkCounts:
        """Return what came so far, by that transport."""
        rtp = self.rtp
        return NetworkCounts(
            received_bytes=rtp.received_bytes,
            packets=rtp.packets,
            lost=rtp.lost,
            jitter_ns=rtp.jitter_ns,
            transport=transport,
            clock_offset_ns=self._clock.clock_offset_ns,
        )

    def receive(self, data: bytes | memoryview, arrival_ns: int, wall_ns: int) -> list[Packet]:
        """Take an RTP packet that came at `arrival_ns` (CLOCK_MONOTONIC), wall clock `wall_ns`."""
        units = self.rtp.receive(data, arrival_ns)
        return [self._packet(unit, arrival_ns, wall_ns) for unit in units] if units else []

    def receive_run(
        self, data: bytes, at: int, channel: int, arrival_ns: int, wall_ns: int, packets: list[Packet]
    ) -> int:
        """Take RTP packets between RTSP's messages and add to `packets`; see `RtpReceiver.receive_run`."""
        units: list[AccessUnit] = []
        at = self.rtp.receive_run(data, at, channel, arrival_ns, units)
        for unit in units:
            packets.append(self._packet(unit, arrival_ns, wall_ns))
        return at

    def receive_control(self, data: bytes | memoryview, arrival_ns: int, wall_ns: int) -> None:
        """Take an RTCP packet."""
        self.rtp.receive_control(data, arrival_ns)
        report = self.rtp.sender_report
        if report is not None and report is not self._report:
            self._report = report
            self._clock.sender_report(report.ntp_ns, report.timestamp, arrival_ns, wall_ns)

    def flush_due(self, now_ns: int, wall_ns: int) -> list[Packet]:
        """Return what need not wait any longer; see `RtpReceiver.due_ns`."""
        return [self._packet(unit, now_ns, wall_ns) for unit in self.rtp.flush_due(now_ns)]

    def _packet(self, unit: AccessUnit, arrival_ns: int, wall_ns: int) -> Packet:
        placed = self._clock.place(unit.timestamp, arrival_ns, wall_ns)
        capture_ns, quality = placed.capture_ns, placed.quality
        if self._kind != "capture":
            sender_ns = self._clock.sender_ns(placed.pts) if self._kind == "camera" else 0
            capture_ns, quality = sender_ns or wall_ns, "rtcp" if sender_ns else "arrival"
        return Packet(
            unit.data,
            placed.pts,
            self._time_base,
            unit.keyframe,
            arrival_ns,
            capture_ns,
            quality,
            unit.damaged,
            unit.refresh,
        )
