"""Prepares the tree for a make target: `.venv`, the packages it needs, the system's tools and libraries.

Needs the standard library only. Does nothing, quickly, when all is there: packages are installed again only
when the parts of pyproject.toml that decide about them have changed. A set-up that was interrupted is found
by its marker and begun afresh.
"""

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, NoReturn

ROOT = Path(__file__).resolve().parents[1]
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STATE = VENV / "camgraph-setup.json"
UNFINISHED = ROOT / "build" / "setup-unfinished"
LOCK = ROOT / "build" / "setup-lock"

# fmt: off
QT_DEBIAN = (
    "fonts-dejavu-core", "libdbus-1-3", "libegl1", "libfontconfig1", "libgl1", "libglib2.0-0", "libx11-6",
    "libx11-xcb1", "libxcb-cursor0", "libxcb-icccm4", "libxcb-image0", "libxcb-keysyms1", "libxcb-randr0",
    "libxcb-render-util0", "libxcb-render0", "libxcb-shape0", "libxcb-shm0", "libxcb-sync1", "libxcb-util1",
    "libxcb-xfixes0", "libxcb-xkb1", "libxcb1", "libxkbcommon-x11-0", "libxkbcommon0",
)
# fmt: on
TOOL_DEBIAN = {"Xvfb": "xvfb", "ffmpeg": "ffmpeg", "g++": "g++", "gcc": "gcc", "xdotool": "xdotool"}
TOOLKITS_DEBIAN = ("gir1.2-gtk-3.0", "python3-gi", "python3-tk")
CAMERA_DEBIAN = ("gir1.2-gst-rtsp-server-1.0", "gstreamer1.0-plugins-ugly", "python3-gi")
OPTIONAL_DEBIAN = {
    "gst-launch-1.0": (
        "gstreamer1.0-libav",
        "gstreamer1.0-plugins-bad",
        "gstreamer1.0-plugins-base",
        "gstreamer1.0-plugins-good",
        "gstreamer1.0-tools",
        "gstreamer1.0-x",
    ),
    "mpv": ("mpv",),
    "weston": ("weston",),
}


class Needs(NamedTuple):
    """What a make target needs: extras of the package, Qt's system libraries, tools on the PATH; and what it
    can do without: GTK 3 and Tk for Python, an RTSP server that is not ours, and other tools.
    """

    extras: frozenset[str]
    qt: bool = False
    tools: tuple[str, ...] = ()
    toolkits: bool = False
    camera: bool = False
    optional: tuple[str, ...] = ()


_DEV = frozenset({"dev", "metrics", "qt"})  # named together, since dev brings the others
TARGETS = {
    "demo": Needs(frozenset({"qt"}), qt=True),
    "test": Needs(
        _DEV,
        qt=True,
        tools=("Xvfb", "ffmpeg", "g++", "gcc", "xdotool"),
        toolkits=True,
        camera=True,
        optional=("weston",),
    ),
    "lint": Needs(_DEV),
    "format": Needs(_DEV),
    "bench": Needs(
        frozenset({"bench", "qt"}),
        qt=True,
        tools=("Xvfb", "ffmpeg", "g++", "xdotool"),
        optional=("gst-launch-1.0", "mpv"),
    ),
    "faults": Needs(_DEV),
    "docs": Needs(_DEV),
}


def say(text: str) -> None:
    """Tell the person at the terminal what is going on; standard output belongs to the target."""
    print(f"setup: {text}", file=sys.stderr, flush=True)


def stop(text: str) -> NoReturn:
    """End the set-up with one clear sentence."""
    say(text)
    raise SystemExit(1)


def run(command: Sequence[str | Path], **environment: str) -> bool:
    """Run a command with its output in sight; tell whether it succeeded."""
    return (
        subprocess.run(
            command, cwd=ROOT, env={**os.environ, **environment}, stdin=subprocess.DEVNULL, stdout=sys.stderr
        ).returncode
        == 0
    )


def succeeds(command: Sequence[str | Path]) -> bool:
    """Tell whether a command can be run and succeeds; show nothing of it."""
    try:
        return (
            subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True).returncode == 0
        )
    except OSError:
        return False


