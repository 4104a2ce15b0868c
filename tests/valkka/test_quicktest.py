"""``python -m valkka.quicktest`` as a user runs it."""

import os
import subprocess
import sys

from camgraph.testing.screens import screen


def quicktest(*arguments, **environment):
    return subprocess.run(
        [sys.executable, "-m", "valkka.quicktest", *arguments],
        env={**os.environ, "XDG_SESSION_TYPE": "x11", **environment},
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )


def test_it_tells_versions_and_what_works():
    with screen() as display:
        done = quicktest(DISPLAY=display)
    assert (done.returncode, done.stderr) == (0, "")
    told = {line[:32].strip(): line[32:] for line in done.stdout.splitlines() if line[:32].strip()}
    assert told["the documented API"] == "1.6.1"
    assert {"camgraph", "Python", "numpy", "PyAV", "Qt", "OpenCV", "buffers of sockets"} <= set(told)
    assert told["shared memory"] == told["a camera, received and decoded"] == "works"
    assert told["windows by their id (X11)"].endswith("without copies (MIT-SHM)")
    assert done.stdout.endswith("The core works.\n")


def test_it_says_what_to_do_where_there_is_no_display():
    done = quicktest(DISPLAY="")
    assert (done.returncode, done.stderr) == (0, "")
    assert "there is no X display" in done.stdout
    assert "camgraph.qt.VideoWidget" in done.stdout


def test_a_core_that_does_not_work_is_a_failure(tmp_path):
    (tmp_path / "av.py").write_text("raise ImportError('libavcodec is broken')\n")
    done = quicktest(DISPLAY="", PYTHONPATH=str(tmp_path))
    assert done.returncode == 1
    assert "can't be imported: libavcodec is broken" in done.stdout
    assert "camgraph demo --seconds 10" in done.stdout
    assert done.stdout.endswith("The core does not work.\n")


def test_it_has_help():
    done = quicktest("-h")
    assert done.returncode == 0
    assert "what to install" in done.stdout
