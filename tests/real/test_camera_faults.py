"""The built-in cameras with faults on command, as a bare socket sees them: what is on the wire."""

import base64
import struct
import time
from collections.abc import Callable, Iterator
from itertools import pairwise

import pytest
from tests.real.rtsp_probe import Probe, Rtp, parse_rtp

from camgraph.cli.camera_child import CamerasFailed
from camgraph.media.rtsp.message import Headers, Interleaved, Request, RtspSyntaxError
from camgraph.testing.cameras import Cameras
from camgraph.testing.clips import GOP

FPS = 100
TICKS = 90000 // FPS
QUIET_S = 0.15
NTP_EPOCH_S = 2208988800
TRANSPORT = ("Transport", "RTP/AVP/TCP;unicast;interleaved=0-1")


@pytest.fixture(scope="module")
def shared() -> Iterator[Cameras]:
    with Cameras(count=2, size=(320, 184), fps=FPS) as cameras:
        yield cameras


@pytest.fixture
def cameras(shared: Cameras) -> Iterator[Cameras]:
    yield shared
    shared.heal(1)
    with play(shared) as probe:
        probe.frames(2)


def play(cameras: Cameras, path: str = "/1") -> Probe:
    probe = Probe(cameras)
    probe.play(path)
    return probe


def request(method: str, url: str, *headers: tuple[str, str]) -> bytes:
    return Request(method, url, Headers([("CSeq", "77"), *headers])).encode()


def packets_until_quiet(probe: Probe) -> list[Interleaved]:
    """Return what comes until nothing does for a moment."""
    found: list[Interleaved] = []
    probe.wait_at_most(QUIET_S)
    try:
        for packet in probe.packets():
            found.append(packet)
        raise AssertionError("the connection has ended")
    except TimeoutError:
        return found
    finally:
        probe.wait_at_most(10)


def is_mute(probe: Probe, request: bytes = b"") -> bool:
    """Return whether nothing at all comes for a moment, as an answer or else."""
    probe.wait_at_most(QUIET_S)
    probe.send(request)
    try:
        return probe.receive() is None and not probe.ended
    except TimeoutError:
        return True
    finally:
        probe.wait_at_most(10)


def rtp(probe: Probe) -> Iterator[tuple[Interleaved, Rtp]]:
    for packet in probe.packets():
        if packet.channel == 0:
            yield packet, parse_rtp(packet.payload)


def take(probe: Probe, packets: int) -> list[Rtp]:
    """Return the next RTP packets."""
    stream = rtp(probe)
    return [next(stream)[1] for _ in range(packets)]


def until(probe: Probe, holds: Callable[[Rtp], bool], packets: int = 1000) -> Rtp:
    """Return the first RTP packet for which something holds."""
    for _, found in zip(range(packets), rtp(probe), strict=False):
        if holds(found[1]):
            return found[1]
    raise AssertionError(f"not within {packets} packets")


def report(probe: Probe) -> tuple[float, int, Rtp]:
    """Return the next sender report, as wall clock (s since 1970) and timestamp, and the packet after it."""
    stream = probe.packets()
    while (found := next(stream)).channel != 1:
        pass
    seconds, fraction, timestamp = struct.unpack_from("!III", found.payload, 8)
    return seconds - NTP_EPOCH_S + fraction / 2**32, timestamp, take(probe, 1)[0]


def has_bye(packet: bytes) -> bool:
    at, kinds = 0, []
    while at < len(packet):
        kinds.append(packet[at + 1])
        at += 4 + 4 * int.from_bytes(packet[at + 2 : at + 4])
    return 203 in kinds


def steps(packets: list[Rtp]) -> list[int]:
    return [(b.sequence - a.sequence) % 65536 for a, b in pairwise(packets)]


