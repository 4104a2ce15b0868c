"""A Qt program that hears several processes in one thread of its own, as programs are written."""

import os
import signal
import subprocess
import sys
from pathlib import Path

PROGRAM = Path(__file__).with_name("qt_program.py")


def test_clicks_become_messages_and_messages_signals() -> None:
    program = subprocess.Popen(
        [sys.executable, PROGRAM],
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with program:
        assert program.stdout is not None
        assert program.stdin is not None
        assert program.stderr is not None

        def command(word: object) -> None:
            print(word, file=program.stdin, flush=True)

        def line() -> list[str]:
            return str(program.stdout.readline()).split()  # type: ignore[union-attr]

        _, *pids = line()
        for turn in (1, 2):
            for number in range(3):
                command(number)
                assert line() == ["pong", f"signalling-{number}", str(turn), pids[number]]
            command(3)
            assert line() == ["pong", "messaging", "0", pids[3]]

        os.kill(int(pids[1]), signal.SIGKILL)
        os.kill(int(pids[3]), signal.SIGKILL)
        assert line()[:2] == ["none", "from"]
        for number in (1, 3, 2):
            command(number)
        assert line() == ["pong", "signalling-2", "3", pids[2]]

        command("close")
        said, complaints = program.communicate(timeout=10)
    assert (program.returncode, said) == (0, "")
    assert "signal ping_ is lost" in complaints
    assert "has ended: signal SIGKILL" in complaints
    assert "Traceback" not in complaints
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)
