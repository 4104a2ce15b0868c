"""What our own processes write when nobody reads it."""

import os
import subprocess
import sys

import pytest

_WRITER = """
import logging, sys
from camgraph.base.log import log_to_standard_error
log_to_standard_error("test")
for number in range(3):
    logging.warning("told %d", number)
logging.debug("not told")
print("went on", flush=True)
sys.stdin.read()
logging.warning("x" * 5000 + " end")
"""


@pytest.mark.parametrize("full", [True, False])
def test_a_process_goes_on_when_nobody_reads_what_it_writes(full: bool) -> None:
    reading, writing = os.pipe()
    try:
        if full:
            os.set_blocking(writing, False)
            while True:
                try:
                    os.write(writing, b"." * 4096)
                except BlockingIOError:
                    break
            os.set_blocking(writing, True)
        with subprocess.Popen(
            [sys.executable, "-c", _WRITER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=writing
        ) as writer:
            assert writer.stdout is not None
            assert writer.stdout.readline() == b"went on\n"
            said = os.read(reading, 1 << 20)
            writer.communicate(timeout=10)
        said += os.read(reading, 1 << 20)
    finally:
        os.close(reading)
        os.close(writing)
    lines = said.decode().lstrip(".").splitlines()
    if full:
        assert lines[:-1] == ["camgraph test: 3 messages were not read, and are lost"]
    else:
        assert lines[:-1] == [f"camgraph test: told {number}" for number in range(3)]
    assert lines[-1].startswith("camgraph test: xxx")
    assert lines[-1].endswith("x end")
    assert len(lines[-1]) < 1000
