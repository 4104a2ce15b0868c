"""What Prometheus is told of a site: names, units, and where each number comes from."""

from collections.abc import Callable, Iterator
from typing import NamedTuple, get_args

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from camgraph.base.errors import BrokenError, ClosedError
from camgraph.client.site import Site
from camgraph.control.messages import SiteStatistics, StreamState, StreamStatistics

ANSWER_WITHIN_S = 2.0
_STATES: tuple[str, ...] = get_args(StreamState)


class _Number(NamedTuple):
    name: str
    meaning: str
    of: Callable[[StreamStatistics], float | None]
    """None: it is not known, and left out."""


_COUNTED = (
    _Number("received_packets", "Packets of video that came", lambda one: one.received),
    _Number("decoded_pictures", "Pictures that were decoded", lambda one: one.decoded),
    _Number("unread_packets", "Packets not decoded because nobody read the stream", lambda one: one.unread),
    _Number("converted_pictures", "Pictures converted or copied for readers", lambda one: one.conversions),
    _Number("decoder_errors", "How often the decoder failed", lambda one: one.decoder_errors),
    _Number("received_bytes", "Bytes that came over the network", lambda one: one.received_bytes),
    _Number("lost_packets", "RTP packets that did not come", lambda one: one.lost),
    _Number("attempts", "How often the camera was connected to, or tried to", lambda one: one.attempts),
    _Number("reconnects", "How often it was live again on another connection", lambda one: one.reconnects),
    _Number("cpu_seconds", "CPU time of receiving, decoding, converting", lambda one: one.cpu_ns / 1e9),
)
_MEASURED = (
    _Number("bits_per_second", "What comes over the network, lately", lambda one: one.bit_rate),
    _Number("packets_per_second", "Packets of video that come, lately", lambda one: one.fps),
    _Number("loss_ratio", "Share of the RTP packets that is lost, lately", lambda one: one.loss),
    _Number("jitter_seconds", "How unevenly RTP packets come", lambda one: one.jitter_ns / 1e9),
    _Number("decode_seconds", "CPU time of decoding a picture, lately", lambda one: one.decode_ns / 1e9),
    _Number("queued_packets", "Packets that wait for their decoding", lambda one: one.queued),
    _Number(
        "newest_age_seconds",
        "How long ago the newest packet came; none: none ever did",
        lambda one: _seconds(one.newest_age_ns),
    ),
    _Number(
        "clock_offset_seconds",
        "By how much the camera's clock is ahead; none: it does not say",
        lambda one: _seconds(one.clock_offset_ns),
    ),
    _Number(
        "keyframe_interval_seconds",
        "How far apart key frames are; none: unknown",
        lambda one: _seconds(one.keyframe_interval_ns),
    ),
)


class SiteCollector(Collector):
    """Gives a site's numbers of the moment to the registry in which it is registered.

    Counts begin anew when the media process of a stream was started again, as Prometheus expects of counters.
    A site that does not answer has ``camgraph_site_up`` 0, and the states of its streams.
    """

    def __init__(self, site: Site) -> None:
        self._site = site

    def collect(self) -> Iterator[Metric]:
        """Ask the site; waits two seconds at most. To be called in any thread but the site's own."""
        try:
            numbers = self._site.statistics(ANSWER_WITHIN_S)
        except (TimeoutError, BrokenError, ClosedError):
            numbers = None
        yield GaugeMetricFamily("camgraph_site_up", "Whether the site answers", float(numbers is not None))
        yield from self._states()
        if numbers is not None:
            yield GaugeMetricFamily("camgraph_site_clients", "Programs that are connected", numbers.clients)
            yield from _streams(numbers)
            yield self._readers(numbers)
            yield from _media_processes(numbers)

    def _states(self) -> Iterator[Metric]:
        state = GaugeMetricFamily(
            "camgraph_stream_state", "1: the stream is in this state", labels=["stream", "state"]
        )
        picture = GaugeMetricFamily(
            "camgraph_stream_info", "Always 1", labels=["stream", "codec", "width", "height"]
        )
        for name, stream in self._site.streams.items():
            status = stream.status
            for one in _STATES:
                state.add_metric([name, one], float(one == status.state))
            picture.add_metric([name, status.codec, str(status.width), str(status.height)], 1.0)
        yield state
        yield picture

    def _readers(self, numbers: SiteStatistics) -> Metric:
        family = GaugeMetricFamily("camgraph_stream_readers", "Who reads the stream now", labels=["stream"])
        readers = dict.fromkeys(self._site.streams, 0)
        for one in numbers.streams.values():
            for ring in one.rings:
                readers[ring.stream] = readers.get(ring.stream, 0) + ring.readers
        for name, count in readers.items():
            family.add_metric([name], count)
        return family


def _streams(numbers: SiteStatistics) -> Iterator[Metric]:
    """Give the numbers of the cameras' streams; those that filters make have none of their own."""
    streams = numbers.streams
    for kind, table in ((CounterMetricFamily, _COUNTED), (GaugeMetricFamily, _MEASURED)):
        for number in table:
            family = kind(f"camgraph_stream_{number.name}", number.meaning, labels=["stream"])
            for name, one in streams.items():
                value = number.of(one)
                if value is not None:
                    family.add_metric([name], value)
            yield family
    dropped = CounterMetricFamily(
        "camgraph_stream_dropped_packets", "Packets that gave no picture", labels=["stream", "cause"]
    )
    spent = CounterMetricFamily(
        "camgraph_stream_state_seconds", "Time spent in each state", labels=["stream", "state"]
    )
    transport = GaugeMetricFamily(
        "camgraph_stream_transport_info", "Always 1, while it is known", labels=["stream", "transport"]
    )
    for name, one in streams.items():
        for cause, count in one.dropped_by.items():
            dropped.add_metric([name, cause], count)
        for state, seconds in one.state_s.items():
            spent.add_metric([name, state], seconds)
        if one.transport:
            transport.add_metric([name, one.transport], 1.0)
    yield dropped
    yield spent
    yield transport


def _media_processes(numbers: SiteStatistics) -> Iterator[Metric]:
    def gauge(name: str, meaning: str) -> GaugeMetricFamily:
        return GaugeMetricFamily(f"camgraph_media_process_{name}", meaning, labels=["process"])

    up = gauge("up", "Whether it runs")
    cores = gauge("cores", "Load of its streams, in CPU-seconds per second")
    reserved = gauge("reserved_bytes", "Memory that its rings may use")
    starts = CounterMetricFamily(
        "camgraph_media_process_starts", "How often it was started", labels=["process"]
    )
    for one in numbers.media:
        up.add_metric([one.name], float(one.pid != 0))
        cores.add_metric([one.name], one.cores)
        reserved.add_metric([one.name], one.reserved_bytes)
        starts.add_metric([one.name], one.starts)
    yield from (up, cores, reserved, starts)


def _seconds(ns: int) -> float | None:
    return ns / 1e9 if ns else None
