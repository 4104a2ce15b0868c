"""A planted leak of each kind: the suite fails, and names where."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

PLANTS = """
import ctypes, mmap, os, signal, socket, subprocess, sys, threading, time
import pytest

kept = []
SLEEP = [sys.executable, "-c", "import time; time.sleep(60)  # planted"]

def test_clean(tmp_path):
    with subprocess.Popen(["true"]) as child, open(tmp_path / "file", "w"):
        child.wait()
    thread = threading.Thread(target=time.sleep, args=(0.01,))
    thread.start()

def test_child():
    kept.append(subprocess.Popen(SLEEP))

def test_zombie():
    kept.append(subprocess.Popen(["true"]))
    os.waitid(os.P_PID, kept[-1].pid, os.WEXITED | os.WNOWAIT)

def test_orphan():
    code = "import subprocess, sys; subprocess.Popen(sys.argv[1:], start_new_session=True)"
    subprocess.run([sys.executable, "-c", code, *SLEEP], check=True)

def test_forked_orphan():
    reader, writer = os.pipe()
    if os.fork() == 0:
        if os.fork() == 0:
            os.setsid()
            os.write(writer, b"!")
            signal.pause()
        os._exit(0)
    os.wait()
    os.read(reader, 1)
    os.close(reader), os.close(writer)

def test_thread():
    def planted_target():
        time.sleep(60)
    threading.Thread(target=planted_target, name="planted thread", daemon=True).start()

def test_thread_that_python_waits_for():
    threading.Thread(target=threading.Event().wait, name="planted for ever").start()

def test_native_thread():
    libc, ident = ctypes.CDLL(None), ctypes.c_ulong()
    libc.pthread_create(ctypes.byref(ident), None, libc.pause, None)

def test_descriptor():
    kept.append(socket.create_server(("127.0.0.1", 0)))

def test_memfd():
    kept.append(os.memfd_create("planted memfd"))

def test_memfd_mapping():
    fd = os.memfd_create("planted mapping")
    os.ftruncate(fd, 4096)
    kept.append(mmap.mmap(fd, 4096, trackfd=False) if sys.version_info >= (3, 13) else planted_mapping(fd))
    os.close(fd)

def planted_mapping(fd):
    libc = ctypes.CDLL(None)
    libc.mmap.restype = ctypes.c_void_p
    libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long]
    return libc.mmap(None, 4096, mmap.PROT_READ, mmap.MAP_SHARED, fd, 0)

def test_abstract_socket():
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    sock.bind(chr(0) + f"camgraph-planted-{os.getpid()}")
    sock.listen()
    kept.append(sock)

def test_shared_memory():
    with open(f"/dev/shm/camgraph-planted-{os.getpid()}", "w"):
        pass

@pytest.fixture(scope="module")
def lasting():
    child = subprocess.Popen(SLEEP)
    yield child
    child.kill()
    child.wait()

@pytest.fixture(scope="module")
def forgetful():
    with subprocess.Popen(SLEEP) as child:
        yield kept.append(open(os.devnull))
        child.kill()

def test_first_with_fixture(lasting):
    assert lasting.poll() is None

def test_second_with_fixture(lasting):
    assert lasting.poll() is None

def test_with_forgetful_fixture(forgetful):
    pass
"""

QT_PLANTS = """
import pytest
from PySide6 import QtCore, QtWidgets

kept = []

@pytest.fixture(scope="session", autouse=True)
def app():
    app = QtWidgets.QApplication([])
    QtWidgets.QWidget().show()
    return app

def test_clean(app):
    widget = QtWidgets.QWidget()
    widget.show()
    widget.deleteLater()
    thread = QtCore.QThread()
    thread.start()
    thread.quit()
    thread.wait()

def test_widget():
    kept.append(QtWidgets.QLabel(objectName="planted label", windowTitle="planted title"))

def test_qthread():
    thread = QtCore.QThread(objectName="planted qthread")
    thread.start()
    kept.append(thread)

