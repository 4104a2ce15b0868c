"""A site's numbers as Prometheus fetches them, from cameras that play, fail and come back."""

import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families
from tests.real.terminal import CAMGRAPH

import camgraph as cg
from camgraph.metrics import SiteCollector, serve
from camgraph.testing.cameras import Cameras
from camgraph.testing.waiting import wait_until

LOGIN = "me:s3cret"


Samples = dict[frozenset[str], float]


def at(name: str, *labels: str) -> frozenset[str]:
    """What a sample is known by: its name, and its labels in any order."""
    return frozenset([name, *labels])


@pytest.fixture(scope="module")
def cameras() -> Iterator[Cameras]:
    with Cameras(count=1, size=(320, 180), login=LOGIN) as cameras:
        yield cameras


@pytest.fixture
def site(cameras: Cameras) -> Iterator[cg.Site]:
    graph = cg.Graph()
    door = graph.rtsp("door", cameras.urls[0].replace("rtsp://", f"rtsp://{LOGIN}@"))
    graph.rate("slow", door, 5)
    graph.rtsp("attic", "rtsp://127.0.0.1:9/1")
    with graph.start() as site:
        yield site


def fetch(port: int) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        assert answer.headers["Content-Type"].startswith("text/plain")
        return str(answer.read(), "utf-8")


def samples(text: str) -> Samples:
    return {
        at(sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_prometheus_fetches_what_a_site_counts(site: cg.Site) -> None:
    with serve(site, 0) as server, site.read(site.streams["slow"].frames()) as reader:
        reader.read(timeout=20)
        found: Samples = {}

        def measured() -> bool:
            found.update(samples(text := fetch(server.port)))
            assert "s3cret" not in text
            return at("camgraph_stream_keyframe_interval_seconds", "door") in found

        wait_until(measured, 20, "a second key frame")
        assert found[at("camgraph_site_up")] == 1
        assert found[at("camgraph_stream_state", "door", "live")] == 1
        assert found[at("camgraph_stream_state", "door", "stalled")] == 0
        assert found[at("camgraph_stream_state", "attic", "backing_off")] in (0, 1)
        assert found[at("camgraph_stream_info", "door", "h264", "320", "180")] == 1
        assert found[at("camgraph_stream_transport_info", "door", "tcp")] == 1
        assert found[at("camgraph_stream_received_bytes_total", "door")] > 10_000
        assert found[at("camgraph_stream_decoded_pictures_total", "door")] >= 20
        assert found[at("camgraph_stream_dropped_packets_total", "door", "behind")] == 0
        assert 15 < found[at("camgraph_stream_packets_per_second", "door")] < 35
        assert 0 < found[at("camgraph_stream_decode_seconds", "door")] < 0.05
        assert 0 < found[at("camgraph_stream_newest_age_seconds", "door")] < 5
        assert at("camgraph_stream_newest_age_seconds", "attic") not in found
        assert abs(found[at("camgraph_stream_clock_offset_seconds", "door")]) < 1
        assert found[at("camgraph_stream_attempts_total", "attic")] >= 1
        assert found[at("camgraph_stream_readers", "slow")] == 1
        assert found[at("camgraph_stream_readers", "door")] == 0
        assert found[at("camgraph_media_process_up", "media-1")] == 1
    with pytest.raises(OSError, match="refused"):
        fetch(server.port)


def test_a_site_that_does_not_answer_is_down_and_up_again(site: cg.Site) -> None:
    registry = CollectorRegistry()
    registry.register(SiteCollector(site))
    wait_until(lambda: site.streams["door"].status.state == "live", 20, "pictures")
    os.kill(site.supervisor_pid, signal.SIGSTOP)
    try:
        found = samples(generate_latest(registry).decode())
    finally:
        os.kill(site.supervisor_pid, signal.SIGCONT)
    assert found[at("camgraph_site_up")] == 0
    assert found[at("camgraph_stream_state", "door", "live")] == 1
    assert at("camgraph_stream_received_bytes_total", "door") not in found
    assert samples(generate_latest(registry).decode())[at("camgraph_site_up")] == 1


def test_it_ends_with_its_site_and_a_silent_client_holds_nobody_up(cameras: Cameras) -> None:
    site = cg.Graph().start()
    server = serve(site, 0)
    with socket.create_connection(("127.0.0.1", server.port)):
        assert samples(fetch(server.port))[at("camgraph_site_up")] == 1
        with pytest.raises(OSError, match="in use"):
            serve(site, server.port)
        site.close()
        with pytest.raises(OSError, match="refused"):
            fetch(server.port)
    server.close()


def test_the_command_runs_a_site_with_its_numbers(tmp_path: Path) -> None:
    file = tmp_path / "attic.yaml"
    file.write_text("nodes: [{type: rtsp, id: attic, url: 'rtsp://127.0.0.1:9/1'}]")
    with subprocess.Popen(
        [CAMGRAPH, "run", str(file), "--name", f"metrics-{os.getpid()}", "--metrics-port", "0"],
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        said = process.stderr.readline() + process.stderr.readline()
        port = re.search(r"numbers at http://127\.0\.0\.1:(\d+)/metrics\.", said)
        assert port is not None, said
        assert at("camgraph_stream_state", "attic", "live") in samples(fetch(int(port[1])))
        process.send_signal(signal.SIGTERM)
        process.stderr.read()
        assert process.wait(10) == 0


def test_without_prometheus_client_the_remedy_is_told() -> None:
    code = "import sys; sys.modules['prometheus_client'] = None; import camgraph.metrics"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=20)
    assert done.stderr.splitlines()[-1] == (
        "camgraph.base.errors.MissingDependency: camgraph.metrics needs prometheus-client: "
        'pip install "camgraph[metrics]"'
    )
