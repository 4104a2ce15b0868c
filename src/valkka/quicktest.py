"""``python -m valkka.quicktest``: versions, what works here, what to install.

The exit code is 0 if the core works; what windows, Qt and OpenCV need is told, and no failure.
"""

import argparse
import importlib.metadata
import importlib.util
import os
import platform
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

RECEIVE_BUFFER_BYTES = 2_000_000
"""What the kernel should let a socket have, for cameras by UDP."""


class Finding(NamedTuple):
    """What a line of the report says."""

    what: str
    found: str
    remedy: str = ""
    """What to do about it; empty: all is well."""
    core: bool = False
    """Nothing works without."""


def versions() -> list[Finding]:
    """Return the versions of what is used."""
    import camgraph
    from valkka import core

    found = [
        Finding("camgraph", camgraph.__version__),
        Finding("the documented API", core.__version__),
        Finding("Python", platform.python_version()),
        Finding("numpy", importlib.metadata.version("numpy")),
    ]
    try:
        import av
    except ImportError as error:
        found.append(Finding("PyAV", f"can't be imported: {error}", "pip install --force-reinstall av", True))
    else:
        codec = ".".join(str(part) for part in av.library_versions["libavcodec"])
        found.append(Finding("PyAV", f"{av.__version__}, with libavcodec {codec}"))
    return found


def shared_memory() -> Finding:
    """Return whether frames can be shared with other processes."""
    try:
        os.close(os.memfd_create("quicktest"))
        os.close(os.pidfd_open(os.getpid()))
    except (AttributeError, OSError) as error:
        return Finding("shared memory", f"no memfd, or no pidfd: {error}", "use Linux 5.3 or newer", True)
    return Finding("shared memory", "works")


def decoding() -> Finding:
    """Return whether a media process decodes a built-in camera."""
    import camgraph as cg
    from camgraph.testing.cameras import Cameras

    try:
        with Cameras(count=1, size=(640, 360)) as cameras:
            graph = cg.Graph()
            camera = graph.rtsp("quicktest", cameras.urls[0])
            with graph.start() as site, site.read(camera.frames(format="rgb24")) as reader:
                reader.read(timeout=20)
        found = "works"
    except TimeoutError:
        found = "nothing came within 20 s"
    except Exception as error:
        found = f"{type(error).__name__}: {error}"
    if found == "works":
        return Finding("a camera, received and decoded", found)
    return Finding("a camera, received and decoded", found, "camgraph demo --seconds 10 tells more", True)


def display() -> Finding:
    """Return whether windows can be shown into by their id."""
    what = "windows by their id (X11)"
    instead = "or use camgraph.qt.VideoWidget, which needs no X11"
    name = os.environ.get("DISPLAY", "")
    if not name:
        session = os.environ.get("XDG_SESSION_TYPE", "")
        remedy = "log in to a session on Xorg" if session == "wayland" else "set DISPLAY"
        return Finding(what, "there is no X display", f"{remedy}, {instead}")
    from camgraph.errors import MissingDependency
    from camgraph.x11 import xcb

    try:
        libraries = xcb.load()
    except MissingDependency as error:
        return Finding(what, "libxcb is missing", str(error))
    connection = libraries.xcb.xcb_connect(None, None)
    try:
        if libraries.xcb.xcb_connection_has_error(connection):
            return Finding(
                what, f"display {name} does not answer", f"set DISPLAY to one that does, {instead}"
            )
        if libraries.shm is None:
            return Finding(what, f"{name}, the slow way", xcb.APT)
        cookie = libraries.shm.xcb_shm_query_version(connection)
        version = libraries.shm.xcb_shm_query_version_reply(connection, cookie, None)
        try:
            if not version or (version[0].major, version[0].minor) < (1, 2):
                return Finding(what, f"{name}, the slow way: the server has no MIT-SHM 1.2")
            return Finding(what, f"{name}, without copies (MIT-SHM)")
        finally:
            libraries.free(version)
    finally:
        libraries.xcb.xcb_disconnect(connection)


def qt() -> Finding:
    """Return which binding of Qt there is."""
    try:
        import qtpy
    except Exception as error:
        found = str(error).splitlines()[0] if str(error) else type(error).__name__
        return Finding("Qt", f"none: {found}", 'pip install "camgraph[qt]"')
    return Finding("Qt", f"{qtpy.API_NAME}, Qt {qtpy.QT_VERSION}, through qtpy {qtpy.__version__}")


def opencv() -> Finding:
    """Return whether OpenCV is there, and gets along with Qt."""
    spec = importlib.util.find_spec("cv2")
    if spec is None or spec.origin is None:
        return Finding("OpenCV", "is not installed; only programs that analyse need it")
    if (Path(spec.origin).parent / "qt" / "plugins").is_dir():
        return Finding(
            "OpenCV",
            "brings a Qt of its own, which keeps other Qt programs from starting",
            "pip uninstall opencv-python && pip install opencv-python-headless",
        )
    return Finding("OpenCV", "works beside Qt")


def receive_buffer() -> Finding:
    """Return how much the kernel keeps for a camera by UDP."""
    try:
        largest = int(Path("/proc/sys/net/core/rmem_max").read_text())
    except (OSError, ValueError):
        return Finding("buffers of sockets", "can't be told")
    found = f"{largest} bytes at most"
    if largest >= RECEIVE_BUFFER_BYTES:
        return Finding("buffers of sockets", found)
    return Finding(
        "buffers of sockets",
        f"{found}: little for cameras by UDP",
        f"sudo sysctl -w net.core.rmem_max={RECEIVE_BUFFER_BYTES}",
    )


CHECKS: tuple[Callable[[], Finding], ...] = (shared_memory, decoding, display, qt, opencv, receive_buffer)


def main() -> int:
    """Print what was found; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m valkka.quicktest", description=__doc__)
    parser.parse_args()
    findings = versions()
    for finding in findings:
        _print(finding)
    print()
    for check in CHECKS:
        finding = check()
        findings.append(finding)
        _print(finding)
    works = not any(finding.core and finding.remedy for finding in findings)
    print()
    print("The core works." if works else "The core does not work.")
    return 0 if works else 1


def _print(finding: Finding) -> None:
    print(f"{finding.what:<32}{finding.found}", flush=True)
    if finding.remedy:
        print(f"{'':<32}→ {finding.remedy}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