def test_clean_after(app):
    pass
"""


def run_plants(folder: Path, plants: str) -> tuple[int, str, dict[str, str]]:
    """Run planted tests in a session of their own; return exit code, output and what is told of each test."""
    (folder / "test_plants.py").write_text(plants)
    (folder / "pytest.ini").write_text("[pytest]\nleak_grace_s = 0.3\n")
    command = [sys.executable, "-m", "pytest", "-p", "camgraph.testing.leaks", "-p", "no:cacheprovider", "-q"]
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=50)
    told = re.split(r"^test_plants\.py::(\w+) left behind:$", done.stdout, flags=re.MULTILINE)
    return done.returncode, done.stdout + done.stderr, dict(zip(told[1::2], told[2::2], strict=True))


EXPECTED = {
    "test_child": r"process \d+ \[.*parent \d+: .*# planted",
    "test_zombie": r"process \d+ \[true\] state Z",
    "test_orphan": r"process \d+ \[.*# planted",
    "test_forked_orphan": r"process \d+ \[",
    "test_thread": r"planted thread.*in planted_target\b.*started at.*in test_thread\b",
    "test_thread_that_python_waits_for": r"thread \d+ <Thread\(planted for ever",
    "test_native_thread": r"thread \d+ \[.*a library's own",
    "test_descriptor": r"descriptor \d+ → socket:\[\d+\], held by <socket\.socket.*127\.0\.0\.1",
    "test_memfd": r"descriptor \d+ → /memfd:planted memfd",
    "test_memfd_mapping": r"memfd mapping /memfd:planted mapping .*inode",
    "test_abstract_socket": r"abstract socket @camgraph-planted",
    "test_shared_memory": r"shared memory /dev/shm/camgraph-planted",
    "test_with_forgetful_fixture": r"descriptor \d+ → /dev/null, held by <_io\.FileIO name='/dev/null'",
}


def test_each_planted_leak_fails_its_test_and_is_named(tmp_path: Path) -> None:
    returncode, output, told = run_plants(tmp_path, PLANTS)
    for path in Path("/dev/shm").glob("camgraph-planted-*"):
        path.unlink()
    assert returncode == pytest.ExitCode.TESTS_FAILED, output
    assert told.keys() == EXPECTED.keys(), output
    for name, pattern in EXPECTED.items():
        assert re.search(pattern, told[name], re.DOTALL), f"{name} told:\n{told[name]}"
    assert f"{len(EXPECTED)} errors" in output


def test_planted_qt_objects_fail_their_tests_and_are_named(tmp_path: Path) -> None:
    returncode, output, told = run_plants(tmp_path, QT_PLANTS)
    assert returncode == pytest.ExitCode.TESTS_FAILED, output
    assert told.keys() == {"test_widget", "test_qthread"}, output
    assert "widget QLabel 'planted label', title 'planted title'" in told["test_widget"]
    assert re.search(
        r"QThread QThread 'planted qthread'.*in test_qthread.*thread \d+ ", told["test_qthread"], re.DOTALL
    ), output


def test_what_is_left_outside_of_tests_fails_the_session(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(
        "import os\n\ndef pytest_sessionfinish():\n    os.memfd_create('planted at the end')\n"
    )
    returncode, output, _ = run_plants(
        tmp_path, "import os\nos.memfd_create('planted in a module')\n\ndef test_clean(): pass\n"
    )
    assert returncode == pytest.ExitCode.TESTS_FAILED, output
    assert re.search(
        r"collecting the tests left behind:\s+descriptor \d+ → /memfd:planted in a module", output
    )
    assert re.search(r"the session left behind:\s+descriptor \d+ → /memfd:planted at the end", output)


def test_a_clean_session_passes(tmp_path: Path) -> None:
    returncode, output, told = run_plants(tmp_path, "def test_clean(): pass\n")
    assert (returncode, told) == (0, {}), output
