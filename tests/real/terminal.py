"""The ``camgraph`` command on a terminal of its own."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from camgraph.testing.waiting import wait_until

CAMGRAPH = str(Path(sys.executable).with_name("camgraph"))


class Terminal:
    """A command on a terminal of its own; `screen` is what it has written, without the movements."""

    def __init__(self, *arguments: str) -> None:
        self._bytes = b""
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
        self.process = subprocess.Popen(
            [CAMGRAPH, *arguments],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env={**{key: value for key, value in os.environ.items() if key != "COLUMNS"}, "TERM": "xterm"},
            start_new_session=True,
            # Its controlling terminal, so that Ctrl-C and hanging up mean what they do for a person.
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        os.close(slave)
        os.set_blocking(self.master, False)

    @property
    def screen(self) -> str:
        try:
            while chunk := os.read(self.master, 65536):
                self._bytes += chunk
        except OSError:
            pass
        return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", self._bytes.decode(errors="replace"))

    def hang_up(self) -> None:
        if self.master >= 0:
            os.close(self.master)
            self.master = -1

    def wait_ended(self, timeout_s: float) -> int:
        # What is written while it ends must be read, or it waits.
        return wait_until(lambda: [self.screen, self.process.poll()][1:] != [None], timeout_s, "its end")

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.hang_up()


@contextmanager
def on_terminal(*arguments: str) -> Iterator[Terminal]:
    terminal = Terminal(*arguments)
    try:
        yield terminal
    finally:
        terminal.close()
