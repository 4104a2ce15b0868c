"""Logins are shown to nobody, however they are given: while streams play, fail, and are started again."""

import base64
import gc
import json
import logging
import os
import signal
import subprocess
import sys
import textwrap
import traceback
from collections import defaultdict
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote
from uuid import uuid4

import msgspec
import pytest
from prometheus_client import CollectorRegistry, generate_latest
from tests.faults.family import family_of
from tests.real.strangers import Search, descendants
from tests.real.test_http_sources import Server, head, jpeg

import camgraph as cg
from camgraph.errors import CamgraphError
from camgraph.metrics import SiteCollector
from camgraph.testing.cameras import Cameras
from camgraph.testing.waiting import wait_until

CAMGRAPH = str(Path(sys.executable).with_name("camgraph"))
USER, PASSWORD, OTHER = "kee per", "p@ss:w/rd%20 ü", "Wr:ng/w@rd%41 ß"
LOGIN, WRONG = f"{USER}:{PASSWORD}", f"{USER}:{OTHER}"
RIGHT_ONES = ("env", "file", "url", "query", "http-env", "http-url", "http-query", "http-places")
WRONG_ONES = tuple(f"wrong-{name}" for name in RIGHT_ONES)


class Idle(cg.MessageProcess):
    """A back end that does nothing, and is always there."""

    restart = True


class Forked(cg.MessageProcess):
    """One that is a copy of this program."""

    start_method = "fork"


@pytest.fixture
def search() -> Search:
    search = Search(LOGIN, WRONG)
    for planted in (
        LOGIN,
        quote(LOGIN, safe=""),
        quote(PASSWORD).lower(),
        "Basic a2VlIHBlcjpwQHNzOncvcmQlMjAgw7w=",
        f"{WRONG!a}",
        "rtsp://kee%20per:p%40ss%3Aw%2Frd%2520%20%C3%BC@host/1",
        "http://host/?user=kee%20per&pwd=p@ss:w%2Frd%2520%20%C3%BC",
    ):
        assert search.find("planted", f"so that {planted} is found"), planted
    assert not search.find("planted", "kee per, kee%20per, env:DOOR, p@ss")
    return search


@pytest.fixture
def cameras() -> Iterator[Cameras]:
    with Cameras(count=1, size=(320, 180), login=LOGIN) as cameras:
        yield cameras


@pytest.fixture
def web_url() -> Iterator[str]:
    """Address of a camera by HTTP that has the same login, and wants it in the query if there is one."""
    server = Server()
    server.answers = defaultdict(lambda: answer)
    picture = jpeg(1)
    part = f"--part\r\nContent-Type: image/jpeg\r\nContent-Length: {len(picture)}\r\n\r\n".encode()
    right = "Basic " + base64.b64encode(LOGIN.encode()).decode()

    def answer(request: BaseHTTPRequestHandler) -> None:
        query = dict(parse_qsl(request.path.partition("?")[2]))
        if query != {"user": USER, "pwd": PASSWORD} and (
            query or request.headers.get("Authorization") != right
        ):
            head(request, 401, ("WWW-Authenticate", 'Basic realm="door"'), ("Content-Length", "0"))
            return
        head(request, 200, ("Content-Type", "multipart/x-mixed-replace; boundary=part"))
        while not server.closing.wait(0.05):
            request.wfile.write(part + picture + b"\r\n")

    yield server.url("/door")
    server.close()


def in_url(url: str, login: str) -> str:
    """Return the address with a login in it."""
    return url.replace("://", f"://{quoted('{}:{}', login)}@")


def quoted(form: str, login: str) -> str:
    """Return a part of an address, with user and password in its places for them."""
    user, _, password = login.partition(":")
    return form.format(quote(user, safe=""), quote(password, safe=""))


def logins_at(url: str, web_url: str, folder: Path, variables: dict[str, str]) -> cg.Graph:
    """Return cameras with the right login, and again with a wrong one."""
    graph = cg.Graph()
    for prefix, login in (("", LOGIN), ("wrong-", WRONG)):
        file = folder / f"{prefix}login"
        file.write_text(f"{login}\n", encoding="utf-8")
        name = next(name for name, value in variables.items() if value == login)
        graph.rtsp(f"{prefix}env", url, login=f"env:{name}", longest_retry_s=0.3)
        graph.rtsp(f"{prefix}file", url, login=f"file:{file}", longest_retry_s=0.3)
        graph.rtsp(f"{prefix}url", in_url(url, login), longest_retry_s=0.3)
        graph.rtsp(f"{prefix}query", url + quoted("?USER={}&pass={}", login), longest_retry_s=0.3)
        graph.http(f"{prefix}http-env", web_url, login=f"env:{name}", longest_retry_s=0.3)
        graph.http(f"{prefix}http-url", in_url(web_url, login), longest_retry_s=0.3)
        query_url = web_url + quoted("?user={}&pwd={}", login)
        graph.http(f"{prefix}http-query", query_url, longest_retry_s=0.3)
        places_url = web_url + "?user={user}&pwd={password}"
        graph.http(f"{prefix}http-places", places_url, login=f"env:{name}", longest_retry_s=0.3)
    path_url = url.rpartition("/")[0] + quoted("/user={}&password={}&channel=1", LOGIN)
    graph.rtsp("lost", path_url, longest_retry_s=0.3)
    return graph


