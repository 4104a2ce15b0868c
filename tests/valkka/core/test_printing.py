"""What prints, without anything that passes."""

import contextlib
import sys

import pytest

from valkka.core import BriefInfoFrameFilter, InfoFrameFilter
from valkka.core.plan import Sight, Way


def test_nobody_has_to_read_what_is_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    told = False
    with contextlib.suppress(OSError), open("/dev/full", "w") as nobody:
        monkeypatch.setattr(sys, "stdout", nobody)
        for printer in (InfoFrameFilter("info"), BriefInfoFrameFilter("brief")):
            printer.on_setup("h264", Sight("node", printer, Way("door", "door", 1)))
        told = True
    assert told