# ---------------------------------------------------------------------------------------- system packages


def apt_line(packages: Sequence[str]) -> str:
    """Return the one line to type."""
    return f"sudo apt-get install -y {' '.join(packages)}"


def apt_install(packages: Sequence[str], why: str) -> bool:
    """Install Debian packages where we may; tell whether it was done."""
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        return False
    say(f"installing {why} with apt: {' '.join(packages)}")
    quiet = ("-qq", "-o", "DPkg::Lock::Timeout=300")
    options = ("-y", "--no-install-recommends", "-o", "Dpkg::Use-Pty=0", *quiet)
    environment = {"DEBIAN_FRONTEND": "noninteractive"}
    run(["apt-get", "update", *quiet], **environment)
    return run(["apt-get", "install", *options, *packages], **environment)


def missing_libraries(*parts: str) -> list[str]:
    """Return the shared libraries that parts of the installed PySide6 look for in vain."""
    found = [path for part in parts for path in VENV.glob(f"lib/python*/site-packages/PySide6/{part}")]
    listing = subprocess.run(["ldd", *found], stdin=subprocess.DEVNULL, capture_output=True, text=True).stdout
    return sorted({line.split()[0] for line in listing.splitlines() if line.endswith("=> not found")})


def provide_qt(*, needs_window: bool) -> None:
    """See that Qt finds its libraries; without those of a window go on if no display is there either."""

    def missing_for_window() -> list[str]:
        return missing_libraries("Qt/plugins/platforms/libqxcb.so")

    def missing_at_all() -> list[str]:
        return missing_libraries("Qt/plugins/platforms/libqoffscreen.so", "QtWidgets.abi3.so")

    if shutil.which("ldd") is None or not (missing_at_all() or missing_for_window()):
        return
    apt_install(QT_DEBIAN, "the libraries Qt needs")
    if missing := missing_at_all() or (missing_for_window() if needs_window else []):
        stop(f"Qt needs {', '.join(missing)}; on Debian or Ubuntu type: {apt_line(QT_DEBIAN)}")
    if missing := missing_for_window():
        say(f"windows would need {', '.join(missing)} (Debian, Ubuntu: {apt_line(QT_DEBIAN)})")
        say("there is no display: going on without a window")


def provide_tools(tools: Sequence[str]) -> None:
    """See that the tools are on the PATH."""

    def missing() -> list[str]:
        return [tool for tool in tools if shutil.which(tool) is None]

    if not missing():
        return
    packages = [TOOL_DEBIAN[tool] for tool in missing()]
    apt_install(packages, "tools")
    if still := missing():
        stop(
            f"{', '.join(still)} not found; on Debian or Ubuntu type: "
            + apt_line([TOOL_DEBIAN[tool] for tool in still])
        )


def has_typelib(name: str) -> bool:
    """Tell whether Debian's Python can use a library."""
    parts = "python3/dist-packages/gi/__init__.py", f"*/girepository-1.0/{name}.typelib"
    return all(any(Path("/usr/lib").glob(part)) for part in parts)


def provide_toolkits() -> None:
    """Install GTK 3 and Tk for Debian's Python, where we may and `.venv` has that version; go on without."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    if os.path.realpath("/usr/bin/python3") != f"/usr/bin/python{version}":
        return
    has_tk = any(Path(f"/usr/lib/python{version}/lib-dynload").glob("_tkinter.*"))
    if (not has_typelib("Gtk-3.0") or not has_tk) and not apt_install(TOOLKITS_DEBIAN, "GTK 3 and Tk"):
        say(f"going on without GTK 3 and Tk (Debian, Ubuntu: {apt_line(TOOLKITS_DEBIAN)})")


def provide_camera() -> None:
    """Install an RTSP server that is not ours, GStreamer's, where we may; go on without."""
    if not has_typelib("GstRtspServer-1.0") and not apt_install(CAMERA_DEBIAN, "GStreamer's RTSP server"):
        say(f"going on without GStreamer's RTSP server (Debian, Ubuntu: {apt_line(CAMERA_DEBIAN)})")