def refused_declarations(url: str) -> list[CamgraphError]:
    """Return the errors of addresses and references that are none, because the password was written wrong."""
    bare = url.removeprefix("rtsp://")
    errors = []
    for address, login in (
        (f"rtsp://{LOGIN}@{bare}", None),
        (f"{LOGIN}@{bare}", None),
        (f"rtsp:/{LOGIN}@{bare}", None),
        (f"rtsp://{quote(LOGIN, safe='')}@host:77777/1", None),
        (url, LOGIN),
        (url, f"env:{LOGIN}"),
        (url, f"url:{LOGIN}"),
        (in_url(url, LOGIN), "env:DOOR"),
        (in_url(url, WRONG) + quoted("?user={}&pwd={}", LOGIN), None),
        (url + quoted("?user={}&pwd={}", LOGIN), "env:DOOR"),
    ):
        graph = cg.Graph()
        with pytest.raises(CamgraphError) as caught:
            graph.rtsp("door", address, login=login)
        errors.append(caught.value)
    return errors


def shown_objects() -> Iterator[tuple[str, str]]:
    """Yield what every object of ours in this process says of itself."""
    for each in gc.get_objects():
        kind = type(each)
        if str(kind.__module__).startswith("camgraph."):
            try:
                text = repr(each)
            except RuntimeError:  # The Python side of a Qt object that is no more.
                continue
            yield f"repr of {kind.__qualname__}", text
            yield f"str of {kind.__qualname__}", str(each)


