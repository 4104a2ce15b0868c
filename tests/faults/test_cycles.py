"""Connecting and disconnecting, hundreds of times in one media process, leaves nothing behind."""

import os
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from statistics import mean

import pytest
from tests.real.media_process import Media, numbers

from camgraph.graph.spec import RtspSource
from camgraph.testing.cameras import Cameras

CYCLES = 300
WARM_UP = 50
"""Cycles after which nothing may grow any more."""
MOST_GROWTH = 0.03


@pytest.fixture
def media(tmp_path: Path) -> Iterator[Media]:
    media = Media(tmp_path / "media.log")
    yield media
    media.close()
    assert media.log() == ""


def held(media: Media) -> Counter[str]:
    """Return what the process holds: its threads, and its descriptors by kind."""
    root = Path(f"/proc/{media.process.pid}")
    kinds = Counter[str](threads=len(os.listdir(root / "task")))
    for descriptor in (root / "fd").iterdir():
        try:
            kinds[re.sub(r"\d+", "", str(descriptor.readlink()))] += 1
        except FileNotFoundError:
            continue  # It was closed just now.
    return kinds


def resident(media: Media) -> int:
    """Return how much memory the process has, in kB."""
    status = Path(f"/proc/{media.process.pid}/status").read_text(encoding="ascii")
    found = re.search(r"VmRSS:\s+(\d+) kB", status)
    assert found is not None
    return int(found[1])


def test_nothing_grows_with_the_number_of_connections(media: Media) -> None:
    with Cameras(count=3, size=(320, 180)) as cameras:
        tcp, udp, unread = cameras.urls
        nodes = {
            "tcp": RtspSource(id="tcp", url=tcp),
            "udp": RtspSource(id="udp", url=udp, transport="udp"),
            "unread": RtspSource(id="unread", url=unread),
        }
        media.statistics()
        before = held(media)
        resident_kb = []
        for _ in range(CYCLES // len(nodes)):
            media.run(None, **nodes)
            readers = [media.read("tcp"), media.read("udp", "bgra", 160, 90)]
            for reader in readers:
                numbers(reader, 1, 8)
            media.until_state("unread", "live")
            for reader in readers:
                reader.close()
            media.run()
            # Farewells to the cameras last a moment.
            media.until(lambda: held(media) <= before, what="all to be given back")
            resident_kb.append(resident(media))
        assert held(media) == before
        rounds = WARM_UP // len(nodes)
        early, late = resident_kb[rounds : 2 * rounds], resident_kb[-rounds:]
        assert mean(late) <= mean(early) * (1 + MOST_GROWTH), resident_kb