def provide_optional(tools: Sequence[str]) -> None:
    """Install what is measured beside camgraph, or tested with, where we may; go on without the rest."""
    for tool in tools:
        if shutil.which(tool) is None:
            packages = OPTIONAL_DEBIAN[tool]
            apt_install(packages, tool)
            if shutil.which(tool) is None:
                say(f"going on without {tool} (Debian, Ubuntu: {apt_line(packages)})")


# ------------------------------------------------------------------------------------------------- Python


def wanted_state() -> dict[str, str]:
    """Return what an installation depends on: where it lies, and what decides about its packages."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    tools = project.get("tool", {}).get("setuptools")
    decides = json.dumps([project["build-system"], project["project"], tools], sort_keys=True)
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    return {"place": f"{ROOT} python{version}", "packages": hashlib.sha256(decides.encode()).hexdigest()}


def installed_state() -> dict[str, str]:
    """Return what the last complete set-up wrote down; empty: there was none."""
    try:
        state = json.loads(STATE.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return state if isinstance(state, dict) else {}


def make_venv() -> None:
    """Make `.venv`, empty but for pip, with the Python that runs this."""
    base = getattr(sys, "_base_executable", sys.executable)
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    if not succeeds([base, "-I", "-c", "import ensurepip, venv"]):
        packages = (
            ["python3-venv"] if os.path.realpath(base).startswith("/usr/bin/") else [f"python{version}-venv"]
        )
        apt_install(packages, "what Python needs to make a virtual environment")
        if not succeeds([base, "-I", "-c", "import ensurepip, venv"]):
            stop(f"{base} can't make a virtual environment; on Debian or Ubuntu type: {apt_line(packages)}")
    say(f"making .venv with Python {version} ({base})")
    if VENV.is_symlink():
        VENV.unlink()
    if not run([base, "-I", "-m", "venv", "--clear", VENV]):
        stop(f"{base} could not make .venv: its words are above")


def provide_packages(extras: frozenset[str]) -> None:
    """See that `.venv` holds the project, as it stands, with the extras."""
    wanted, state = wanted_state(), installed_state()
    present = frozenset(state.get("extras", "").split(","))
    usable = (
        not UNFINISHED.exists() and PYTHON.exists() and state.get("place", wanted["place"]) == wanted["place"]
    )
    if usable and state.get("packages") == wanted["packages"]:
        if extras <= present:
            return
        extras |= present - {""}
    UNFINISHED.touch()
    if not usable or not succeeds([PYTHON, "-I", "-m", "pip", "--version"]):
        make_venv()
    say(f"installing camgraph[{','.join(sorted(extras))}] and what it needs: this takes some minutes once")
    pip: list[str | Path] = [PYTHON, "-I", "-m", "pip", "install", "--disable-pip-version-check"]
    if not run([*pip, "--editable", f".[{','.join(sorted(extras))}]"], PIP_USER="0"):
        stop("pip could not install the packages: its words are above; the next start tries again")
    STATE.write_text(json.dumps({**wanted, "extras": ",".join(sorted(extras))}), encoding="utf-8")
    UNFINISHED.unlink()
    say("packages are ready")


def main(arguments: Sequence[str]) -> None:
    """Prepare the tree for the target named on the command line."""
    if len(arguments) != 1 or arguments[0] not in TARGETS:
        stop(f"name one target: {', '.join(TARGETS)}")
    needs = TARGETS[arguments[0]]
    LOCK.parent.mkdir(exist_ok=True)
    with LOCK.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another set-up of this tree is running; waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        provide_packages(needs.extras)
        if needs.qt:
            provide_qt(needs_window=bool(needs.tools or os.environ.get("DISPLAY")))
        provide_tools(needs.tools)
        if needs.toolkits:
            provide_toolkits()
        if needs.camera:
            provide_camera()
        provide_optional(needs.optional)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except KeyboardInterrupt:
        say("interrupted; the next start begins this step again")
        sys.exit(130)