@pytest.mark.parametrize(
    ("kind", "answered", "mute"),
    [
        ("silent_connect", [], "OPTIONS"),
        ("silent_describe", ["OPTIONS"], "DESCRIBE"),
        ("silent_setup", ["OPTIONS", "DESCRIBE"], "SETUP"),
        ("silent_play", ["OPTIONS", "DESCRIBE", "SETUP"], "PLAY"),
    ],
)
def test_is_mute_in_a_step(cameras: Cameras, kind: str, answered: list[str], mute: str) -> None:
    cameras.fault(1, kind)
    with Probe(cameras) as probe:
        url, session = f"{probe.base}/1", ""
        for method in answered:
            answer = (
                probe.ask(method, f"{url}/track0", TRANSPORT) if method == "SETUP" else probe.ask(method, url)
            )
            assert answer.status == 200
            session = (answer.headers.get("Session") or "").partition(";")[0]
        target = f"{url}/track0" if mute == "SETUP" else url
        assert is_mute(probe, request(mute, target, ("Session", session), TRANSPORT))
    with play(cameras, "/2") as probe:
        probe.frames(2)


def test_answers_play_and_sends_nothing(cameras: Cameras) -> None:
    with play(cameras) as plays:
        cameras.fault(1, "no_rtp")
        with play(cameras) as probe:
            assert is_mute(probe)
        plays.frames(2)


