"""What tests of all rooms share."""

import os
import select
import subprocess
from collections.abc import Iterator

import pytest


@pytest.fixture(scope="session")
def xvfb() -> Iterator[str]:
    """Name of a display (``:N``) of an X server of this session's own, 1600 x 1200 px, 24 bits deep."""
    reader, writer = os.pipe()
    # If the test runner is killed, so is the server: the kernel sees to that.
    command = ["setpriv", "--pdeathsig", "KILL", "Xvfb", "-displayfd", str(writer), "-nolisten", "tcp"]
    with subprocess.Popen(
        [*command, "-noreset", "-screen", "0", "1600x1200x24"], pass_fds=[writer], stderr=subprocess.DEVNULL
    ) as server:
        os.close(writer)
        try:
            ready, _, _ = select.select([reader], [], [], 20)
            number = os.read(reader, 16).decode().strip() if ready else ""
            assert number, "Xvfb did not start: install xvfb (Debian: apt-get install -y xvfb)"
            yield f":{number}"
        finally:
            os.close(reader)
            server.terminate()
            try:
                server.wait(5)
            except subprocess.TimeoutExpired:
                server.kill()
