"""A Wayland compositor for tests: weston, without a screen or in a window of an X server."""

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt

from camgraph.testing.waiting import wait_until

REMEDY = "on Debian or Ubuntu: sudo apt-get install -y weston"
_SOCKET = "wayland-test"
_CONFIG = """
[core]
idle-time=0
[shell]
panel-position=none
locking=false
animation=none
startup-animation=none
close-animation=none
background-color=0xff{red:02x}{green:02x}{blue:02x}
"""


class Compositor:
    """A running weston."""

    background = (0x28, 0x3C, 0x50)
    """RGB of what no window covers."""

    def __init__(self, folder: Path) -> None:
        self.environment = {"XDG_RUNTIME_DIR": str(folder), "WAYLAND_DISPLAY": _SOCKET}
        """What leads a program to it."""

    def pixels(self) -> npt.NDArray[np.uint8]:
        """Return what it shows, shape (height, width, 3), RGB: taken by a program of its own."""
        with tempfile.TemporaryDirectory() as folder:
            environment = {**self.environment, "XDG_PICTURES_DIR": folder}
            subprocess.run(["weston-screenshooter"], env=environment, cwd=folder, check=True, timeout=20)
            (file,) = Path(folder).iterdir()
            with av.open(file) as picture:
                return np.asarray(next(picture.decode(video=0)).to_ndarray(format="rgb24"), np.uint8)


def has_weston() -> bool:
    """Tell whether there is a compositor to start."""
    return shutil.which("weston") is not None and shutil.which("weston-screenshooter") is not None


@contextmanager
def compositor(
    width_px: int = 1280, height_px: int = 720, *, scale: int = 1, display: str | None = None
) -> Iterator[Compositor]:
    """Run weston, and give it: without a screen, or as a window at the upper left of an X display (``:N``).

    Only without a screen can `pixels` be taken. `scale`: device pixels per logical pixel.
    If this process is killed, so is weston: the kernel sees to that. Raises RuntimeError, with the remedy, if
    it does not start.
    """
    if not has_weston():
        raise RuntimeError(f"weston is missing; {REMEDY}")
    with tempfile.TemporaryDirectory(prefix="weston-") as name:
        folder = Path(name)  # mkdtemp makes it 0700, as the runtime directory must be.
        found = Compositor(folder)
        red, green, blue = found.background
        config = folder / "weston.ini"
        config.write_text(_CONFIG.format(red=red, green=green, blue=blue))
        # Screenshots are part of its debugging.
        backend = ["headless-backend.so", "--debug"] if display is None else ["x11-backend.so"]
        command = ["setpriv", "--pdeathsig", "KILL", "weston", "--backend", *backend, "--use-pixman"]
        size = [f"--width={width_px}", f"--height={height_px}", f"--scale={scale}"]
        files = [f"--socket={_SOCKET}", f"--config={config}", f"--log={folder / 'log'}"]
        environment = {"XDG_RUNTIME_DIR": name, "PATH": "/usr/bin:/bin", "HOME": name}
        if display is not None:
            environment["DISPLAY"] = display
        with subprocess.Popen(
            [*command, *size, *files], env=environment, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL
        ) as weston:
            try:
                wait_until(lambda: (folder / _SOCKET).exists() or weston.poll() is not None, 20, "weston")
                if weston.poll() is not None:
                    raise RuntimeError(f"weston did not start: {(folder / 'log').read_text()}")
                yield found
            finally:
                weston.terminate()
                try:
                    weston.wait(5)
                except subprocess.TimeoutExpired:
                    weston.kill()
