"""``camgraph probe`` at cameras that are well, and at cameras that are not."""

import json
import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from tests.real.terminal import CAMGRAPH, on_terminal

from camgraph.testing.cameras import Cameras
from camgraph.testing.waiting import wait_until

LOGIN = "me:p%ss w0rd:x"


@pytest.fixture(scope="module")
def cameras() -> Iterator[Cameras]:
    with Cameras(count=10, size=(320, 180), login=LOGIN) as cameras:
        yield cameras


def with_login(url: str) -> str:
    user, _, password = LOGIN.partition(":")
    return url.replace("rtsp://", f"rtsp://{user}:{quote(password, safe='')}@")


def start(*arguments: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [CAMGRAPH, "probe", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(process: "subprocess.Popen[str]") -> tuple[int, str, str]:
    with process:
        out, err = process.communicate(timeout=40)
    return process.returncode, out, err


def hides_login(text: str) -> bool:
    return not any(secret in text for secret in (LOGIN.partition(":")[2], "p%25ss", "w0rd"))


def test_a_camera_that_plays_is_told_on_one_screen(cameras: Cameras, tmp_path: Path) -> None:
    secret = tmp_path / "login"
    secret.write_text(LOGIN)
    probes = [
        start(with_login(cameras.urls[0])),
        start(cameras.urls[0], "--login", f"file:{secret}", "--json"),
        start(cameras.urls[0], "--login", f"file:{secret}", "--transport", "udp", "--json"),
    ]
    (code, out, err), data, by_udp = map(ended, probes)
    assert json.loads(by_udp[1])["transport"] == "udp"
    assert (code, err) == (0, "")
    assert re.match(rf"{cameras.urls[0]} plays\n +picture +h264, 320×180 px\n +rate +2\d\.\d pictures", out)
    assert hides_login(out)

    code, out, err = data
    assert (code, err) == (0, "")
    found = json.loads(out)
    assert found["url"] == cameras.urls[0]
    assert (found["plays"], found["state"], found["reason"], found["problems"]) == (True, "live", "", [])
    assert (found["codec"], found["width"], found["height"]) == ("h264", 320, 180)
    assert 22 < found["fps"] < 28
    assert 50_000 < found["bit_rate"] < 5_000_000
    assert found["keyframe_interval_s"] == pytest.approx(1.0, abs=0.1)
    assert found["transport"] in ("tcp", "")


def test_what_is_wrong_has_a_reason_and_an_exit_code(cameras: Cameras) -> None:
    rows: list[tuple[str, dict[str, float | str], int, str, str]] = [
        ("status", {"code": 403}, 11, "unauthorized", "403"),
        ("status", {"code": 404}, 12, "not_found", "404"),
        ("no_video", {}, 13, "no_video", "no video"),
        ("status", {"code": 453}, 14, "busy", "453"),
        ("no_rtp", {}, 15, "no_media", "No picture came within 4 s. Connected to"),
        ("first_keyframe_after", {"seconds": 60}, 15, "no_keyframe", "No picture came within 4 s."),
        ("silent_describe", {}, 10, "no_answer", "does not answer DESCRIBE|No picture came within 4 s"),
    ]
    probes = [start("rtsp://127.0.0.1:9/1", "--json")]
    probes.append(start(cameras.urls[1], "--json"))
    for camera, (kind, parameters, *_) in enumerate(rows, 3):
        cameras.fault(camera, kind, **parameters)
        probes.append(start(with_login(cameras.urls[camera - 1]), "--json", "--timeout", "4"))
    expected = [(10, "refused", "Nothing listens"), (11, "unauthorized", "asks for a login")]
    expected += [row[2:] for row in rows]
    results = [ended(probe) for probe in probes]
    for (returncode, out, err), (code, reason, sentence) in zip(results, expected, strict=True):
        found = json.loads(out)
        assert (returncode, found["reason"]) == (code, reason), found
        assert re.search(sentence, found["sentence"])
        assert "Next attempt" not in found["sentence"]
        assert (found["plays"], found["exit_code"], err) == (False, code, "")
        assert hides_login(out)


def test_an_address_that_can_be_none_is_refused_without_its_login() -> None:
    code, out, err = ended(start("rtsp:/me:s3cret@door/1"))
    assert (code, out) == (2, "")
    assert "is not an RTSP address" in err
    assert "s3cret" not in err


def processes_below(pid: int) -> list[int]:
    lists = Path(f"/proc/{pid}/task").glob("*/children")
    children = [int(child) for each in lists for child in each.read_text(encoding="utf-8").split()]
    return children + [one for child in children for one in processes_below(child)]


def test_on_a_terminal_it_tells_what_it_waits_for_and_no_process_shows_the_login(cameras: Cameras) -> None:
    cameras.fault(1, "no_rtp")
    try:
        with on_terminal("probe", with_login(cameras.urls[0])) as terminal:
            wait_until(lambda: "waiting for a whole picture" in terminal.screen, 20, "the progress line")
            pids = processes_below(terminal.process.pid)
            assert len(pids) == 2
            for pid in pids:
                for name in ("cmdline", "environ", "comm"):
                    assert hides_login(Path(f"/proc/{pid}/{name}").read_bytes().decode(errors="replace"))
            terminal.process.send_signal(signal.SIGINT)
            terminal.wait_ended(10)
            assert terminal.process.returncode == 130
            assert hides_login(terminal.screen)
            assert "Traceback" not in terminal.screen
    finally:
        cameras.heal(1)


def test_a_wrong_clock_is_a_problem_of_a_camera_that_plays(cameras: Cameras) -> None:
    cameras.fault(2, "wrong_clock", seconds=3600)
    code, out, _ = ended(start(with_login(cameras.urls[1])))
    cameras.heal(2)
    assert code == 0
    assert "Its clock is 3600.0 s ahead of this machine's: give the camera a time server (NTP)." in out
