"""The built-in cameras, seen by real clients: PyAV, Debian's ffmpeg and ffprobe, and bare sockets."""

import json
import os
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import av
import av.error
import numpy as np
import pytest
from tests.real.rtsp_probe import Probe, Rtp

from camgraph.cli.camera_child import CamerasFailed
from camgraph.media.rtsp.auth import DigestLogin
from camgraph.media.rtsp.message import Headers, Request, Response
from camgraph.testing.cameras import Cameras
from camgraph.testing.clips import FRAMES, GOP
from camgraph.testing.pattern import decode
from camgraph.testing.waiting import wait_until

SIZE = (320, 180)
NTP_EPOCH_S = 2208988800


@pytest.fixture(scope="module")
def cameras() -> Iterator[Cameras]:
    with Cameras(count=9, size=SIZE) as cameras:
        yield cameras


@pytest.fixture(scope="module")
def locked() -> Iterator[Cameras]:
    with Cameras(count=1, size=SIZE, login="keeper:correct:horse") as cameras:
        yield cameras


def ffprobe(url: str) -> list[dict[str, object]]:
    done = subprocess.run(
        ["ffprobe", "-v", "error", "-rtsp_transport", "tcp", "-show_streams", "-of", "json", url],
        capture_output=True,
        timeout=30,
        check=True,
    )
    streams: list[dict[str, object]] = json.loads(done.stdout)["streams"]
    return streams