def test_falls_silent_and_goes_on_when_healed_within_the_session(cameras: Cameras) -> None:
    with play(cameras) as probe, play(cameras, "/2") as neighbour:
        cameras.fault(1, "silent")
        packets_until_quiet(probe)
        neighbour.frames(FPS // 2)
        assert probe.ask("OPTIONS", f"{probe.base}/1").status == 200
        cameras.heal(1)
        probe.frames(2)


def test_says_bye_and_keeps_the_connection(cameras: Cameras) -> None:
    with play(cameras) as probe:
        probe.frames(2)
        cameras.fault(1, "bye")
        wait_for_bye(probe)
        assert is_mute(probe)
        assert probe.ask("OPTIONS", f"{probe.base}/1").status == 200
    with play(cameras) as probe:
        [frame] = probe.frames(1)
        assert frame[-1].nal_type == 5
        wait_for_bye(probe)
        assert is_mute(probe)


def wait_for_bye(probe: Probe) -> None:
    while not ((packet := next(probe.packets())).channel == 1 and has_bye(packet.payload)):
        pass


def test_tears_the_session_down(cameras: Cameras) -> None:
    with play(cameras) as probe:
        cameras.fault(1, "teardown")
        while not isinstance(message := probe.receive(), Request):
            assert message is not None
        assert message.method == "TEARDOWN"
        assert is_mute(probe)
    with Probe(cameras) as probe:
        answer = probe.ask("SETUP", f"{probe.base}/1/track0", TRANSPORT)
        session = (answer.headers.get("Session") or "").partition(";")[0]
        assert probe.ask("PLAY", f"{probe.base}/1", ("Session", session)).status == 200
        message = probe.receive()
        assert isinstance(message, Request)
        assert (message.method, message.headers.get("Session")) == ("TEARDOWN", session)


def test_resets_connections(cameras: Cameras) -> None:
    with play(cameras) as probe, play(cameras, "/2") as neighbour:
        cameras.fault(1, "reset")
        with pytest.raises(ConnectionResetError):
            probe.wait_for_end()
        with Probe(cameras) as other, pytest.raises(ConnectionResetError):
            other.ask("OPTIONS", f"{other.base}/1")
        neighbour.frames(2)


@pytest.mark.parametrize("code", [302, 401, 403, 404, 453, 500, 503])
def test_answers_by_a_code(cameras: Cameras, code: int) -> None:
    with play(cameras) as plays:
        cameras.fault(1, "status", code=code, location="rtsp://192.0.2.1/" if code == 302 else "")
        with Probe(cameras) as probe:
            url = f"{probe.base}/1"
            described = probe.ask("DESCRIBE", url)
            assert described.status == (200 if code == 453 else code)
            assert described.headers.get("Location") == ("rtsp://192.0.2.1/" if code == 302 else None)
            assert (described.headers.get("WWW-Authenticate") is not None) == (code == 401)
            assert probe.ask("SETUP", f"{url}/track0", TRANSPORT).status == (453 if code == 453 else 200)
        plays.frames(2)


def test_describes_itself_wrongly(cameras: Cameras) -> None:
    with Probe(cameras) as probe:
        cameras.fault(1, "broken_sdp")
        assert b"m=video" not in probe.ask("DESCRIBE", f"{probe.base}/1").body
        cameras.fault(1, "no_video")
        body = probe.ask("DESCRIBE", f"{probe.base}/1").body
        assert body.startswith(b"v=0")
        assert (b"m=audio" in body, b"m=video" in body) == (True, False)
        assert b"m=video" in probe.ask("DESCRIBE", f"{probe.base}/2").body


def test_sends_no_keyframe_for_a_while(cameras: Cameras) -> None:
    cameras.fault(1, "first_keyframe_after", seconds=0.4)
    with play(cameras) as probe:
        began = time.monotonic()
        assert take(probe, 1)[0].nal_type == 1
        until(probe, lambda packet: packet.nal_type == 7)
        assert 0.3 < time.monotonic() - began < 2


def test_loses_packets(cameras: Cameras) -> None:
    cameras.fault(1, "loss", percent=20)
    with play(cameras) as probe:
        gaps = steps(take(probe, 100))
    assert 0.1 < sum(gap - 1 for gap in gaps) / sum(gaps) < 0.3


def test_reorders_and_duplicates_packets(cameras: Cameras) -> None:
    with play(cameras) as probe:
        cameras.fault(1, "reorder", percent=20, by=2)
        seen = [packet.sequence for packet in take(probe, 200)]
        # Each late one comes after two others, and all of them do.
        assert seen != sorted(seen)
        behind = [(before - after) % 65536 for before, after in pairwise(seen)]
        assert {number for number in behind if number < 100} <= set(range(2, 12))
        kept = sorted((number - seen[0]) % 65536 for number in seen[20:-20])
        assert {b - a for a, b in pairwise(kept[20:-20])} == {1}
        cameras.fault(1, "duplicate", percent=20)
        assert 0 in steps(take(probe, 200))


@pytest.mark.parametrize("seconds", [-3600.0, 3600.0])
def test_timestamps_jump(cameras: Cameras, seconds: float) -> None:
    with play(cameras) as probe:
        before = take(probe, 1)[0].timestamp
        cameras.fault(1, "jump", seconds=seconds)
        after = until(probe, lambda packet: abs(packet.timestamp - before) > 90000 * 60).timestamp
        assert ((after - before) % 2**32 - int(seconds * 90000)) % 2**32 < 90000
        cameras.heal(1)
        assert (take(probe, 1)[0].timestamp - after) % 2**32 < 90000


def test_the_clock_drifts(cameras: Cameras) -> None:
    with play(cameras) as probe:
        cameras.fault(1, "drift", ppm=100_000)
        probe.frames(FPS // 4)
        ticks = [frame[0].timestamp for frame in probe.frames(FPS // 2)]
        rate = (ticks[-1] - ticks[0]) % 2**32 / (len(ticks) - 1) / TICKS
        assert 1.05 < rate < 1.15


def test_the_wall_clock_is_wrong(cameras: Cameras) -> None:
    cameras.fault(1, "wrong_clock", seconds=-86400)
    with play(cameras) as probe:
        wall, timestamp, packet = report(probe)
    assert abs(wall + 86400 - time.time()) < 5
    assert abs(packet.timestamp - timestamp) < 90000


@pytest.mark.parametrize(("kind", "marked"), [("no_marker", False), ("marker_always", True)])
def test_markers_lie(cameras: Cameras, kind: str, *, marked: bool) -> None:
    with play(cameras) as probe:
        cameras.fault(1, kind)
        until(probe, lambda packet: packet.marker != marked)
        markers = [packet.marker for packet in take(probe, 3 * GOP)][GOP:]
    assert set(markers) == {marked}


def test_goes_on_in_another_size(cameras: Cameras) -> None:
    with play(cameras) as probe, Probe(cameras) as other:
        before = take(probe, 1)[0]
        narrow = sequence_parameters(other)
        cameras.fault(1, "other_size", width=352, height=288)
        wide = sequence_parameters(other)
        assert wide != narrow
        source, timestamp = next(
            (found.source, found.timestamp) for packet, found in rtp(probe) if wide in packet.payload
        )
        assert source == before.source
        assert (timestamp - before.timestamp) % TICKS == 0


def sequence_parameters(probe: Probe) -> bytes:
    """Return the SPS that the first camera describes itself by."""
    body = probe.ask("DESCRIBE", f"{probe.base}/1").body.decode()
    return base64.b64decode(body.partition("sprop-parameter-sets=")[2].partition(",")[0])


@pytest.mark.parametrize(("codec", "payload_type"), [("h265", 0), ("mjpeg", 26)])
def test_goes_on_with_another_codec(cameras: Cameras, codec: str, payload_type: int) -> None:
    with play(cameras) as probe:
        source = take(probe, 1)[0].source
        cameras.fault(1, "other_codec", codec=codec, payload_type=payload_type)
        packet, _ = next(found for found in rtp(probe) if found[1].source != source)
        assert packet.payload[1] & 0x7F == (payload_type or 96)
        cameras.heal(1)
        until(probe, lambda packet: packet.nal_type == 7)


def test_goes_on_at_another_rate(cameras: Cameras) -> None:
    with play(cameras) as probe:
        cameras.fault(1, "other_rate", fps=50)
        # While the clip was made the old one went on.
        for _ in range(3 * FPS):
            before, after = (frame[0].timestamp for frame in probe.frames(2))
            if (after - before) % 2**32 == 2 * TICKS:
                break
        times = [frame[0].timestamp for frame in probe.frames(5)]
        assert {(b - a) % 2**32 for a, b in pairwise(times)} == {2 * TICKS}


def test_takes_so_many_clients(cameras: Cameras) -> None:
    cameras.fault(1, "clients", limit=1)
    with play(cameras) as first, Probe(cameras) as second:
        assert second.ask("SETUP", f"{second.base}/1/track0", TRANSPORT).status == 453
        first.frames(2)


def test_answers_a_byte_a_second(cameras: Cameras) -> None:
    cameras.fault(1, "dribble")
    with Probe(cameras) as probe:
        probe.send(request("OPTIONS", f"{probe.base}/1"))
        assert probe.receive_some() == b"R"
        began = time.monotonic()
        assert probe.receive_some() == b"T"
        assert 0.5 < time.monotonic() - began < 5


def test_sends_garbage(cameras: Cameras) -> None:
    with play(cameras) as probe:
        cameras.fault(1, "garbage")
        with pytest.raises(RtspSyntaxError):
            probe.wait_for_end()
    with Probe(cameras) as probe, pytest.raises(RtspSyntaxError):
        probe.ask("OPTIONS", f"{probe.base}/1")


def test_frozen_cameras_send_nothing_and_go_on_when_thawed(shared: Cameras) -> None:
    with play(shared) as probe:
        shared.freeze()
        try:
            packets_until_quiet(probe)
        finally:
            shared.thaw()
        probe.frames(2)


def test_what_is_no_fault_is_refused(shared: Cameras) -> None:
    refused: list[tuple[int, str, dict[str, float | str]]] = [
        (1, "headache", {}),
        (1, "loss", {}),
        (1, "loss", {"percent": 5, "of": 3}),
        (3, "silent", {}),
        (1, "other_size", {"width": 8, "height": 8}),
        (1, "other_rate", {"fps": 0}),
        (2, "other_size", {"width": 321, "height": 180}),
    ]
    for camera, kind, parameters in refused:
        with pytest.raises(ValueError, match=r"\w"):
            shared.fault(camera, kind, **parameters)
    with play(shared) as probe:
        probe.frames(2)


def test_restarted_cameras_have_no_faults_and_dead_ones_take_none() -> None:
    with Cameras(count=1, size=(320, 180)) as cameras:
        cameras.fault(1, "silent_connect")
        cameras.kill()
        with pytest.raises(CamerasFailed):
            cameras.heal(1)
        cameras.thaw()
        cameras.restart()
        with play(cameras) as probe:
            probe.frames(2)