def test_a_site_shows_no_login(
    cameras: Cameras,
    web_url: str,
    search: Search,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    variables = {f"DOOR_{uuid4().hex}": LOGIN, f"GATE_{uuid4().hex}": WRONG}
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    caplog.set_level(logging.DEBUG)
    found: list[str] = []
    events: list[cg.StreamStatus] = []

    def look() -> None:
        # Supervisor, media process, three back ends; and the cameras, mostly.
        wait_until(lambda: len(descendants(os.getpid())) >= 5, 10, "the processes")
        found.extend(search.find_at(descendants(os.getpid())))
        told = site.statistics()
        for where, text in shown_objects():
            found.extend(search.find(where, text))
        for where, each in (("statistics", told), ("graph", site.spec), ("declaration", graph.spec)):
            found.extend(search.find(where, f"{each!r} {each!s}"))
            found.extend(search.find(where, msgspec.json.encode(each)))
            found.extend(search.find(where, msgspec.yaml.encode(each)))
        found.extend(search.find("metrics", generate_latest(registry)))

    def are(state: str, *names: str) -> None:
        wait_until(
            lambda: {site.streams[name].status.state for name in names} == {state},
            20,
            f"{state}: {[site.streams[name].status for name in names]}",
        )

    found += [
        one
        for error in refused_declarations(cameras.urls[0])
        for one in search.find("refused", "".join(traceback.format_exception(error)))
    ]
    # At first nobody knows of them, and whoever looks finds them.
    graph = cg.Graph()
    registry = CollectorRegistry()
    with graph.start(name=f"hidden-{uuid4().hex[:8]}") as site:
        registry.register(SiteCollector(site))
        fronts = [site.spawn(Idle), site.spawn(Forked)]
        for front in fronts:
            front.wait_ready(20)
        assert f"environ of {site.supervisor_pid} " in " ".join(search.find_at([site.supervisor_pid]))
        site.subscribe(events.append)
        graph = logins_at(cameras.urls[0], web_url, tmp_path, variables)
        site.apply(graph)
        fronts.append(site.spawn(Idle))
        readers = [site.read(site.streams[name].frames()) for name in RIGHT_ONES]
        frames = [reader.read(timeout=20) for reader in readers]
        are("live", *RIGHT_ONES)
        are("unauthorized", *WRONG_ONES)
        are("not_found", "lost")
        look()
        table = subprocess.check_output([CAMGRAPH, "top", site.name, "--once"], timeout=30)
        found += search.find("camgraph top", table)
        assert b"wrong-http-query" in table
        first = site.statistics().media[0].pid
        os.kill(first, signal.SIGKILL)
        wait_until(lambda: site.streams["env"].status.reason == "media_process_died", 5)
        look()
        are("live", *RIGHT_ONES)
        assert site.statistics().media[0].pid != first
        look()
        cameras.kill()
        wait_until(
            lambda: (
                "live" not in {site.streams[name].status.state for name in ("env", "file", "url", "query")}
            ),
            5,
        )
        look()
        cameras.restart()
        are("live", *RIGHT_ONES)
        os.kill(site.supervisor_pid, signal.SIGKILL)
        wait_until(lambda: site.streams["env"].status.reason == "supervisor_died", 5)
        are("live", *RIGHT_ONES)
        are("unauthorized", *WRONG_ONES)
        look()
        del frames
    for status in events:
        found += search.find(f"event of {status.stream}", f"{status!r} {status!s} {status.sentence}")
    for record in caplog.records:
        found += search.find(
            f"log of {record.name}", f"{record.getMessage()} {record.args!r} {record.exc_info!r}"
        )
    output = capfd.readouterr()
    assert "media-1" in output.err
    found += [*search.find("standard output", output.out), *search.find("standard error", output.err)]
    assert {status.stream for status in events} == {*RIGHT_ONES, *WRONG_ONES, "lost"}
    assert search.texts > 1000
    assert found == []


def test_a_command_shows_no_login(cameras: Cameras, search: Search, tmp_path: Path) -> None:
    name, file = f"hidden-{uuid4().hex[:8]}", tmp_path / "site.json"
    variables = {"DOOR": LOGIN, "GATE": WRONG}

    def write(*logins: str) -> None:
        nodes: list[dict[str, Any]] = [
            {"type": "rtsp", "id": login.partition(":")[2].lower(), "url": cameras.urls[0], "login": login}
            for login in logins
        ]
        nodes.append({"type": "rtsp", "id": "nobody", "url": cameras.urls[0]})
        file.write_text(json.dumps({"nodes": nodes}))

    write("env:DOOR")
    with subprocess.Popen(
        [CAMGRAPH, "run", str(file), "--name", name],
        env={**os.environ, **variables},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as process:
        try:
            wait_until(lambda: family_of(process.pid).media, 20)
            with cg.attach(name) as site:
                site.read(site.streams["door"].frames()).read(timeout=20)
                pids = descendants(process.pid)
                assert len(pids) == 2
                # What the command itself was started with is its user's own, and so is a login not yet named.
                assert search.find_at([process.pid])
                assert [found.partition(" ")[0] for found in search.find_at(pids)] == ["environ"] * 2
                write("env:DOOR", "env:GATE")
                process.send_signal(signal.SIGHUP)
                wait_until(
                    lambda: "gate" in site.streams and site.streams["gate"].status.state == "unauthorized", 20
                )
                pids = descendants(process.pid)
                assert search.find_at(pids) == []
                os.kill(pids[-1], signal.SIGKILL)
                wait_until(lambda: site.streams["gate"].status.reason == "media_process_died", 5)
                wait_until(lambda: site.streams["gate"].status.state == "unauthorized", 20)
                assert search.find_at(descendants(process.pid)) == []
        finally:
            process.send_signal(signal.SIGINT)
            output = process.communicate(timeout=20)[0]
    assert b"gate: unauthorized" in output
    assert search.find("output", output) == []


def test_a_copy_of_the_program_shows_no_login(cameras: Cameras, search: Search) -> None:
    program = """
    import sys
    import camgraph as cg

    class Forked(cg.MessageProcess):
        start_method = "fork"

    graph = cg.Graph()
    with graph.start() as site:
        before = site.spawn(Forked)
        before.wait_ready(20)
        graph.rtsp("door", sys.argv[1], login="env:DOOR")
        site.apply(graph)
        after = site.spawn(Forked)
        after.wait_ready(20)
        site.read(site.streams["door"].frames()).read(timeout=20)
        print(flush=True)
        input()
    """
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program), cameras.urls[0]],
        env={**os.environ, "DOOR": LOGIN},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline()
        pids = descendants(process.pid)
        assert len(pids) == 4
        found = search.find_at(pids)
        process.communicate(b"\n", timeout=20)
    assert process.returncode == 0
    assert found == []


def test_commands_pass_their_address_on_to_nobody(
    cameras: Cameras, search: Search, xvfb: str, tmp_path: Path
) -> None:
    url = cameras.urls[0]
    commands = [
        ["probe", url + quoted("?user={}&pwd={}", LOGIN)],
        ["probe", in_url(url, WRONG), "--json"],
        ["show", in_url(url, LOGIN), url + quoted("?user={}&pwd={}", WRONG), "--seconds", "2"],
    ]
    environment = {**os.environ, "DISPLAY": xvfb, "QT_QPA_PLATFORM": "xcb"}
    running: list[subprocess.Popen[bytes]] = []
    found, outputs = [], []
    try:
        for arguments in commands:
            process = subprocess.Popen(
                [CAMGRAPH, *arguments],
                env=environment,
                cwd=tmp_path,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
            )
            running.append(process)
            # One after the other: a wrong login is told at once, and the command ends.
            wait_until(lambda: family_of(process.pid).media, 20)  # noqa: B023
            # Who types a login shows it himself.
            assert search.find_at([process.pid])
            found += search.find_at(descendants(process.pid))
        outputs += [process.communicate(timeout=30)[0] for process in running]
    finally:
        for process in running:
            process.kill()
            process.communicate()
    assert [process.returncode for process in running] == [0, 11, 1], outputs
    assert found + [one for output in outputs for one in search.find("output", output)] == []