def ffmpeg_numbers(url: str, frames: int) -> list[tuple[int | None, int | None]]:
    """Return number and camera of each frame that Debian's ffmpeg decodes."""
    done = subprocess.run(
        f"ffmpeg -v error -threads 1 -rtsp_transport tcp -i {url} -frames:v {frames} "
        "-vsync passthrough -f rawvideo -pix_fmt gray -".split(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=30,
        check=True,
    )
    pictures = np.frombuffer(done.stdout, np.uint8).reshape(-1, SIZE[1], SIZE[0])
    return [decode(picture)[:2] for picture in pictures]


def pyav_frames(url: str, frames: int) -> list[tuple[int, int, int, int]]:
    """Return number, camera, pts (of the first: -1) and arrival (ns) of each frame that PyAV decodes."""
    found = []
    options = {"rtsp_transport": "tcp", "timeout": "5000000", "probesize": "32", "fpsprobesize": "0"}
    with av.open(url, options=options) as container:
        stream = container.streams.video[0]
        stream.thread_type, stream.codec_context.thread_count = "NONE", 1
        for frame in container.decode(stream):
            arrival_ns = time.monotonic_ns()
            read = decode(np.asarray(frame.to_ndarray()[: SIZE[1]]))
            assert read.ok
            assert read.number is not None
            assert read.camera is not None
            found.append((read.number, read.camera, -1 if frame.pts is None else frame.pts, arrival_ns))
            if len(found) == frames:
                break
    return found


def follow(first: int, count: int) -> list[int]:
    return [(first + at) % FRAMES for at in range(count)]


def test_ffprobe_sees_h264_of_the_right_size_and_rate(cameras: Cameras) -> None:
    [video] = ffprobe(cameras.urls[0])
    assert (video["codec_name"], video["width"], video["height"]) == ("h264", *SIZE)
    assert (video["avg_frame_rate"], video["pix_fmt"]) == ("25/1", "yuv420p")
    assert (video["color_space"], video["color_range"], video["has_b_frames"]) == ("bt709", "tv", 0)


def test_ffmpeg_gets_every_frame_in_order(cameras: Cameras) -> None:
    read = ffmpeg_numbers(cameras.urls[2], 40)
    first = read[0][0]
    assert first is not None
    assert read == [(number, 3) for number in follow(first, 40)]


def test_pyav_gets_every_frame_in_order_with_steady_times(cameras: Cameras) -> None:
    frames = pyav_frames(cameras.urls[4], 30)
    assert [(number, camera) for number, camera, _, _ in frames] == [
        (number, 5) for number in follow(frames[0][0], 30)
    ]
    times = [pts for _, _, pts, _ in frames[2:]]
    assert [after - before for before, after in pairwise(times)] == [3600] * 27


def test_numbers_and_times_go_on_over_the_end_of_the_clip() -> None:
    with Cameras(count=1, size=SIZE, fps=100) as cameras:
        frames = pyav_frames(cameras.urls[0], FRAMES + 60)
    assert [number for number, *_ in frames] == follow(frames[0][0], FRAMES + 60)
    times = [pts for _, _, pts, _ in frames[2:]]
    assert {after - before for before, after in pairwise(times)} == {900}


def test_a_ninth_camera_shows_the_first_clip_and_is_one_of_its_own(cameras: Cameras) -> None:
    read = ffmpeg_numbers(cameras.urls[8], 5)
    assert {camera for _, camera in read} == {1}


def test_the_audio_camera_has_sound_and_no_picture(cameras: Cameras) -> None:
    [audio] = ffprobe(cameras.audio_url)
    assert (audio["codec_type"], audio["codec_name"], audio["sample_rate"]) == ("audio", "pcm_alaw", "8000")


def test_the_log_tells_when_each_frame_was_sent(tmp_path: Path) -> None:
    with Cameras(count=2, size=SIZE, sent_log=tmp_path / "sent") as cameras:
        before_ns = time.monotonic_ns()
        frames = pyav_frames(cameras.urls[1], 30)
        sent = {entry.number: entry for entry in cameras.read_sent()}
    assert {entry.camera for entry in sent.values()} == {2}
    for number, _, _, arrival_ns in frames:
        assert before_ns < sent[number].monotonic_ns < arrival_ns
    stamps = [sent[number].monotonic_ns for number, *_ in frames]
    assert stamps == sorted(stamps)


class TestLogin:
    def test_the_wrong_password_is_refused(self, locked: Cameras) -> None:
        for url in (locked.urls[0], locked.urls[0].replace("//", "//keeper:wrong@")):
            with pytest.raises(av.error.HTTPUnauthorizedError):
                av.open(url, options={"rtsp_transport": "tcp", "timeout": "5000000"})
        done = subprocess.run(
            ["ffprobe", "-rtsp_transport", "tcp", locked.urls[0].replace("//", "//keeper:wrong@")],
            capture_output=True,
            text=True,
            timeout=30,
        )
        assert done.returncode != 0
        assert "401" in done.stderr

    def test_the_right_password_plays(self, locked: Cameras) -> None:
        url = locked.urls[0].replace("//", "//keeper:correct%3Ahorse@")
        assert ffprobe(url)[0]["codec_name"] == "h264"
        assert len(pyav_frames(url, 5)) == 5

    def test_it_is_nowhere_to_be_read(self, locked: Cameras) -> None:
        assert b"horse" not in Path(f"/proc/{locked.pid}/cmdline").read_bytes()

    def test_every_request_but_options_needs_it(self, locked: Cameras) -> None:
        with Probe(locked) as probe:
            url = f"{probe.base}/1"
            assert probe.ask("OPTIONS", url).status == 200
            for method in ("DESCRIBE", "SETUP", "PLAY", "TEARDOWN", "GET_PARAMETER"):
                assert probe.ask(method, url).status == 401
            login = DigestLogin("keeper", "correct:horse")
            assert probe.ask_with_login("DESCRIBE", url, login).status == 200
            assert probe.ask_with_login("DESCRIBE", f"{url}x", login).status == 404
            assert probe.ask_with_login("DESCRIBE", url, DigestLogin("keeper", "wrong")).status == 401


class TestRequests:
    def test_what_cannot_be_served_gets_its_code(self, cameras: Cameras) -> None:
        with Probe(cameras) as probe:
            url = f"{probe.base}/1"
            tcp = ("Transport", "RTP/AVP/TCP;unicast;interleaved=0-1")
            assert probe.ask("RECORD", url).status == 501
            assert probe.ask("PLAY", url).status == 455
            assert probe.ask("DESCRIBE", f"{probe.base}/nothing").status == 404
            assert probe.ask("DESCRIBE", "rtsp://[bad").status == 404
            assert probe.ask("SETUP", f"{probe.base}/99/track0", tcp).status == 404
            for transport in ("RTP/AVP;unicast;client_port=0-1", "RTP/AVP/TCP;interleaved=x-y", ""):
                assert probe.ask("SETUP", f"{url}/track0", ("Transport", transport)).status == 461
            required = probe.ask("SETUP", url, ("Require", "funky-feature"))
            assert (required.status, required.headers.get("Unsupported")) == (551, "funky-feature")
            session = probe.play("/1")
            assert probe.ask("SETUP", f"{url}/track0", tcp).status == 455
            assert probe.ask("PLAY", url, ("Session", "other")).status == 454
            assert probe.ask("PLAY", f"{probe.base}/2", ("Session", session)).status == 454
            assert probe.ask("GET_PARAMETER", url, ("Session", session)).status == 200

    def test_the_second_of_two_transports_is_taken(self, cameras: Cameras) -> None:
        with Probe(cameras) as probe:
            offers = "RTP/SAVP;unicast;client_port=1-2, RTP/AVP/TCP;unicast;interleaved=4-5"
            response = probe.ask("SETUP", f"{probe.base}/1/track0", ("Transport", offers))
            assert response.headers.get("Transport") == "RTP/AVP/TCP;unicast;interleaved=4-5"

    def test_versions_and_counters_are_checked(self, cameras: Cameras) -> None:
        with Probe(cameras) as probe:
            probe.send(Request("OPTIONS", "*", Headers([("CSeq", "1")]), version="RTSP/2.0").encode())
            probe.send(Request("OPTIONS", "*").encode())
            for status in (505, 400):
                assert isinstance(message := probe.receive(), Response)
                assert message.status == status

    def test_garbage_is_answered_and_the_connection_closed(self, cameras: Cameras) -> None:
        for garbage in (b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01", bytes(100)):
            with Probe(cameras) as probe:
                probe.send(garbage)
                assert isinstance(message := probe.receive(), Response)
                assert message.status == 400
                probe.wait_for_end()

    def test_teardown_ends_the_stream_and_another_can_begin(self, cameras: Cameras) -> None:
        with Probe(cameras) as probe:
            session = probe.play("/1")
            probe.frames(3)
            assert probe.ask("TEARDOWN", f"{probe.base}/1", ("Session", session)).status == 200
            # What was under way has come before the answer; what follows is the next answer.
            probe.send(Request("OPTIONS", "*", Headers([("CSeq", "99")])).encode())
            assert isinstance(probe.receive(), Response)
            probe.play("/2")
            probe.frames(3)


class TestStreams:
    def test_a_stream_begins_with_parameter_sets_and_a_keyframe_and_loses_nothing(
        self, cameras: Cameras
    ) -> None:
        with Probe(cameras) as probe:
            probe.play("/6")
            frames = probe.frames(30)
        assert frames[0][0].nal_type == 7
        assert frames[0][-1].nal_type == 5
        packets = [packet for frame in frames for packet in frame]
        assert len({packet.source for packet in packets}) == 1
        steps = {(b.sequence - a.sequence) % 65536 for a, b in pairwise(packets)}
        assert steps == {1}
        assert all(len({packet.timestamp for packet in frame}) == 1 for frame in frames)
        starts = [frame[0].timestamp for frame in frames]
        assert {(b - a) % 2**32 for a, b in pairwise(starts)} == {3600}

    def test_sender_reports_tie_timestamps_to_the_wall_clock(self, cameras: Cameras) -> None:
        with Probe(cameras) as probe:
            probe.play("/7")
            reports: list[bytes] = []
            frames: list[bytes] = []
            for packet in probe.packets():
                (reports if packet.channel == 1 else frames).append(packet.payload)
                if reports and frames:
                    break
        assert reports[0][1] == 200
        seconds, fraction, timestamp = struct.unpack_from("!III", reports[0], 8)
        assert abs(seconds - NTP_EPOCH_S + fraction / 2**32 - time.time()) < 5
        [rtp_timestamp] = struct.unpack_from("!I", frames[0], 4)
        assert (timestamp - rtp_timestamp + 2**31) % 2**32 - 2**31 < 90000

    def test_a_second_viewer_waits_for_the_next_keyframe_and_gets_a_sender_report(
        self, cameras: Cameras
    ) -> None:
        with Probe(cameras) as first, Probe(cameras) as second:
            first.play("/8")
            first.frames(3)
            second.play("/8")
            report = next(second.packets())
            assert (report.channel, report.payload[1]) == (1, 200)
            [frame] = second.frames(1)
            assert frame[-1].nal_type == 5
            ahead = first.frames(GOP)
            starts = [packets[0].timestamp for packets in ahead]
            assert frame[0].timestamp in starts

    def test_many_cameras_play_at_once(self, cameras: Cameras) -> None:
        probes = [Probe(cameras) for _ in range(18)]
        for at, probe in enumerate(probes):
            probe.play(f"/{at % 9 + 1}")
        for probe in probes:
            assert len(probe.frames(GOP + 5)) == GOP + 5
            probe.__exit__(None, None, None)

    def test_a_slow_viewer_delays_nobody_and_goes_on_at_a_keyframe(self) -> None:
        with (
            Cameras(count=1, size=(640, 360), fps=100) as cameras,
            Probe(cameras, receive_buffer_bytes=4096) as slow,
            Probe(cameras) as quick,
        ):
            slow.play("/1")
            quick.play("/1")
            # Some 2 MB: far more than all the buffers on the way to the slow one.
            seen = [packet for frame in quick.frames(450) for packet in frame]
            assert {(b.sequence - a.sequence) % 65536 for a, b in pairwise(seen)} == {1}
            late = slow.frames(300)
        gaps = [
            after
            for before, after in pairwise(late)
            if (after[0].sequence - before[-1].sequence) % 65536 != 1
        ]
        assert gaps
        assert all(frame[0].nal_type == 7 and frame[-1].nal_type == 5 for frame in gaps)
        assert all(is_whole(frame) for frame in late)


def is_whole(frame: list[Rtp]) -> bool:
    steps = {(b.sequence - a.sequence) % 65536 for a, b in pairwise(frame)}
    return frame[0].begins_nal and steps <= {1} and len({packet.timestamp for packet in frame}) == 1


class TestEnds:
    def test_a_clean_end_says_goodbye(self) -> None:
        with Cameras(count=1, size=SIZE) as cameras, Probe(cameras) as probe:
            probe.play("/1")
            probe.frames(2)
            cameras.stop()
            *_, last = [packet.payload for packet in probe.packets() if packet.channel == 1]
            kinds, at = [], 0
            while at < len(last):
                kinds.append(last[at + 1])
                at += 4 + 4 * int.from_bytes(last[at + 2 : at + 4])
            assert (kinds[0], kinds[-1]) == (200, 203)
            assert not cameras.alive

    def test_killed_cameras_come_back_at_the_same_address(self) -> None:
        with Cameras(count=1, size=SIZE) as cameras:
            urls, pid = cameras.urls, cameras.pid
            with Probe(cameras) as probe:
                probe.play("/1")
                probe.frames(2)
                cameras.kill()
                probe.wait_for_end()
            cameras.restart()
            assert cameras.urls == urls
            assert cameras.pid != pid
            assert len(pyav_frames(urls[0], 10)) == 10

    def test_they_end_when_their_owner_is_killed(self) -> None:
        program = (
            "from camgraph.testing.cameras import Cameras\n"
            f"with Cameras(count=1, size={SIZE}) as cameras:\n"
            "    print(cameras.pid, flush=True)\n"
            "    input()\n"
        )
        owner = subprocess.Popen(
            [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        with owner:
            assert owner.stdout is not None
            pid = int(owner.stdout.readline())
            owner.kill()
        wait_until(lambda: not Path(f"/proc/{pid}").exists(), 5, "the end of the cameras")

    def test_closing_twice_and_killing_the_dead_is_fine(self) -> None:
        cameras = Cameras(count=1, size=SIZE)
        cameras.kill()
        cameras.kill()
        assert not cameras.alive
        cameras.close()
        cameras.close()

    def test_a_port_in_use_is_told(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as other:
            port = other.getsockname()[1]
            with pytest.raises(CamerasFailed, match=f"port {port} .* in use.*--port") as raised:
                Cameras(count=1, size=SIZE, port=port)
        assert raised.value.exit_code == 4

    def test_two_cameras_at_one_port_cannot_both_start(self, cameras: Cameras) -> None:
        with pytest.raises(CamerasFailed, match="in use"):
            Cameras(count=1, size=SIZE, port=cameras.port)

    def test_a_paused_process_goes_on_in_the_present(self, cameras: Cameras) -> None:
        with Probe(cameras) as probe:
            probe.play("/2")
            [before] = probe.frames(1)
            paused_ns = time.monotonic_ns()
            os.kill(cameras.pid, signal.SIGSTOP)
            try:
                wait_until(lambda: time.monotonic_ns() - paused_ns > 1.5e9, 5, "a pause of 1.5 s")
            finally:
                os.kill(cameras.pid, signal.SIGCONT)
            frames = probe.frames(GOP + 10)
        steps = [(b[0].timestamp - a[0].timestamp, b) for a, b in pairwise([before, *frames])]
        [(jump, after)] = [(step, frame) for step, frame in steps if step != 3600]
        assert jump > 90000
        assert after[0].nal_type == 7
